// What this tab, and this browser, remember. Never a password, a token or what was said: of a
// reload only the name of the place, the server gives back the rest. Storage may be forbidden or full.

const SESSION = "chat";

function read(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function write(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // then it is not remembered
  }
}

/** What this tab remembers over a reload: {tab, nick, read, talks, view}. */
export const place = () => read("sessionStorage", SESSION);
export const keepPlace = (value) => write("sessionStorage", SESSION, value);

/** What this browser remembers for ever: {nick, notify}. */
export const wishes = () => read("localStorage", SESSION);
export const wish = (value) => write("localStorage", SESSION, { ...wishes(), ...value });

/** Return a new name for this tab: not secret, the cookie is. */
export function newTab() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

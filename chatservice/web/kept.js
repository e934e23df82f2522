// What this tab, and this browser, remember. Never a password, a token or what others said. Storage
// may be forbidden or full: then it is not remembered.

function read(storage) {
  try {
    return JSON.parse(window[storage].getItem("chat")) ?? {};
  } catch {
    return {};
  }
}

function write(storage, value) {
  try {
    window[storage].setItem("chat", JSON.stringify(value));
  } catch {
    // see above
  }
}

/** What this tab remembers over a reload: {tab, nick, places, inbox, view, unsent}. */
export const session = () => read("sessionStorage");
export const keepSession = (value) => write("sessionStorage", value);

/** What this browser remembers for ever: {nick, notify}. */
export const wishes = () => read("localStorage");
export const wish = (value) => write("localStorage", { ...wishes(), ...value });

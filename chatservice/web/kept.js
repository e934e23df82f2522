// What this tab and this browser remember: never a password, a token or what others said.

// Return what is kept there; if there is a value, that from now on.
function kept(storage, value) {
  try {
    if (value) window[storage].chat = JSON.stringify(value);
    return JSON.parse(window[storage].chat ?? "{}");
  } catch {
    return {}; // storage may be forbidden or full
  }
}

/** What this tab remembers over a reload: {tab, nick, places, inbox, view, unsent}. */
export const session = (value) => kept("sessionStorage", value);

/** What this browser remembers for ever: {nick, notify}. */
export const wishes = () => kept("localStorage");
export const wish = (value) => kept("localStorage", { ...wishes(), ...value });

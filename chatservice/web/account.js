// The reader: nickname, account, notifications. A password goes from its field to the server, once, and
// is kept nowhere.

import { chat, isRegistered } from "./chat.js";
import { ask } from "./connection.js";
import { at, avatar, dialog, draws, el, field, forms, say } from "./dom.js";
import { allRooms, view } from "./going.js";
import { wish, wishes } from "./kept.js";
import { quit } from "./session.js";

const MOST = 200; // characters of a line in a notification

const secret = (label, name, autocomplete, value) =>
  field(label, { name, autocomplete, value, type: "password", maxlength: 256, required: true });
const nickname = (label, name) => field(label, { name, value: chat.nick, maxlength: 32, autocapitalize: "none" });

// What each asks for, the request that it makes of that, and what is said then if not the server's answer.
// `typed` stood behind a typed command: there, an account may stand before the password.
const ACTS = {
  nick: {
    label: "Rename",
    fields: () => [nickname("Nickname", "nick")],
  },
  register: {
    label: "Register",
    fields: (typed) => [
      el("p.hint", "With the password only you can wear it. At least 8 characters."),
      secret("Password", "password", "new-password", typed),
    ],
    done: "The nickname is yours now: from now on, join with it and this password.",
  },
  login: {
    label: "Sign in",
    fields: (typed) => [
      typed === undefined && nickname("Account", "account"),
      secret("Password", "password", "current-password", typed),
    ],
    request: ({ account = "", password }) => ({ value: `${account.trim()} ${password}`.trim() }),
  },
  password: {
    label: "Change password",
    fields: () => [secret("Old password", "old", "current-password"), secret("New password", "fresh", "new-password")],
    request: ({ old, fresh }) => ({ value: `${old} -> ${fresh}` }),
  },
};

function draw() {
  const role = isRegistered() ? "" : "guest";
  at("you").ariaLabel = `You, ${chat.nick} ${role}`;
  at("you").replaceChildren(avatar(chat.nick, ".small"), el("span.name", chat.nick), " ", el("span.role", role));
}

/** Show the dialog, perhaps for a command, and what was typed behind it. */
export function show(command, typed) {
  const who = el("p.hint");
  const acts = el("div.pair");
  const [place, put] = forms();
  const open = (name, typed) => {
    const { label, fields, request = (fields) => fields, done } = ACTS[name];
    put(label, fields(typed), async (filled) => {
      say(box, "One moment…", true);
      try {
        const [told] = await ask({ do: name, ...request(filled) }, "notice");
        say(box, done ?? told?.text ?? "Done.", true);
        place.replaceChildren();
        await allRooms();
        offer();
      } catch ({ message }) {
        say(box, message);
      }
    });
  };
  const offer = () => {
    who.textContent = isRegistered() ? "This nickname is yours." : "A guest: register to keep this nickname.";
    const names = isRegistered() ? ["nick", "password"] : ["nick", "register", "login"];
    acts.replaceChildren(...names.map((name) => el("button", { click: () => open(name) }, ACTS[name].label)));
  };
  const change = async ({ target }) => {
    const isOn = await want(target.checked);
    if (target.checked && !isOn) say(box, "The browser does not allow notifications for this page.");
    target.checked = isOn;
  };
  const box = dialog(
    chat.nick,
    "Close",
    who,
    acts,
    place,
    el("label.switch", el("input", { type: "checkbox", role: "switch", checked: isWanted(), change }), "Notify me when I am mentioned"),
    el("p.hint", "Alt+↑ and Alt+↓ switch rooms, Tab completes, / shows commands, ↑ recalls what you said."),
  );
  box.lastChild.append(el("button.danger", { click: () => box.close() ?? quit() }, "Leave the chat"));
  offer();
  if (command) open(command, typed);
}

const isWanted = () => window.Notification?.permission === "granted" && Boolean(wishes().notify);

// Return whether notifications are on now.
async function want(on) {
  const notify = on && (await window.Notification?.requestPermission()) === "granted";
  wish({ notify });
  return notify;
}

export function notify(place, { nick, text }) {
  if (!document.hidden || !isWanted()) return;
  const title = place.isRoom ? `${nick} in ${place.name}` : nick;
  try {
    const shown = new Notification(title, { body: text.slice(0, MOST), tag: place.key });
    shown.onclick = () => {
      window.focus();
      shown.close();
      view(place);
    };
  } catch {} // some phones have the name only
}

at("you").addEventListener("click", () => show());
draws(draw, "places");

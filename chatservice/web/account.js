// The reader: nickname, account, notifications. A password goes from its field to the server, once,
// and is kept nowhere.

import { chat, isRegistered } from "./chat.js";
import { ask } from "./connection.js";
import { at, avatar, dialog, draws, el, field, submits } from "./dom.js";
import { allRooms } from "./going.js";
import { isWanted, want } from "./notify.js";
import { quit } from "./session.js";

const DONE = {
  nick: "That is your nickname now.",
  register: "The nickname is yours now: from now on, join with it and this password.",
  login: "You are signed in.",
  password: "Your password is changed.",
};
const HINT = "Register a nickname to keep it: with your password only you can wear it. At least 8 characters.";

function draw() {
  const role = isRegistered() ? "" : "guest";
  at("you").ariaLabel = `You, ${chat.nick} ${role}`;
  at("you").replaceChildren(avatar(chat.nick, ".small"), el("span.name", chat.nick), " ", el("span.role", role));
}

/** Show the dialog, perhaps because of a command that takes a password, and what was typed behind it. */
export function show(command = "", typed = "") {
  const isKnown = command === "password" || (!command && isRegistered());
  const answer = el("p", { role: "alert" });
  const tell = (text, good = false) => {
    answer.textContent = text;
    answer.classList.toggle("good", good);
  };
  const request = async (fields) => {
    tell("One moment…", true);
    try {
      await ask(fields);
      tell(DONE[fields.do], true);
      if (fields.do !== "nick") account.remove();
      await allRooms();
    } catch ({ message }) {
      tell(message);
    }
  };
  const nick = el("input", { value: chat.nick, maxlength: 32, autocomplete: "off", autocapitalize: "none" });
  const rename = el(
    "form.pair",
    { submit: submits(() => request({ do: "nick", nick: nick.value.trim() })) },
    field("Nickname", nick),
    el("button", { type: "submit" }, "Change"),
  );
  const account = isKnown ? changing(request) : signing(request, command, typed);
  const notify = el("input", { type: "checkbox", role: "switch", checked: isWanted() });
  notify.addEventListener("change", async () => {
    const isOn = await want(notify.checked);
    if (notify.checked && !isOn) tell("The browser does not allow notifications for this page.");
    notify.checked = isOn;
  });
  const leave = () => box.close() ?? quit();
  const box = dialog(
    "You",
    "Close",
    rename,
    account,
    answer,
    el("label.switch", notify, "Notify me when I am mentioned"),
    el("p.hint", "Alt+↑ and Alt+↓ switch rooms, Tab completes, / shows commands, ↑ recalls what you said."),
    el("button.danger", { click: leave }, "Leave the chat"),
  );
  if (command) account.querySelector("[type=password]").focus();
}

const secret = (kind, value = "") => el("input", { type: "password", maxlength: 256, autocomplete: kind, required: true, value });

function changing(request) {
  const old = secret("current-password");
  const fresh = secret("new-password");
  const change = () => request({ do: "password", value: `${old.value} -> ${fresh.value}` });
  return el(
    "form",
    { submit: submits(change) },
    field("Old password", old),
    field("New password", fresh),
    el("button", { type: "submit" }, "Change the password"),
  );
}

// Behind a typed /login the account may stand before the password.
function signing(request, command, typed) {
  const name = el("input", { value: chat.nick, maxlength: 32, autocomplete: "username", autocapitalize: "none" });
  const password = secret("current-password", typed);
  const login = () => `${command ? "" : `${name.value.trim()} `}${password.value.trim()}`;
  const send = ({ submitter }) =>
    submitter?.value === "register"
      ? request({ do: "register", password: password.value })
      : request({ do: "login", value: login() });
  return el(
    "form",
    { submit: submits(send) },
    !command && field("Account", name),
    field("Password", password),
    el("p.hint", HINT),
    el(
      "div.pair",
      el("button", { type: "submit" }, "Sign in"),
      el("button", { type: "submit", value: "register" }, "Register this nickname"),
    ),
  );
}

at("you").addEventListener("click", () => show());
draws("places", draw);

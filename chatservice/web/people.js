// Who is in the room, and what the reader may do to each of them.

import { chat, isMe } from "./chat.js";
import { ask } from "./connection.js";
import { at, avatar, dialog, draws, el, field, forms, redraw, say } from "./dom.js";
import { open } from "./going.js";
import { fold } from "./text.js";

const MOST = 200; // buttons; the filter finds the others
const FILTERED = 15; // people from which on there is a filter
const ROLES = ["voice", "op", "founder", "admin", "bot"]; // that are shown

// What each command is called, and what it asks for.
const ACTS = {
  voice: ["Give voice"],
  devoice: ["Take voice"],
  op: ["Make op"],
  deop: ["Take op"],
  kick: ["Kick", "reason"],
  mute: ["Mute", "duration", "reason"],
  ban: ["Ban", "duration", "reason"],
};
const DURATIONS = { "10m": "10 minutes", "1h": "an hour", "1d": "a day", "1w": "a week", "": "for good" };
const durations = () => Object.entries(DURATIONS).map(([value, text]) => el("option", { value }, text));
const FIELDS = {
  duration: () => el("label", "For how long", el("select", { name: "duration" }, ...durations())),
  reason: () => field("Reason", { name: "reason", maxlength: 200, placeholder: "optional; everybody sees it" }),
};

const words = (state) => (state === "absent" ? "reconnecting" : state);

function draw() {
  const all = chat.view?.sorted() ?? [];
  const wanted = fold(at("filter").value.trim());
  const found = all.filter(({ nick }) => fold(nick).includes(wanted));
  at("filter").hidden = all.length < FILTERED;
  at("how-many").textContent = all.filter(({ role }) => role !== "bot").length || "";
  redraw(at("members"), found.slice(0, MOST).map((person) => el("li", button(person))));
  at("more-people").textContent = found.length > MOST ? `and ${found.length - MOST} more: type a part of the name above` : "";
}

// A bot is here as long as it may read or write, which stands in the place of its state.
function button({ nick, role, state }) {
  const shown = ROLES.includes(role) && role;
  const label = [nick, shown, words(state)].filter(Boolean).join(" ");
  return el(
    "button.person",
    { "data-key": nick, "aria-label": label, click: () => show(nick) },
    avatar(nick, `.small.${role === "bot" ? "" : state || "here"}`),
    el("span.name", nick),
    " ",
    shown && el("span.role", shown),
  );
}

async function show(nick) {
  const { name: room, isRoom, people } = chat.view;
  const { role, state } = people?.get(fold(nick)) ?? {};
  const [place, put] = forms();
  place.className = "grave";
  const act = async (name, fields) => {
    try {
      await ask({ do: name, room, nick, whom: nick, ...fields });
      box.close();
    } catch ({ message }) {
      say(box, message);
    }
  };
  const offer = (name) => {
    const [label, ...asked] = ACTS[name];
    const fill = () => put(`${label} ${nick}`, asked.map((field) => FIELDS[field]()), (fields) => act(name, fields));
    return el(asked.length ? "button.danger" : "button", { click: asked.length ? fill : () => act(name) }, label);
  };
  const acts = el(
    "div.pair",
    !isMe(nick) && role !== "bot" && el("button.primary", { click: () => box.close() ?? open(nick) }, "Write privately"),
    el("button", { click: () => act("whois") }, "Who is this?"),
  );
  const what = [role === "user" ? "registered" : role, words(state), isMe(nick) && "you"].filter(Boolean).join(", ");
  const box = dialog(nick, "Close", el("p.hint", what), acts, place);
  if (!isRoom || isMe(nick)) return;
  const [may] = await ask({ do: "may", room, nick }, "may").catch(() => []); // gone meanwhile
  const allowed = may?.text.split(" ") ?? [];
  acts.append(...Object.keys(ACTS).filter((name) => allowed.includes(name)).map(offer));
}

at("filter").addEventListener("input", draw);
at("rows").addEventListener("click", ({ target }) => target.dataset.nick && show(target.dataset.nick));
draws(draw, "people");

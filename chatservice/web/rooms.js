// The list of places, and the dialog in which the reader chooses another room.

import { chat, listed, total } from "./chat.js";
import { at, avatar, dialog, draws, el, field, form, redraw, say } from "./dom.js";
import { allRooms, join, leave, open } from "./going.js";

const plural = (count, one, many) => `${count} ${count === 1 ? one : many}`;

let current = null; // the place that is shown as such

function draw() {
  redraw(at("places"), listed().map(item));
  if (current !== chat.view) at("places").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  current = chat.view;
  const others = listed().filter((place) => place !== chat.view);
  at("elsewhere").hidden = !total("unread", others);
  at("elsewhere").classList.toggle("rings", total("mentions", others) > 0);
}

function item(place) {
  const { name, key, unread, mentions, isRoom } = place;
  const isCurrent = place === chat.view;
  const label = [name, unread && `${unread} unread`, mentions && plural(mentions, "mention", "mentions")];
  const badge = el(`span.badge${mentions ? ".rings" : ""}`, unread > 999 ? "999+" : unread);
  const close = { "aria-label": `${isRoom ? "Leave" : "Close"} ${name}`, click: () => leave(place) };
  return el(
    isRoom ? "li" : "li.talk",
    el(
      `button.place${unread ? ".unread" : ""}`,
      { "data-key": key, "aria-current": isCurrent && "true", "aria-label": label.filter(Boolean).join(", "), click: () => open(name) },
      isRoom ? el("span.hash", "#") : avatar(name, ".small"),
      el("span.name", name.replace("#", "")),
      " ",
      unread > 0 && badge,
    ),
    isCurrent && chat.places.size > 1 && el("button.icon.leave", close, "×"),
  );
}

export function step(by) {
  const places = listed();
  open(places.at((places.indexOf(chat.view) + by) % places.length).name);
}

async function choose() {
  // The dialog stays until the room is entered, and says why it cannot be.
  const enter = async (name) => {
    try {
      if (/\s/.test(name)) throw new Error("A room's name is one word: try a - where the blank is.");
      await join(name.startsWith("#") ? name : `#${name}`);
      box.close();
    } catch ({ message }) {
      say(box, message);
    }
  };
  const room = field("Room", { name: "room", maxlength: 51, required: true, autocapitalize: "none", placeholder: "#dev" });
  const list = el("ul.rooms");
  const box = dialog(
    "Join a room",
    "Close",
    form("Join", [room], ({ room }) => enter(room.trim())),
    el("p.hint", "Take one that is there, or name a new one: it is made as you enter."),
    list,
  );
  for (const { room, members, text } of await allRooms().catch(() => chat.rooms)) {
    const take = el("button.quiet", { click: () => enter(room) }, room);
    list.append(el("li", take, el("span.hint", plural(members, "person", "people")), el("span.about", { dir: "auto" }, text)));
  }
}

at("join-room").addEventListener("click", choose);
draws(draw, "places");

// The list of places, and the dialog in which the reader chooses another room.

import { chat, listed, total } from "./chat.js";
import { at, avatar, dialog, draws, el, field, redraw, submits } from "./dom.js";
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
  const label = [name, unread && `${unread} unread`, mentions && plural(mentions, "mention", "mentions")];
  const attributes = {
    "data-key": key,
    "aria-current": place === chat.view && "true",
    "aria-label": label.filter(Boolean).join(", "),
    click: () => open(name),
  };
  const badge = unread && el(`span.badge${mentions ? ".rings" : ""}`, unread > 999 ? "999+" : unread);
  const close = { "aria-label": `${isRoom ? "Leave" : "Close"} ${name}`, click: () => leave(place) };
  return el(
    isRoom ? "li" : "li.talk",
    el(
      `button.place${unread ? ".unread" : ""}`,
      attributes,
      isRoom ? el("span.hash", "#") : avatar(name, ".small"),
      el("span.name", name.replace("#", "")),
      " ",
      badge || "",
    ),
    place === chat.view && chat.places.size > 1 && el("button.icon.leave", close, "×"),
  );
}

/** Go to the next place of the list, or the one before. */
export function step(by) {
  const places = listed();
  open(places.at((places.indexOf(chat.view) + by) % places.length).name);
}

async function choose() {
  const room = el("input", { maxlength: 51, autocomplete: "off", autocapitalize: "none", placeholder: "#dev", autofocus: true });
  const refusal = el("p", { role: "alert" });
  const list = el("ul.rooms");
  // The dialog stays until the room is entered, and says why it cannot be.
  const enter = async (name) => {
    try {
      if (/\s/.test(name)) throw new Error("A room's name is one word: try a - where the blank is.");
      if (name) await join(name.startsWith("#") ? name : `#${name}`);
      if (name) box.close();
    } catch ({ message }) {
      refusal.textContent = message;
      room.focus();
    }
  };
  const box = dialog(
    "Join a room",
    "Close",
    el(
      "form.pair",
      { submit: submits(() => enter(room.value.trim())) },
      field("Room", room),
      el("button.primary", { type: "submit" }, "Join"),
    ),
    refusal,
    el("p.hint", "Take one that is there, or name a new one: it is made as you enter."),
    list,
  );
  for (const { room, members, text } of await allRooms().catch(() => chat.rooms)) {
    const take = el("button.quiet", { click: () => enter(room) }, room);
    list.append(el("li", take, el("span.hint", plural(members, "person", "people")), el("span.about", { dir: "auto" }, text)));
  }
}

at("join-room").addEventListener("click", choose);
draws("places", draw);

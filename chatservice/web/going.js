// Where the reader goes, and what has to be asked for there.

import { chat, find, forget, listed, look, placeOf, tell } from "./chat.js";
import { ask, up } from "./connection.js";
import { touch } from "./dom.js";
import { fold } from "./text.js";

export function view(place) {
  document.querySelector(":popover-open")?.hidePopover();
  look(place);
  history.replaceState(null, "", place.isRoom ? place.name : `#${place.key}`);
  if (place.isRoom && !place.people) inquire();
}

/** Go to a room, which is entered if need be, or to the conversation with somebody. */
export function open(name) {
  const place = name.startsWith("#") ? find(name) : placeOf(name);
  if (place) view(place);
  else join(name).catch(({ message }) => tell(message));
}

export async function join(room) {
  const [switched] = await ask({ do: "join", room }, "switched");
  view(placeOf(switched?.room ?? room));
}

export async function leave(place) {
  if (place.isRoom) return ask({ do: "leave", room: place.name }).catch(({ message }) => tell(message));
  forget(place);
  view(listed()[0]);
}

export function inquire() {
  members();
  allRooms().catch(() => {});
}

export async function members() {
  const place = chat.view;
  if (!up || !place?.isRoom) return;
  try {
    const found = await ask({ do: "who", room: place.name }, "member");
    place.people = new Map(found.map(({ nick, role, text }) => [fold(nick), { nick, role, state: text }]));
    touch("people");
  } catch {} // asked again when the connection is back
}

export async function allRooms() {
  if (!up) return chat.rooms;
  chat.rooms = await ask({ do: "rooms" }, "room");
  for (const { room, role, text } of chat.rooms) if (role) Object.assign(placeOf(room), { role, topic: text });
  touch("places", "view");
  return chat.rooms;
}

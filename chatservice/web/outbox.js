// What the reader wrote and nobody has seen yet. A line leaves here only when it comes back as said:
// so it is neither lost nor said twice, whatever happens to the connection.
// What was refused, or perhaps said, has a reason: the reader sends it again, or gives it up.

import { chat, find } from "./chat.js";
import { Refused, ask, up } from "./connection.js";
import { touch } from "./dom.js";
import { session } from "./kept.js";

const UNSENT = "This was not sent.";
const UNCLEAR = "It is not known whether this was said.";

let entries = (session().unsent ?? []).map((one) => ({ ...one, reason: one.isUnclear ? UNCLEAR : UNSENT }));
let under = null; // the one that is under way

/** Return what waits in a place: {name, text, reason}. */
export const waiting = (place) => entries.filter(({ name }) => find(name) === place);

export const left = () =>
  entries.map((one) => ({ name: one.name, text: one.text, isUnclear: one === under || one.reason === UNCLEAR }));

/** Send a line as soon as there is a connection. Commands that were refused go with that. */
export function put(place, text) {
  entries = entries.filter((one) => !one.reason || !/^\/[^/]/.test(one.text));
  entries.push({ name: place.name, text, reason: "" });
  pump();
}

export function drop(entry) {
  entries = entries.filter((other) => other !== entry);
  touch("lines");
}

export function clear() {
  entries = [];
  under = null;
}

export function again(entry) {
  entry.reason = "";
  pump();
}

/** Take note that a line of the reader's own came: the one under way. */
export function came(place) {
  if (under && find(under.name) === place) drop(under);
}

/**
 * Go on after the connection was lost.
 * @param isSame whether all that was missed has come: what is not among it was not said. Otherwise
 *     nobody can know, and the reader decides.
 */
export function resume(isSame) {
  for (const entry of isSame ? [] : entries) {
    entry.reason ||= entry === under ? UNCLEAR : UNSENT;
    if (!find(entry.name)) entry.name = chat.view.name;
  }
  under = null;
  pump();
}

// What is typed as a command is about the room that is looked at.
function requests({ name, text }) {
  const isRoom = name.startsWith("#");
  if (!text.startsWith("/")) return [isRoom ? { do: "say", room: name, text } : { do: "msg", nick: name, text }];
  const line = { do: "line", line: text };
  return isRoom && chat.current !== name ? [{ do: "join", room: name }, line] : [line];
}

async function pump() {
  touch("lines");
  const entry = entries.find(({ reason }) => !reason);
  if (under || !up || !entry) return;
  under = entry;
  try {
    for (const request of requests(entry)) await ask(request);
    drop(entry);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (refused.code === "lost") return; // until resume
    entry.reason = refused.message;
  }
  under = null;
  pump();
}

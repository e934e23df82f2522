// What this tab knows of the chat. It takes the server's events, asks for nothing, and says what changed
// by touch() alone.

import { touch } from "./dom.js";
import { Place } from "./place.js";
import { fold, local, names } from "./text.js";

const HOLE = 500; // numbers between two missed lines: the server gives the newest of very many only

export const chat = {
  nick: "",
  places: new Map(), // by folded key
  view: null, // the place that is looked at
  atEnd: true, // whether its newest lines are in sight
  current: "", // the room that is current at the server
  rooms: [], // all that the server told of last: {room, members, role, text}
  inbox: 0, // the highest number of a private line
  returning: false, // what comes from the past was missed
};

const ALL = ["view", "places", "people", "lines"];
const keyOf = (name) => fold(name.startsWith("#") ? name : `@${name}`);

export const isMe = (nick) => fold(nick) === fold(chat.nick);

export const find = (name) => chat.places.get(keyOf(name));

export function placeOf(name) {
  if (!find(name)) {
    chat.places.set(keyOf(name), new Place(name));
    touch("places");
  }
  return find(name);
}

export function forget(place) {
  chat.places.delete(keyOf(place.name));
  if (chat.view === place) chat.view = null;
  touch("places");
}

export function reset() {
  chat.places.clear();
  Object.assign(chat, { view: null, current: "", rooms: [], inbox: 0, returning: false });
  touch(...ALL);
}

export function look(place) {
  const old = chat.view;
  chat.view = place;
  if (old && old !== place) {
    if (!old.unread) old.mark = 0;
    old.trim();
  }
  chat.atEnd ||= old !== place;
  touch(...ALL);
}

/** Return all places: rooms by name, then conversations. */
export const listed = () =>
  [...chat.places.values()].sort(
    (a, b) => b.isRoom - a.isRoom || (a.isRoom ? a.name.localeCompare(b.name, undefined, { numeric: true }) : 0),
  );

export const total = (what, places = listed()) => places.reduce((sum, place) => sum + place[what], 0);

/** Tell whether the nickname is an account's: then the reader is a guest in no room. */
export function isRegistered() {
  const roles = listed().map(({ role }) => role).filter(Boolean);
  return roles.length > 0 && !roles.includes("guest");
}

/** Return how far private lines were read: up to the first unread one. */
export const readInbox = () =>
  Math.min(chat.inbox, ...listed().filter(({ isRoom, unread }) => !isRoom && unread).map(({ read }) => read));

export function seen() {
  const place = chat.view;
  if (!place || (place.read === place.last && !place.unread)) return;
  Object.assign(place, { read: place.last, unread: 0, mentions: 0 });
  touch("places");
}

export function tell(text, kind = "error", place = chat.view) {
  place?.tell(text, kind);
  touch("lines");
}

/** Return a line of an event, and the name of the place where it belongs. */
export function lineOf({ type, room, seq, at, nick, to, text }) {
  const own = isMe(nick);
  const mention = !own && (type === "private" || names(text, chat.nick));
  return [room ?? (own ? to : nick), { kind: type, seq, at, nick, text, own, mention }];
}

const watched = (place) => place === chat.view && !document.hidden && chat.atEnd && place.live;

/** @returns {place, line} if there is a new line. */
export function take(event) {
  const place = event.room ? find(event.room) : undefined;
  const told = TOLD[event.type]?.(event);
  if (told) place?.tell(told, "event", event.at);
  const news = TAKERS[event.type]?.(event, place);
  const where = news?.place ?? place;
  if (where !== chat.view || watched(where)) where?.trim();
  touch("lines");
  return news;
}

function said(event) {
  const [name, line] = lineOf(event);
  if (event.room && line.own && !event.past && !find(name))
    return tell(`In ${name}, where you are not, you said: ${line.text}`, "notice");
  const place = placeOf(name);
  const isFresh = line.seq > place.last;
  const isNews = isFresh && (!event.past || chat.returning);
  const before = place.last;
  if (isNews && event.past && before && line.seq - before > HOLE && place.isRoom) place.clear(true);
  if (place.live || !isFresh) place.add(line);
  place.last = Math.max(before, line.seq);
  if (event.type === "private") chat.inbox = Math.max(chat.inbox, line.seq);
  if (!isNews) place.read = event.past ? Math.max(place.read, line.seq) : place.read;
  else if (line.seq > place.read) count(place, line);
  return isNews ? { place, line } : undefined;
}

function count(place, line) {
  if (line.own || watched(place)) {
    if (!place.unread) place.read = place.last;
    return;
  }
  if (!place.unread && !place.mark) place.mark = place.read || line.seq - 1;
  place.unread++;
  place.mentions += line.mention;
  touch("places");
}

function person(place, nick, change) {
  const key = fold(nick);
  if (!change) place?.people?.delete(key);
  else place?.people?.set(key, { nick, role: "", state: "", ...place.people.get(key), ...change });
  touch("people");
}

// What each event does.
const TAKERS = {
  said,
  acted: said,
  private: said,
  joined({ room, nick, at }, place) {
    if (isMe(nick)) placeOf(room).people = null;
    else place?.moved(nick, "joined", at);
    person(place, nick, { nick, state: "" });
  },
  gap(_, place) {
    if (place) place.people = null;
  },
  left({ nick, at }, place) {
    if (place && isMe(nick)) return forget(place);
    place?.moved(nick, "left", at);
    person(place, nick, null);
  },
  renamed({ nick, to }, place) {
    const change = { ...place?.people?.get(fold(nick)), nick: to };
    person(place, nick, null);
    person(place, to, change);
    const talk = find(nick);
    if (isMe(nick)) chat.nick = to;
    else if (talk && !find(to)) {
      chat.places.delete(keyOf(nick));
      chat.places.set(keyOf(to), Object.assign(talk, { name: to, key: `@${to}` }));
    }
    touch("view", "places");
  },
  kicked({ room, nick, to, text }, place) {
    person(place, to, null);
    if (!place || !isMe(to)) return;
    forget(place);
    (chat.view ?? listed()[0])?.tell(`${nick} kicked you out of ${room}${reason(text)}`, "error");
  },
  topic({ text }, place) {
    if (place) place.topic = text;
    touch("view");
  },
  role({ to, text }, place) {
    person(place, to, { role: text });
    if (place && isMe(to)) place.role = text;
  },
  away: ({ nick, text }, place) => person(place, nick, { state: text }),
  recorded: ({ nick, text }) => tell(`${nick} ${text}`, "notice"),
  invited: ({ nick, room }) => tell(`${nick} invites you to ${room}: press it to go there`, "notice"),
  notice: ({ text }) => tell(local(text), "notice"),
  error: ({ text }) => tell(local(text)),
  welcome({ nick }) {
    chat.nick = nick;
    touch("places");
  },
  switched({ room }) {
    chat.current = room;
  },
};

// What everybody in a room is told of some of them.
const TOLD = {
  renamed: ({ nick, to }) => `${nick} is now known as ${to}`,
  kicked: ({ nick, to, text }) => `${nick} kicked ${to} out${reason(text)}`,
  topic: ({ nick, text }) => (text ? `${nick} set the topic to: ${text}` : `${nick} removed the topic`),
  role: ({ nick, to, text }) => `${nick} made ${to} ${text}`,
  mode: ({ nick, text }) => `${nick} set ${text}`,
  noted: ({ text }) => text,
};
const reason = (text) => text && `: ${text}`;

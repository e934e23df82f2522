// What this tab knows of the chat: places (rooms and private conversations), the lines and people in
// them, what is unread. It takes the server's events; it knows no document and asks for nothing.
//
// A line is known by its place and number, so it is there once, however often it comes. Each place
// has a window of lines without a hole; it is `live` if it reaches up to now.

import { fold, names } from "./text.js";

const MOST_LINES = 1200; // in a window; others can be loaded again
const SPARE = 100; // so that not every new line pushes an old one out
const ROLES = ["admin", "founder", "op", "voice"]; // that are shown; all others are equal

/** A room ("#dev") or a private conversation ("@bob"). */
export class Place {
  lines = []; // {kind, seq, at, nick, text, mention, own}; without a number: told, not said
  waiting = []; // own lines that were not said yet, by the outbox
  last = 0; // the highest number there is
  read = 0; // the highest number that was seen here
  mark = 0; // behind this one the unread ones begin; 0: nowhere
  unread = 0;
  mentions = 0;
  live = true;
  beginning = false; // whether the window begins where the history does
  loading = false;
  earlier = 0; // before which number to look for more, where that is not the first line's
  role = "";
  topic = "";
  people = null; // by folded nickname: {nick, role, state}; null: not asked for yet
  draft = "";
  version = 0; // grows when the window changed otherwise than at its ends
  #seqs = new Set();

  constructor(name) {
    this.name = name;
    this.isRoom = name.startsWith("#");
    this.key = this.isRoom ? name : `@${name}`; // what the server's history calls it
  }

  get first() {
    return this.lines.find((line) => line.seq)?.seq ?? 0;
  }

  get end() {
    return this.lines.findLast((line) => line.seq)?.seq ?? 0;
  }

  /** Put a line where it belongs; by default at the end. @returns whether it was not there yet. */
  add(line, past = false) {
    if (line.seq) {
      if (this.#seqs.has(line.seq)) return false;
      this.#seqs.add(line.seq);
    }
    let index = this.lines.length;
    while (past && index && follows(this.lines[index - 1], line)) index--;
    if (index && index < this.lines.length) this.version++;
    this.lines.splice(index, 0, line);
    return true;
  }

  /** Give up lines that nobody looks at. @param old whether those at the beginning. */
  trim(old = true) {
    const excess = this.lines.length - MOST_LINES;
    if (excess <= SPARE) return;
    const gone = this.lines.splice(old ? 0 : MOST_LINES, excess);
    for (const line of gone) {
      line.gone = true;
      this.#seqs.delete(line.seq);
    }
    if (old) this.beginning = false;
    else this.live = false;
    this.earlier = 0;
  }

  /** Begin a new window. @param live whether it will reach up to now. */
  clear(live) {
    for (const line of this.lines) line.gone = true;
    Object.assign(this, { lines: [], live, beginning: false, earlier: 0 });
    this.#seqs.clear();
    this.version++;
  }

  /** Return the people here: those with a role first. */
  sorted() {
    const order = ({ role }) => (ROLES.includes(role) ? ROLES.indexOf(role) : ROLES.length);
    return [...(this.people?.values() ?? [])].sort(
      (a, b) => order(a) - order(b) || a.nick.localeCompare(b.nick),
    );
  }
}

const follows = (one, line) => (one.seq ? one.seq > line.seq : one.at > line.at);

export class Chat {
  nick = "";
  places = new Map(); // by key
  view = null; // the place that is looked at
  current = ""; // the room that is current at the server
  rooms = []; // all that the server told of last: {room, members, role, text}
  commands = []; // {name, usage, text}
  inbox = 0; // the highest number of a private line
  returning = false; // what comes from the past was missed

  /**
   * @param touch called with what changed: "lines", "places", "people", "topic"
   * @param came called with a place and a line of the reader's own that came back
   * @param rings called with a place and a line that concerns the reader
   * @param watched tells whether the reader sees the newest lines of a place just now
   */
  constructor({ touch, came, rings, watched }) {
    Object.assign(this, { touch, came, rings, watched });
  }

  isMe(nick) {
    return fold(nick) === fold(this.nick);
  }

  /** Return the place of a name, which is made if there is none. */
  place(name) {
    const fresh = new Place(name);
    const key = fold(fresh.key);
    if (!this.places.has(key)) {
      this.places.set(key, fresh);
      this.touch("places");
    }
    return this.places.get(key);
  }

  find(name) {
    return this.places.get(fold(name.startsWith("#") ? name : `@${name}`));
  }

  forget(place) {
    this.places.delete(fold(place.key));
    if (this.view === place) this.view = null;
    this.touch("places");
  }

  /** Forget everything, for a new beginning; what was not said stays with the outbox. */
  reset() {
    this.places.clear();
    Object.assign(this, { view: null, current: "", rooms: [], inbox: 0, returning: false });
    for (const part of ["places", "lines", "people", "topic"]) this.touch(part);
  }

  /** Return the places in the order of the list: rooms, then conversations. */
  listed() {
    return [...this.places.values()].sort(
      (a, b) => b.isRoom - a.isRoom || (a.isRoom ? a.name.localeCompare(b.name) : 0),
    );
  }

  /** Return how far each room was read, and the inbox as "@", to come back with. */
  marks(received) {
    const read = {};
    let inbox = this.inbox;
    for (const place of this.places.values()) {
      if (place.isRoom) read[place.name] = received ? place.last : place.read;
      else if (!received && place.unread) inbox = Math.min(inbox, place.read);
    }
    if (inbox) read["@"] = inbox;
    return read;
  }

  /** Be where the reader was, before the page was loaded anew: {read, talks}. */
  restore({ read = {}, talks = [] }) {
    this.inbox = read["@"] ?? 0;
    for (const nick of talks) this.place(nick).read = this.place(nick).last = this.inbox;
    for (const [name, seq] of Object.entries(read)) {
      if (name !== "@") Object.assign(this.place(name), { read: seq, last: seq });
    }
  }

  /** Take note that the reader has seen all there is in a place. */
  seen(place) {
    if (place.read === place.last && !place.unread) return;
    Object.assign(place, { read: place.last, unread: 0, mentions: 0 });
    this.touch("places");
  }

  /** Take an event. @returns whether it is known here. */
  take(event) {
    const taker = TAKERS[event.type];
    taker?.(this, event);
    return Boolean(taker);
  }

  /** Return a line of an event, and the place where it belongs. */
  line(event) {
    const { type, seq, at, nick, to, text } = event;
    const own = this.isMe(nick);
    const name = type === "private" ? (own ? to : nick) : event.room;
    const mention = !own && (type === "private" || names(text, this.nick));
    return [name, { kind: type, seq, at, nick, text, own, mention }];
  }

  /** Take what people said. */
  said(event) {
    const [name, line] = this.line(event);
    const place = this.place(name);
    const fresh = line.seq > place.last;
    const news = !event.past || this.returning;
    place.last = Math.max(place.last, line.seq);
    if (line.own && fresh && news) this.came(place);
    if (event.type === "private") this.inbox = Math.max(this.inbox, line.seq);
    if (place.live || !fresh) {
      if (!place.add(line, event.past || !fresh)) return;
      if (place !== this.view || this.watched(place)) place.trim();
      if (place === this.view) this.touch("lines");
    }
    if (!news) {
      place.read = Math.max(place.read, line.seq);
    } else if (fresh && line.seq > place.read) {
      this.#count(place, line);
    }
  }

  #count(place, line) {
    if (line.own || this.watched(place)) {
      if (!place.unread) place.read = place.last;
      return;
    }
    if (!place.unread && !place.mark) place.mark = place.read || line.seq - 1;
    place.unread++;
    if (line.mention) {
      place.mentions++;
      this.rings(place, line);
    }
    this.touch("places");
  }

  /** Tell something in a place that nobody said. */
  tell(place, text, kind = "event", at = 0) {
    if (!place?.live) return;
    const now = at || place.lines.at(-1)?.at || Date.now() / 1000;
    place.add({ kind, at: now, text, seq: 0, nick: "" });
    if (place !== this.view || this.watched(place)) place.trim();
    if (place === this.view) this.touch("lines");
  }

  /** Tell what happened in a room, if it is known. */
  happened(event, text) {
    this.tell(this.find(event.room), text, "event", event.at);
  }

  person(room, nick, change) {
    const people = this.find(room)?.people;
    if (!people) return;
    const key = fold(nick);
    if (change) people.set(key, { nick, role: "", state: "", ...people.get(key), ...change });
    else people.delete(key);
    this.touch("people");
  }

  gone(room) {
    const place = this.find(room);
    if (place) this.forget(place);
  }
}

// What each event does.
const TAKERS = {
  said: (chat, event) => chat.said(event),
  acted: (chat, event) => chat.said(event),
  private: (chat, event) => chat.said(event),
  joined(chat, event) {
    if (chat.isMe(event.nick)) {
      const place = chat.place(event.room);
      place.people = null;
    } else {
      chat.happened(event, `${event.nick} joined`);
    }
    chat.person(event.room, event.nick, { nick: event.nick, state: "" });
  },
  left(chat, event) {
    if (chat.isMe(event.nick)) {
      chat.gone(event.room);
      return;
    }
    chat.happened(event, `${event.nick} left`);
    chat.person(event.room, event.nick, null);
  },
  renamed(chat, event) {
    const { room, nick, to } = event;
    const person = chat.find(room)?.people?.get(fold(nick));
    chat.person(room, nick, null);
    chat.person(room, to, { ...person, nick: to });
    chat.happened(event, `${nick} is now known as ${to}`);
    if (chat.isMe(nick)) {
      chat.nick = to;
      chat.touch("places");
    } else if (chat.find(nick) && !chat.find(to)) {
      const talk = chat.find(nick);
      chat.places.delete(fold(talk.key));
      Object.assign(talk, { name: to, key: `@${to}` });
      chat.places.set(fold(talk.key), talk);
      chat.touch("places");
      chat.touch("topic");
    }
  },
  kicked(chat, event) {
    const { room, nick, to, text } = event;
    const reason = text ? `: ${text}` : "";
    if (chat.isMe(to)) {
      chat.gone(room);
      chat.tell(chat.view ?? chat.listed()[0], `${nick} kicked you out of ${room}${reason}`, "error");
      return;
    }
    chat.happened(event, `${nick} kicked ${to} out${reason}`);
    chat.person(room, to, null);
  },
  topic(chat, event) {
    const { room, nick, text } = event;
    const place = chat.find(room);
    if (place) place.topic = text;
    chat.happened(event, text ? `${nick} set the topic to: ${text}` : `${nick} removed the topic`);
    chat.touch("topic");
  },
  mode: (chat, event) => chat.happened(event, `${event.nick} set ${event.text}`),
  role(chat, event) {
    const { room, nick, to, text } = event;
    chat.happened(event, `${nick} made ${to} ${text}`);
    chat.person(room, to, { role: text });
    if (chat.isMe(to) && chat.find(room)) chat.find(room).role = text;
  },
  noted: (chat, event) => chat.happened(event, event.text),
  away: (chat, event) => chat.person(event.room, event.nick, { state: event.text }),
  recorded: (chat, event) => chat.tell(chat.view, `${event.nick} ${event.text}`, "notice", event.at),
  invited: (chat, event) =>
    chat.tell(chat.view, `${event.nick} invites you to ${event.room}: type /join ${event.room}`, "notice", event.at),
  notice: (chat, event) => chat.tell(chat.view, event.text, "notice", event.at),
  error: (chat, event) => chat.tell(chat.view, event.text, "error", event.at),
  welcome(chat, event) {
    chat.nick = event.nick;
    chat.touch("places");
  },
  switched(chat, event) {
    chat.current = event.room;
  },
};

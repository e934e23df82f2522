// Puts the parts together: what the server tells goes into the model, what changed is drawn once a
// frame, what the reader wants is asked for. Nothing else knows more than one other part.
//
//     WebSocket ──connection.js──▶ take() ──model.js──▶ touch() ──▶ draw() ──messages, rooms, people──▶ page
//     composer.js ──▶ say() ──outbox.js──▶ connection.js ──▶ WebSocket

import { Account } from "./account.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { at } from "./dom.js";
import * as kept from "./kept.js";
import { Messages } from "./messages.js";
import { Chat } from "./model.js";
import { notify, title } from "./notify.js";
import { Outbox } from "./outbox.js";
import { Past } from "./past.js";
import { People } from "./people.js";
import { Rooms } from "./rooms.js";
import { Search } from "./search.js";

const COMINGS = 15_000; // ms until roles of those who came are asked for
const MOST_READ = 60; // rooms to come back with: a request has 4,096 bytes; of others the server knows
const SHOWN = ["register", "login"]; // requests whose notices are shown where they were asked for
// Notices for terminals of what the page shows itself.
const KNOWN = /^(The lines above are from before|The topic of #|[\dO][\w,]* private lines? from while)/;

const changed = new Set();
let frame = 0;
let comings = 0;
let tab = "";
let wanted = ""; // the room that the address names, until we are there

// The parts.

const chat = new Chat({
  touch,
  came: (place) => outbox.said(place),
  rings: (place, line) => notify(place, line, () => view(place)),
  watched: (place) => place === chat.view && !document.hidden && messages.atEnd,
});

const address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
const connection = new Connection(address, take, connected);
const ask = (request, urgent) => connection.ask(request, urgent);

const outbox = new Outbox({
  ready: () => connection.up,
  ask,
  changed: (place) => place === chat.view && touch("lines"),
  requests,
});

const messages = new Messages(chat, {
  wants: (place, direction) => past.load(place, direction),
  looks: (place) => document.hidden || chat.seen(place),
  acts: (act, entry) => outbox[act](entry),
});

const past = new Past(chat, { ready: () => connection.up, asks: ask, messages, views: view, touch });
const rooms = new Rooms(chat, { opens: open, joins: join, closes: close, asks: allRooms });
const people = new People(chat, { asks: ask, opens: open });
const search = new Search(chat, { asks: ask, jumps: (place, seq) => past.jump(place, seq) });
const composer = new Composer(chat, {
  sends: say,
  learns: commands,
  secret: (text) => account.open(text),
});
const account = new Account(chat, { asks: ask, changed: allRooms, quits: quit });

// Drawing.

function touch(part) {
  changed.add(part);
  // A page in the background draws nothing, but its title.
  if (document.hidden) setTimeout(drawTitle);
  frame ||= requestAnimationFrame(draw);
}

function draw() {
  frame = 0;
  const parts = new Set(changed);
  changed.clear();
  if (parts.has("places")) {
    rooms.draw();
    account.draw();
    drawTitle();
  }
  if (parts.has("topic")) drawHeader();
  if (parts.has("lines")) messages.draw();
  if (parts.has("people")) people.draw();
}

function drawTitle() {
  const mentions = [...chat.places.values()].reduce((sum, place) => sum + place.mentions, 0);
  title(chat.view, mentions);
}

function drawHeader() {
  at("title").textContent = chat.view?.name ?? "";
  at("topic").textContent = chat.view?.isRoom ? chat.view.topic : "A private conversation";
}

// Events.

function take(event, request) {
  const { type } = event;
  if (request && (request.do === "history" || request.do === "search")) return;
  if (request?.do === "return") {
    chat.returning = true;
    if (type === "notice" && !event.text.startsWith("You missed")) return;
  }
  if (type === "notice" && (SHOWN.includes(request?.do) || KNOWN.test(event.text))) return;
  if (type === "error" && !connection.up) return;
  chat.take(event);
  if (type === "switched" && request?.do === "line") view(chat.place(event.room));
  if (type === "joined") came(event);
  if (!chat.view && chat.places.size && !at("chat").hidden) view(chat.listed()[0]);
}

// Somebody's role is told by `who` alone; it is asked for once for many who come.
function came({ room, nick }) {
  const place = chat.find(room);
  if (chat.isMe(nick)) {
    if (connection.up) allRooms().catch(() => {}); // for its topic
    if (connection.up && place === chat.view) members(place);
  } else if (!comings && place === chat.view && (place.people?.size ?? 0) < 300) {
    comings = setTimeout(() => {
      comings = 0;
      if (chat.view === place && !document.hidden) members(place);
    }, COMINGS);
  }
}

// Joining.

at("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const nick = at("nick").value.trim();
  const password = at("password").value;
  at("password").value = "";
  if (!nick) return;
  at("refusal").textContent = "";
  enter(nick, password);
});

function enter(nick, password) {
  let once = password ? `${nick} ${password}` : nick; // a password is not kept for a second connection
  chat.nick = nick;
  tab = kept.newTab();
  busy(true);
  connection.open(() => {
    if (!once) return comeBack();
    const fields = { do: "nick", nick: once, tab };
    once = "";
    return { fields, resolve: entered, reject: refused };
  });
}

function comeBack() {
  const read = Object.fromEntries(Object.entries(chat.marks(true)).slice(-MOST_READ));
  return { fields: { do: "return", nick: chat.nick, tab, read }, resolve: returned, reject: refused, patient: true };
}

async function entered() {
  const before = kept.place();
  kept.wish({ nick: chat.nick });
  inside();
  outbox.resume(false);
  outbox.move(({ name }) => chat.find(name) ?? chat.view, before.unsent);
  for (const name of Object.keys(before.read ?? {})) {
    if (name !== "@" && !chat.find(name)) await join(name).catch(() => {});
  }
  allRooms().catch(() => {});
}

async function returned() {
  chat.returning = false;
  const fresh = !chat.view;
  const { unsent } = kept.place();
  try {
    const own = new Set((await allRooms()).filter(({ role }) => role).map(({ room }) => room));
    for (const place of chat.listed()) if (place.isRoom && !own.has(place.name)) chat.forget(place);
  } catch {
    return; // lost again
  }
  inside();
  outbox.resume(true);
  if (fresh) outbox.move(({ name }) => chat.find(name) ?? chat.view, unsent);
}

function inside() {
  busy(false);
  at("door").hidden = true;
  at("chat").hidden = false;
  const before = kept.place();
  if (!chat.view || !chat.places.has(keyOf(chat.view))) {
    const place = chat.find(wanted || before.view || "") ?? chat.find(chat.current) ?? chat.listed()[0];
    if (place) view(place);
  } else {
    members(chat.view);
  }
  if (wanted && wanted !== chat.view?.name) open(wanted);
  wanted = "";
  keep();
}

const keyOf = (place) => [...chat.places].find(([, other]) => other === place)?.[0];

function refused({ code, message }) {
  outside(code === "bad-token" || code === "bad-request" ? "Your place here is gone: choose a nickname to join again." : message);
  if (code === "nick-registered" || code === "bad-password") at("password").focus();
}

function outside(text) {
  busy(false);
  at("chat").hidden = true;
  at("door").hidden = false;
  at("refusal").textContent = text;
  at("nick").value ||= chat.nick || kept.wishes().nick || "";
  at("nick").focus();
  chat.reset();
}

function busy(is) {
  at("join").querySelector("button").disabled = is;
}

function quit() {
  ask({ do: "quit" }).catch(() => {});
  kept.keepPlace({});
  connection.close();
  outside("");
}

// The connection.

function connected(state, wait, tries, ended) {
  const status = at("connection");
  const offline = state !== "up" && (!navigator.onLine || tries > 5);
  const words = state === "up" ? "Connected" : offline ? "Offline" : "Reconnecting";
  status.textContent = words + (state === "waiting" && wait > 2000 ? `, next try in ${Math.round(wait / 1000)} s` : "");
  status.className = words.toLowerCase();
  at("banner").hidden = state === "up" || state === "closed";
  at("banner").textContent = offline
    ? "You are offline. What you write is kept here and sent when the connection is back."
    : "The connection was lost. Reconnecting…";
  if (state === "closed" && ended) outside(ended.text);
  if (state === "waiting" && !at("door").hidden) {
    busy(false);
    at("refusal").textContent = ended?.text ?? "The server cannot be reached. Trying again…";
  }
}

// Places.

function open(name) {
  closeDrawers();
  const place = name.startsWith("#") ? chat.find(name) : chat.place(name);
  if (place) view(place);
  else join(name).catch(({ message }) => chat.tell(chat.view, message, "error"));
}

async function join(name) {
  const { events } = await ask({ do: "join", room: name }, true);
  const room = events.find(({ type }) => type === "switched")?.room;
  if (room) view(chat.place(room));
}

function close(place) {
  if (!place.isRoom) {
    chat.forget(place);
    view(chat.listed()[0]);
    return;
  }
  ask({ do: "leave", room: place.name }, true).catch(({ message }) => chat.tell(place, message, "error"));
}

function view(place) {
  const old = chat.view;
  closeDrawers();
  if (old && old !== place) {
    old.mark = old.unread ? old.mark : 0;
    old.trim();
  }
  if (old !== place) {
    chat.view = place;
    search.close();
    composer.face(place);
  }
  for (const part of ["places", "lines", "people", "topic"]) touch(part);
  history.replaceState(null, "", place.isRoom ? place.name : `#${place.key}`);
  if (!place.people && connection.up) members(place);
  if (matchMedia("(min-width: 641px)").matches) composer.focus();
  keep();
}

async function members(place) {
  if (!place.isRoom) return;
  try {
    const { events } = await ask({ do: "who", room: place.name });
    const found = events.filter(({ type }) => type === "member");
    place.people = new Map();
    for (const { nick, role, text } of found) place.people.set(nick.normalize("NFKC").toLowerCase(), { nick, role, state: text });
    touch("people");
  } catch {
    // asked again when the connection is back
  }
}

async function allRooms() {
  const { events } = await ask({ do: "rooms" });
  chat.rooms = events.filter(({ type }) => type === "room");
  for (const { room, role, text } of chat.rooms) {
    if (role) Object.assign(chat.place(room), { role, topic: text });
  }
  touch("places");
  touch("topic");
  return chat.rooms;
}

async function commands() {
  const { events } = await ask({ do: "help" });
  chat.commands = events.filter(({ type }) => type === "command");
}

// Saying something.

function say(place, text) {
  messages.unmark();
  place.mark = 0;
  if (!place.live) past.toNewest();
  outbox.put(place, text);
  messages.toEnd();
}

// What is typed as a command is about the room that is looked at.
function requests({ place: { isRoom, name }, text }) {
  if (!text.startsWith("/")) return [isRoom ? { do: "say", room: name, text } : { do: "msg", nick: name, text }];
  const elsewhere = isRoom && chat.current !== name;
  return [...(elsewhere ? [{ do: "join", room: name }] : []), { do: "line", line: text }];
}

// What this tab remembers.

function keep() {
  if (!chat.nick || !at("door").hidden) return;
  const talks = chat.listed().filter(({ isRoom }) => !isRoom);
  kept.keepPlace({
    tab,
    nick: chat.nick,
    read: chat.marks(false),
    talks: talks.map(({ name }) => name),
    view: chat.view?.name,
    unsent: outbox.left(),
  });
}

addEventListener("pagehide", keep);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) keep();
  else touch("lines");
});

// Keys, drawers, the button for the newest.

at("newest").addEventListener("click", () => past.toNewest());

document.addEventListener("keydown", (event) => {
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown") && !at("chat").hidden) {
    event.preventDefault();
    rooms.step(event.key === "ArrowUp" ? -1 : 1);
  }
  if (event.key === "Escape") closeDrawers();
});

at("rows").addEventListener("click", ({ target }) => {
  const nick = target.dataset?.nick;
  if (nick) people.open(nick);
});

for (const button of document.querySelectorAll(".drawer")) {
  button.addEventListener("click", () => {
    const drawer = at(button.dataset.drawer);
    const opens = !drawer.classList.contains("open");
    closeDrawers();
    drawer.classList.toggle("open", opens);
    button.setAttribute("aria-expanded", String(opens));
    at("shade").hidden = !opens;
    if (opens) drawer.querySelector("button").focus();
  });
}
for (const button of document.querySelectorAll(".close-drawer")) button.addEventListener("click", closeDrawers);
at("shade").addEventListener("click", closeDrawers);

function closeDrawers() {
  at("shade").hidden = true;
  for (const drawer of document.querySelectorAll(".open")) drawer.classList.remove("open");
  for (const button of document.querySelectorAll(".drawer")) button.setAttribute("aria-expanded", "false");
}

// The beginning: back to the place that this tab had, or the door.

// The address names a place: #dev, or #@bob.
function named() {
  try {
    const name = decodeURIComponent(location.hash);
    return name.startsWith("#@") ? name.slice(2) : name.slice(1) && name;
  } catch {
    return "";
  }
}

addEventListener("hashchange", () => connection.up && open(named()));
wanted = named();
const before = kept.place();
at("nick").value = before.nick ?? kept.wishes().nick ?? "";
if (before.tab && before.nick) {
  tab = before.tab;
  chat.nick = before.nick;
  chat.restore(before);
  busy(true);
  connection.open(comeBack);
}

// Joining, coming back, leaving, and what this tab remembers of it.

import { chat, find, forget, listed, placeOf, readInbox, reset } from "./chat.js";
import { LEFT, ask, close, open as connect, up } from "./connection.js";
import { at, draws } from "./dom.js";
import { allRooms, join, members, open, view } from "./going.js";
import { session, wish, wishes } from "./kept.js";
import * as outbox from "./outbox.js";
import { local } from "./text.js";

const GONE = "Your place here is gone: choose a nickname to join again.";
const REFUSALS = {
  // What the server says for terminals.
  "bad-token": GONE,
  "bad-request": GONE,
  "bad-password": "That is not the password of this nickname.",
  "nick-registered": "That nickname is registered, or looks like one that is: type its password, or choose another.",
};
const MOST_READ = 60; // rooms to come back with: a request has 4,096 bytes; of others the server knows

let tab = ""; // names this tab to the server: 128 random bits that nobody else is told
let wanted = ""; // the place that the address names, until we are there

// Join under a new name for this tab. A password is not kept for a second connection; who has none, and
// lost the first before it was in, offers the nickname again.
function enter(nick, password) {
  let once = password ? `${nick} ${password}` : nick;
  chat.nick = nick;
  tab = crypto.getRandomValues(new BigUint64Array(2)).join("-");
  busy(true);
  connect(() => {
    if (!once) return comeBack(!password && !at("door").hidden);
    const fields = { do: "nick", nick: once, tab };
    once = "";
    return { fields, resolve: entered, reject: refused };
  });
}

function comeBack(isNew) {
  chat.returning = true;
  const rooms = listed().filter(({ isRoom }) => isRoom).slice(-MOST_READ);
  const read = Object.fromEntries(rooms.map(({ name, last }) => [name, last]));
  if (chat.inbox) read["@"] = chat.inbox;
  return { fields: { do: "return", nick: chat.nick, tab, read }, resolve: returned, reject: isNew ? again : refused, patient: true };
}

async function entered() {
  const { places = [] } = session();
  wish({ nick: chat.nick });
  inside(false);
  for (const [name] of places) if (name.startsWith("#") && !find(name)) await join(name).catch(() => {});
}

async function returned() {
  chat.returning = false;
  try {
    const own = (await allRooms()).filter(({ role }) => role).map(({ room }) => room);
    for (const place of listed()) {
      if (place !== chat.view) place.people = null; // nobody told who came and went
      if (place.isRoom && !own.includes(place.name)) forget(place);
    }
    inside(true);
  } catch {} // lost again
}

function inside(isSame) {
  busy(false);
  at("door").hidden = true;
  at("chat").hidden = false;
  const place = chat.view ?? find(wanted || session().view || "") ?? find(chat.current) ?? listed()[0];
  if (place === chat.view) members();
  else if (place) view(place);
  if (wanted && wanted !== chat.view?.name) open(wanted);
  wanted = "";
  outbox.resume(isSame);
}

const again = (refusal) => (REFUSALS[refusal.code] === GONE ? enter(chat.nick, "") : refused(refusal));

function refused({ code, message }) {
  outside(REFUSALS[code] ?? message);
  if (["nick-registered", "bad-password"].includes(code)) at("password").focus();
}

export function outside(text) {
  busy(false);
  at("chat").hidden = true;
  at("door").hidden = false;
  at("refusal").textContent = local(text);
  at("nick").value ||= chat.nick || wishes().nick || "";
  at("nick").focus();
  reset();
}

export function quit() {
  ask({ do: "quit" }).catch(() => {});
  close();
  leave("");
}

// Whoever joins here next may be somebody else, and finds nothing of it.
function leave(text) {
  session({});
  outbox.clear();
  outside(text);
}

const busy = (is) => (at("join").disabled = is);

function keep() {
  if (!chat.nick || !at("door").hidden) return;
  const places = listed().map(({ name, read, draft }) => [name, read, draft]);
  session({ tab, nick: chat.nick, places, inbox: readInbox(), view: chat.view?.name, unsent: outbox.left() });
}

export function connected(state, { wait = 0, tries = 0, ended }) {
  const isOffline = state !== "up" && (!navigator.onLine || tries > 5);
  const words = state === "up" ? "Connected" : isOffline ? "Offline" : "Reconnecting";
  at("connection").textContent = words + (wait > 2000 ? `, next try in ${Math.round(wait / 1000)} s` : "");
  at("connection").className = words.toLowerCase();
  at("banner").hidden = state === "up" || state === "closed";
  at("banner").textContent = isOffline
    ? "You are offline. What you write is kept here and sent when the connection is back."
    : "The connection was lost. Reconnecting…";
  if (state === "closed" && ended) (ended.code === LEFT ? leave : outside)(ended.text);
  if (state !== "waiting" || at("door").hidden) return;
  busy(false);
  at("refusal").textContent = `${ended?.text ?? "The server cannot be reached."} Trying again…`;
}

// The place that the address names: "#dev", or "#@bob".
function named() {
  try {
    return decodeURIComponent(location.hash).replace("#@", "");
  } catch {
    return ""; // somebody's % that stands for nothing
  }
}

export function begin() {
  const before = session();
  wanted = named().replace(/^#$/, "");
  at("nick").value ||= before.nick ?? wishes().nick ?? ""; // unless somebody was quicker than this page
  at("door").querySelector("form").addEventListener("submit", offer);
  addEventListener("hashchange", () => up && named() && open(named()));
  addEventListener("pagehide", keep);
  draws(keep, "places");
  if (!before.tab || !before.nick) return busy(false);
  tab = before.tab;
  Object.assign(chat, { nick: before.nick, inbox: before.inbox });
  for (const [name, read, draft = ""] of before.places) Object.assign(placeOf(name), { read, last: read, draft });
  busy(true);
  connect(comeBack);
}

function offer() {
  const nick = at("nick").value.trim();
  const password = at("password").value;
  at("password").value = at("refusal").textContent = "";
  if (nick) enter(nick, password);
}

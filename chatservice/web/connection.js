// The WebSocket: one request at a time, answers by their id, and coming back by itself.
//
//     closed --open()--> opening --first request done--> up --lost--> waiting --> opening ...
//                           +--refused--> closed

import { local } from "./text.js";

const LONGEST = 30_000; // ms between two tries
const PATIENCE = 20_000; // ms for an answer, until the connection counts as lost
const TOO_FAST = 700; // ms until the same request is sent again
const FINAL = ["kicked", "banned"]; // whoever is thrown out does not come back by itself,
export const LEFT = 1000; // nor who left: this and the next are close codes,
const ELSEWHERE = 4001; // nor who is in another tab by now
const ENDS = { [LEFT]: "You left the chat.", [ELSEWHERE]: "This chat is open in another tab." };
const PASSING = ["too-fast", "busy", "not-read", "not-stored", "closing", "too-many-connections"];
const URL = `${location.protocol.replace("http", "ws")}//${location.host}/ws`;

/** A request that was not done: the server's code and text, or "lost" with the connection. */
export class Refused extends Error {
  constructor(code, text) {
    super(local(text));
    this.code = code;
  }
}

const LOST = new Refused("lost", "There is no connection to the server.");

export let up = false;
let hears, tells, first;
let socket = null;
let queue = []; // [0] is under way, if there is any
let ids = 0;
let tries = 0;
let timer = 0;
let heard = 0;
let ended = null; // the error that came last, if nothing came after it

/**
 * @param event called with each event, and the request that it answers, if any
 * @param state called with "up", "waiting", "opening" or "closed", and {wait: ms until the next try,
 *     tries: how many there were, ended: the error with which the server ended it}
 */
export function listen(event, state) {
  hears = event;
  tells = state;
}

/**
 * Connect, and again when the connection is lost.
 * @param request returns the first request of each connection, {fields, resolve, reject, patient}: a
 *     patient one is tried again if the server is only busy
 */
export function open(request) {
  close();
  first = request;
  tries = 0;
  connect();
}

export function close() {
  first = null;
  drop();
  tells("closed", {});
}

/** @returns a promise of the events that answer, or of those of a type; rejected with Refused. */
export function ask(fields, type) {
  return new Promise((resolve, reject) => {
    if (!up) return reject(LOST);
    if (queue.push({ fields, type, resolve, reject, events: [] }) === 1) send();
  });
}

function connect() {
  clearTimeout(timer);
  tells("opening", {});
  socket = new WebSocket(URL);
  socket.onopen = () => {
    queue = [{ ...first(), events: [], isFirst: true }];
    send();
  };
  socket.onmessage = ({ data }) => hear(JSON.parse(data));
  socket.onclose = ({ code }) => lost(code);
  watch(PATIENCE);
}

function send() {
  const [request] = queue;
  if (!request || !socket) return;
  request.id = ++ids;
  socket.send(JSON.stringify({ ...request.fields, id: ids }));
  watch(PATIENCE);
}

// A dead network says nothing: without an answer in time, the connection is lost.
function watch(patience) {
  clearTimeout(timer);
  timer = setTimeout(lost, patience);
}

// Try now what would be tried later; if all seems well, make sure of it.
function hurry() {
  if (!up) return first && !socket && connect();
  if (!queue.length) ask({ do: "rooms" }).catch(() => {});
  watch(PATIENCE / 4);
}

function hear(event) {
  heard = Date.now();
  const isError = event.type === "error";
  const request = event.id && queue[0]?.id === event.id ? queue[0] : null;
  ended = isError && !request ? event : null;
  request?.events.push(event);
  if (!request || !(isError || event.type === "done")) return hears(event, request?.fields);
  clearTimeout(timer);
  if (request.patient && PASSING.includes(event.code)) return lost();
  if (!request.isFirst && event.code === "too-fast") return (timer = setTimeout(send, TOO_FAST));
  queue.shift();
  if (request.isFirst && isError) close();
  else if (request.isFirst) {
    up = true;
    tries = 0;
    tells("up", {});
  }
  if (up) send(); // before the answer is looked at: that may ask for more
  if (isError) request.reject(new Refused(event.code, event.text));
  else request.resolve(request.events.filter(({ type }) => type === (request.type ?? type)));
}

function lost(code) {
  const error = code in ENDS ? { code, text: ENDS[code] } : ended;
  drop();
  if (!first) return;
  if (code in ENDS || FINAL.includes(error?.code)) {
    first = null;
    return tells("closed", { ended: error });
  }
  const wait = Math.random() * Math.min(LONGEST, 1000 * 2 ** tries++);
  timer = setTimeout(connect, wait);
  tells("waiting", { wait, tries, ended: error });
}

function drop() {
  clearTimeout(timer);
  const left = queue;
  if (socket) {
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
  socket = ended = null;
  queue = [];
  up = false;
  for (const { isFirst, reject } of left) if (!isFirst) reject(LOST);
}

addEventListener("online", hurry);
addEventListener("offline", () => up && hurry());
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Date.now() - heard > LONGEST) hurry();
});

// Shows the lines of the place that is looked at: a row for each, made once and anew only if its look
// changes. What the reader looks at stays where it is.

import { chat, seen } from "./chat.js";
import { at, avatar, draws, el } from "./dom.js";
import { open } from "./going.js";
import { again, drop, waiting } from "./outbox.js";
import { fence, hue, isEmoji, pieces } from "./text.js";

const NEAR = 60; // px from the end that count as the end
const PAUSE = 300; // s after which a line of the same person begins anew
const DAY = 86_400_000; // ms

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });

const log = at("log");
let shown = null; // the place whose lines are shown
let looked = ""; // of the lines that wait: drawn anew, they would be read anew
let rows = new Map(); // by line, in order: {row, key}; the key names its look

export function draw() {
  const place = chat.view;
  if (!place) return;
  const hold = chat.atEnd ? null : holder();
  const before = place === shown ? rows : new Map();
  // A screen reader reads what is new, not a room nor what was said earlier.
  const isNew = before.has(place.lines[0]);
  log.ariaLive = isNew ? "polite" : "off";
  if (!isNew) requestAnimationFrame(() => (log.ariaLive = "polite"));
  shown = place;
  rows = rowsOf(place, before);
  put(at("rows"), [...rows.values()].map(({ row }) => row));
  const left = waiting(place);
  const was = looked;
  looked = JSON.stringify(left);
  if (looked !== was) at("waiting").replaceChildren(...left.map(unsent));
  at("beginning").hidden = !place.beginning;
  at("beginning").textContent = place.lines.length
    ? `This is where ${place.isRoom ? place.name : "your conversation"} begins.`
    : "Nothing said yet. Say hello.";
  at("loading").hidden = !place.loading;
  if (chat.atEnd && place.live) toEnd();
  else hold?.();
  scrolled();
}

export function toEnd() {
  log.scrollTop = log.scrollHeight;
  chat.atEnd = true;
}

/** Go to a line, if it is there. @returns whether it is. */
export function reveal(seq) {
  const message = at("rows").querySelector(`[data-seq="${seq}"]`);
  if (!message) return false;
  at("rows").querySelector(".found")?.classList.remove("found");
  chat.atEnd = false;
  message.classList.add("found");
  message.scrollIntoView({ block: "center" });
  message.focus({ preventScroll: true });
  return true;
}

// Return a function that puts the topmost line in sight back where it is now.
function holder() {
  const { top } = log.getBoundingClientRect();
  const where = (line) => rows.get(line)?.row.lastElementChild.getBoundingClientRect();
  const line = [...rows.keys()].find((line) => where(line).bottom > top);
  const before = where(line)?.top;
  return () => (log.scrollTop += where(line)?.top - before || 0);
}

// What is there already is never moved: a screen reader would read it again.
function put(list, wanted) {
  const keep = new Set(wanted);
  for (const row of [...list.children]) if (!keep.has(row)) row.remove();
  let next = list.firstChild;
  for (const row of wanted) {
    if (row === next) next = next.nextSibling;
    else list.insertBefore(row, next);
  }
}

// How a line looks depends on the one above: what separates them, and whether it goes on with it.
function rowsOf(place, before) {
  const found = new Map();
  let above = { seq: 0 };
  for (const line of place.lines) {
    const day = new Date(line.at * 1000).toDateString();
    const isNewDay = day !== above.day;
    const isUnread = place.mark > 0 && line.seq > place.mark && above.seq <= place.mark && !line.own;
    const isSaid = line.kind === "said" || line.kind === "private";
    const joins = isSaid && !isNewDay && !isUnread && above.nick === line.nick;
    const block = isSaid ? fence(line.text, joins && ["open", "in"].includes(above.block)) : "";
    const goesOn = joins && (["in", "close"].includes(block) || line.at - above.at < PAUSE);
    const look = { isNewDay, isUnread, goesOn, block };
    const key = JSON.stringify([look, line.seq || line.text]);
    const old = before.get(line);
    found.set(line, old?.key === key ? old : { key, row: row(line, look) });
    above = { day, block, seq: line.seq || above.seq, nick: isSaid && line.nick, at: line.at };
  }
  return found;
}

const row = (line, look) =>
  el(
    "div.row",
    look.isNewDay && el("div.day", dayOf(line.at)),
    look.isUnread && el("div.unread-line", "New"),
    line.seq ? message(line, look) : el(`div.event.${line.kind}`, { dir: "auto" }, ...content(line.text, { code: false })),
  );

function message({ kind, nick, seq, at, text, mention, own }, { goesOn, block }) {
  const date = new Date(at * 1000);
  const classes = [
    "div.message",
    goesOn ? "more" : "first",
    mention && kind !== "private" && "mention",
    kind === "acted" && "acted",
    block ? `block.${block}` : isEmoji(text) && "emoji",
  ];
  return el(
    classes.filter(Boolean).join("."),
    { "data-seq": seq, tabindex: -1 },
    !goesOn && avatar(nick),
    el("span.nick", { "--hue": hue(nick), "data-nick": nick }, nick),
    " ", // read aloud, or copied, they are words of their own
    el("time", { datetime: date.toISOString(), title: full.format(date) }, clock.format(date)),
    " ",
    el("p.text", { dir: "auto" }, ...(block ? [text.replace("```", "")] : content(text, { nick: own ? "" : chat.nick }))),
  );
}

const unsent = (entry) =>
  el(
    "div.message.unsent",
    { "aria-live": !entry.reason && "off" },
    el("p.text", { dir: "auto" }, entry.text),
    el("span.hint", entry.reason || "Not sent yet"),
    entry.reason && el("button.link", { click: () => again(entry) }, "Send again"),
    entry.reason && el("button.link", { click: () => drop(entry) }, "Discard"),
  );

export const content = (text, options) => pieces(text, options).map(({ kind, text }) => (MAKERS[kind] ?? String)(text));

const MAKERS = {
  link: (href) => el("a", { href: new URL(href).href, target: "_blank", rel: "noopener noreferrer nofollow" }, href),
  room: (name) => el("button.link", { click: () => open(name.toLowerCase()) }, name),
  code: (text) => el("code", text),
  mention: (text) => el("mark", text),
};

function dayOf(moment) {
  const date = new Date(moment * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / DAY);
  return ["Today", "Yesterday"][days] ?? day.format(date);
}

function scrolled() {
  const place = chat.view;
  if (!place) return;
  chat.atEnd = log.scrollHeight - log.clientHeight - log.scrollTop < NEAR;
  if (chat.atEnd && place.live && !document.hidden) seen();
  at("newest").hidden = chat.atEnd && place.live;
  at("newest").textContent = place.unread ? `${place.unread} new below` : "To the newest";
}

log.addEventListener("scroll", scrolled, { passive: true });
new ResizeObserver(() => chat.atEnd && toEnd()).observe(log);
draws(draw, "view", "lines");

// The box in which the reader writes: completion, recall, several lines, how long a line may be.
// A password does not belong here: as soon as a command begins that takes one, its field opens.

import * as account from "./account.js";
import { chat, isMe, listed } from "./chat.js";
import { ask } from "./connection.js";
import { at, dialog, draws, el } from "./dom.js";
import { toEnd } from "./messages.js";
import { put } from "./outbox.js";
import { toNewest } from "./past.js";
import { MAX_BYTES, fold, lines, size } from "./text.js";

const MOST_RECALLED = 50;
const MOST_SUGGESTED = 60; // the list scrolls
const TELL_AT = 200; // bytes that are left
const SECRET = /^\s*\/(login|register|password)(?:\s+|$)/i;

const box = at("message");
const list = at("suggestions");
let place = null; // to which the box speaks: what is typed goes nowhere else
let commands = []; // of the server: {name, usage, text}
let found = []; // suggestions: {insert, label, about}, the latter two for commands
let from = 0; // where the word begins that is completed
let chosen = 0;
let recalled = [];
let back = 0; // how far back in them
let draft = "";

function face() {
  if (!chat.view) return (place = null);
  box.placeholder = `Message ${chat.view.name}`;
  if (place === chat.view) return;
  place = chat.view;
  back = 0;
  write(place.draft);
  // On a phone the keyboard would cover what one came to see.
  if (matchMedia("(min-width: 641px)").matches) box.focus();
}

function write(text) {
  box.value = text;
  if (place) place.draft = text;
  closeList();
  measure();
}

async function send() {
  const text = box.value;
  const to = place;
  const written = lines(text).map((line) => line.trimEnd()).filter(Boolean);
  if (!to || !written.length || longest(text) > MAX_BYTES) return;
  if (written.length > 1 && !(await agrees(written.length))) return;
  recalled = [...recalled.filter((other) => other !== text), text].slice(-MOST_RECALLED);
  back = to.mark = 0;
  write("");
  if (!to.live) toNewest();
  for (const line of written) put(to, line);
  toEnd();
  box.focus();
}

function agrees(count) {
  const what = `These lines become ${count} messages in ${place.name}.`;
  return new Promise((resolve) => {
    const click = () => resolve(true) ?? several.close();
    const several = dialog("Several lines", "Cancel", el("p", what), el("button.primary", { click }, "Send as one message per line"));
    several.addEventListener("close", () => resolve(false));
  });
}

// What was pasted stays in the box if it is not to be sent, to be looked at.
function pasted(event) {
  const text = event.clipboardData?.getData("text/plain").trimEnd() ?? "";
  if (lines(text).length < 2) return;
  event.preventDefault();
  box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
  typed();
  send();
}

const longest = (text) => Math.max(...lines(text).map(size));

function measure() {
  const left = MAX_BYTES - longest(box.value);
  at("count").textContent = left > TELL_AT ? "" : left < 0 ? `${-left} bytes too long` : `${left} bytes left`;
  at("count").classList.toggle("over", left < 0);
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function typed() {
  const [, command] = box.value.match(SECRET) ?? [];
  if (command) {
    const rest = box.value.replace(SECRET, "");
    write("");
    account.show(command.toLowerCase(), rest);
    return;
  }
  if (place) place.draft = box.value;
  measure();
  suggest(/^\/\S*$/.test(box.value.slice(0, box.selectionStart)));
}

function pressed(event) {
  if (event.isComposing || event.keyCode === 229 || event.altKey || event.ctrlKey || event.metaKey) return;
  const act = found.length ? keyInList(event) : keyInBox(event);
  if (!act) return;
  event.preventDefault();
  act();
}

function keyInList({ key, shiftKey }) {
  const isWhole = found[chosen].insert.trim() === box.value.trim();
  if (key === "Tab" && shiftKey) return closeList(); // or the list, which scrolls, would get the focus
  if (key === "Enter" && isWhole) return send;
  const take = () => complete(chosen);
  return { ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Escape: closeList, Tab: take, Enter: take }[key];
}

function keyInBox({ key, shiftKey }) {
  if (key === "Enter" && !shiftKey) return send;
  if (key === "Tab" && !shiftKey && suggest(true)) return () => found.length === 1 && complete(0);
  if (key === "ArrowUp" && (!box.value || back)) return () => recall(1);
  if (key === "ArrowDown" && back) return () => recall(-1);
  return null;
}

function recall(by) {
  if (!back) draft = box.value;
  back = Math.max(0, Math.min(recalled.length, back + by));
  write(back ? recalled.at(-back) : draft);
}

// Look for what the word before the caret may become. Return whether there is any.
function suggest(isAsked) {
  const before = box.value.slice(0, box.selectionStart);
  const [word] = before.match(/\S*$/);
  from = before.length - word.length;
  if (before.startsWith("/") && !commands.length) learn();
  const wanted = fold(word.replace(/^@/, ""));
  const fitting = isAsked && word ? candidates(word).filter(({ insert }) => fold(insert).startsWith(wanted)) : [];
  found = [...new Map(fitting.map((one) => [one.insert, one])).values()].slice(0, MOST_SUGGESTED);
  drawList();
  const command = commands.find(({ name }) => before.startsWith(`/${name} `));
  at("usage").textContent = command ? `${command.usage}: ${command.text}` : "";
  return found.length > 0;
}

async function learn() {
  commands = await ask({ do: "help" }, "command").catch(() => []); // without a connection there is no list
  if (commands.length && box.value.startsWith("/")) typed();
}

// Commands, rooms or people; of people first those who spoke last.
function candidates(word) {
  if (word.startsWith("/") && !from)
    return commands.map(({ name, usage, text }) => ({ insert: `/${name} `, label: usage, about: text }));
  if (word.startsWith("#"))
    return [...listed(), ...chat.rooms].map(({ name, room }) => ({ insert: `${room ?? name} ` }));
  const people = [...place.lines.slice(-200).reverse(), ...place.sorted(), { nick: place.isRoom ? "" : place.name }];
  return people
    .filter(({ nick }) => nick && !isMe(nick))
    .map(({ nick }) => ({ insert: nick + (from ? " " : ": ") }));
}

function complete(index) {
  box.setRangeText(found[index].insert, from, box.selectionStart, "end");
  closeList();
  typed();
}

function choose(index) {
  chosen = (index + found.length) % found.length;
  [...list.children].forEach((item, other) => (item.ariaSelected = other === chosen));
  list.children[chosen].scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
}

function drawList() {
  list.hidden = !found.length;
  const item = ({ insert, label = insert, about }, index) => {
    const pointerdown = (event) => event.preventDefault() ?? complete(index);
    return el("li", { role: "option", id: `suggestion-${index}`, pointerdown }, el("strong", label), el("span.hint", about));
  };
  list.replaceChildren(...found.map(item));
  if (found.length) choose(0);
  else box.removeAttribute("aria-activedescendant");
}

function closeList() {
  found = [];
  drawList();
  at("usage").textContent = "";
}

at("composer").addEventListener("submit", send);
box.addEventListener("input", typed);
box.addEventListener("keydown", pressed);
box.addEventListener("paste", pasted);
box.addEventListener("blur", closeList);
draws(face, "view");

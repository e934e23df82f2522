// How elements are made, and when they are drawn. Whatever people wrote becomes text, never markup:
// there is no other way to make an element in this page.

import { hue } from "./text.js";

export const at = (id) => document.getElementById(id);

/**
 * Make an element: el("a.link", {href: "/"}, "text", child, ...). What is false or null is left out;
 * functions become listeners; "--name" is a property for the style.
 */
export function el(what, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  const attributes = children[0]?.constructor === Object ? children.shift() : {};
  if (tag === "button") element.type = "button";
  element.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== false && child != null));
  return element;
}

/** Make somebody's picture: the first letter, which the style draws, as it is no text to be read. */
export const avatar = (nick, classes = "") =>
  el(`span.avatar${classes}`, { "aria-hidden": "true", "--hue": hue(nick), "data-letter": [...nick][0]?.toUpperCase() });

/** Make a field with its label; its name is that of what it gives to its form. */
export const field = (label, attributes) => el("label", label, el("input", { autocomplete: "off", ...attributes }));

/** Make a form, whose button does something with what its fields say: {name: value}. */
export function form(label, fields, act) {
  const submit = ({ target }) => act(Object.fromEntries(new FormData(target)));
  return el("form", { submit }, ...fields, el("button.primary", { type: "submit" }, label));
}

addEventListener("submit", (event) => event.preventDefault()); // no form is sent by the browser itself

/** Show a dialog. Closed, it is gone, and the focus is where it was before. */
export function dialog(title, closing, ...children) {
  const box = el(
    "dialog",
    { "aria-labelledby": "heading", close: () => box.remove() },
    el("h2", { id: "heading" }, title),
    ...children,
    el("p", { role: "alert" }),
    el("div.pair", el("button", { click: () => box.close() }, closing)),
  );
  document.body.append(box);
  box.showModal();
  return box;
}

/** Say in a dialog why what was tried there cannot be, or that all is well. */
export function say(box, text, isGood) {
  const alert = box.querySelector("[role=alert]");
  alert.textContent = text;
  alert.className = isGood ? "good" : "";
}

/** Return a place for forms, of which one at a time is there, and what puts one there. */
export function forms() {
  const place = el("div");
  const put = (...made) => {
    place.replaceChildren(form(...made));
    place.querySelector("input, select").focus();
  };
  return [place, put];
}

/** Draw a list anew; what had the focus in it has it again, by its data-key. */
export function redraw(list, items) {
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.key;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// What changed is drawn once a frame, however much happens; in the background now and then.

const drawers = new Map(); // each with the parts that it draws
const changed = new Set();
let planned = false;

/** Call something whenever one of some parts changed: "view", "places", "people", "lines". */
export const draws = (drawer, ...parts) => drawers.set(drawer, parts);

export function touch(...parts) {
  for (const part of parts) changed.add(part);
  if (!planned) (document.hidden ? setTimeout : requestAnimationFrame)(draw);
  planned = true;
}

function draw() {
  planned = false;
  const now = [...changed];
  changed.clear();
  for (const [drawer, parts] of drawers) if (parts.some((part) => now.includes(part))) drawer();
}

document.addEventListener("visibilitychange", draw); // a frame that was planned does not come there

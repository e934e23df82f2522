// How elements are made here. Whatever people wrote becomes text, never markup: there is no other
// way to make an element in this page, and the Content-Security-Policy refuses scripts in it anyway.

import { hue } from "./text.js";

/** Return the element of an id. */
export const at = (id) => document.getElementById(id);

/**
 * Make an element: el("a.link", {href: "/"}, "text", child, ...). Attributes and children that are
 * false or null are left out; functions become listeners; "--name" is a property for the style.
 */
export function el(what, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  const isPlain = children[0]?.constructor === Object;
  if (tag === "button") element.type = "button";
  element.classList.add(...classes.filter(Boolean));
  for (const [name, value] of Object.entries(isPlain ? children.shift() : {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== false && child != null));
  return element;
}

/** Make somebody's picture: the first letter, which the style draws, as it is no text to be read. */
export const avatar = (nick, classes = "") =>
  el(`span.avatar${classes}`, { "aria-hidden": "true", "--hue": hue(nick), "data-letter": [...nick][0]?.toUpperCase() ?? "" });

/** Call something instead of sending a form away. */
export const submits = (act) => (event) => {
  event.preventDefault();
  act(event);
};

/** Make a field with its label. */
export const field = (label, input) => el("label", label, input);

/** Show a dialog. Closed, it is gone, and the focus is where it was before. */
export function dialog(title, closing, ...children) {
  const ends = el("form.ends", { method: "dialog" }, el("button", { type: "submit" }, closing));
  const close = () => box.remove();
  const box = el("dialog", { "aria-labelledby": "heading", close }, el("h2", { id: "heading" }, title), ...children, ends);
  document.body.append(box);
  box.showModal();
  return box;
}

/** Draw a list anew; what had the focus in it has it again, by its data-key. */
export function redraw(list, items) {
  const focused = list.contains(document.activeElement) && document.activeElement.dataset.key;
  list.replaceChildren(...items);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// What changed is drawn once a frame, however much happens; in the background now and then.

const drawers = {};
const changed = new Set();
let planned = false;

/** Call something whenever a part changed: "view", "places", "people" or "lines". */
export const draws = (part, drawer) => (drawers[part] ??= []).push(drawer);

/** Take note that parts changed. */
export function touch(...parts) {
  for (const part of parts) changed.add(part);
  if (!planned) (document.hidden ? setTimeout : requestAnimationFrame)(draw);
  planned = true;
}

function draw() {
  planned = false;
  const parts = [...changed];
  changed.clear();
  for (const part of parts) for (const drawer of drawers[part] ?? []) drawer();
}

document.addEventListener("visibilitychange", draw); // a frame that was planned does not come there

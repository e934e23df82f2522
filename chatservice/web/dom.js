// How elements are made here. Whatever people wrote becomes text, never markup: there is no other
// way to make an element in this page, and the Content-Security-Policy refuses scripts in it anyway.

import { hue } from "./text.js";

/**
 * Make an element: el("a.link", {href: "/"}, "text", child, ...).
 * Attributes that are false or null are left out; functions become listeners.
 */
export function el(what, attributes = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== false && child != null));
  return element;
}

/** Make somebody's picture: the first letter, which the style draws, as it is no text to be read. */
export const avatar = (nick, classes = "") =>
  el(`span.avatar.${hue(nick)}${classes}`, { "data-letter": [...nick][0]?.toUpperCase() ?? "" });

/** Return the element of an id. */
export const at = (id) => document.getElementById(id);

/** Show a dialog; on closing, the browser gives the focus back to where it was. */
export function show(dialog) {
  if (!dialog.open) dialog.showModal();
}

// Searching the place that is looked at, and going to what was found.

import { chat, lineOf, placeOf } from "./chat.js";
import { ask } from "./connection.js";
import { at, draws, el, submits } from "./dom.js";
import { jump } from "./past.js";
import { hue, moment } from "./text.js";

let searched = null; // the place whose lines were found
let turn = 0;

function show(is) {
  at("searching").hidden = !is;
  at("search").ariaExpanded = is;
  at("found").textContent = "";
  at("results").replaceChildren();
  searched = chat.view;
  if (is) at("words").select();
}

function leave() {
  show(false);
  at("search").focus();
}

async function search(before) {
  const words = at("words").value.trim();
  const mine = ++turn;
  if (!words) return;
  searched = chat.view;
  at("found").textContent = "Searching…";
  if (!before) at("results").replaceChildren();
  const scope = /(^|\s)in:/i.test(words) ? "" : ` in:${searched.key}`;
  try {
    const events = await ask({ do: "search", words: `${words}${scope}${before}` });
    if (mine === turn) list(events);
  } catch ({ message }) {
    if (mine === turn) at("found").textContent = message;
  }
}

function list(events) {
  at("results").querySelector(".further")?.remove();
  at("results").append(...events.filter(({ seq }) => seq).map(item));
  const count = at("results").children.length;
  at("found").textContent = count ? `${count} found, the newest first` : "Nothing found.";
  const more = events.find(({ before }) => before)?.before;
  const further = { click: () => search(` before:${more}`) };
  if (more) at("results").append(el("li.further", el("button.quiet", further, "More")));
}

function item(event) {
  const [name, { nick, at, text, seq }] = lineOf(event);
  return el(
    "li",
    el(
      "button.quiet.hit",
      { click: () => jump(placeOf(name), seq) },
      el("strong.nick", { "--hue": hue(nick) }, nick),
      el("time", moment.format(at * 1000)),
      el("span.about", { dir: "auto" }, text),
    ),
  );
}

at("search").addEventListener("click", () => show(at("searching").hidden));
at("close-search").addEventListener("click", leave);
at("searching").addEventListener("keydown", ({ key }) => key === "Escape" && leave());
at("searching").addEventListener("submit", submits(() => search("")));
draws("view", () => !at("searching").hidden && searched !== chat.view && show(false));

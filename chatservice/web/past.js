// Looking back, by scrolling or searching: fills the window of a place from the server's history, at
// either end or around a line. What lies between the lines of a window is always complete.

import { chat, lineOf, placeOf } from "./chat.js";
import { ask, up } from "./connection.js";
import { at, draws, el, touch } from "./dom.js";
import { view } from "./going.js";
import { draw, reveal, toEnd } from "./messages.js";
import { hue, moment } from "./text.js";

const PAGE = 100; // lines that are loaded at once
const PAUSE = 3000; // ms until the same is asked for again
const FAR = 600; // px from either end at which more is loaded

export async function jump(place, seq) {
  view(place);
  draw();
  if (reveal(seq)) return;
  place.clear(false);
  await load(place, seq + PAGE / 2);
  place.live = place.end >= place.last;
  draw();
  reveal(seq);
}

export async function toNewest() {
  const place = chat.view;
  if (!place.live) {
    place.clear(true);
    await load(place, 0);
    draw();
  }
  toEnd();
}

async function look() {
  const place = chat.view;
  const log = at("log");
  if (!place || !up || place.loading) return;
  if (log.scrollTop < FAR && !place.beginning) {
    await load(place, place.earlier || place.first);
    place.trim(false);
  } else if (log.scrollHeight - log.clientHeight - log.scrollTop < FAR && !place.live) {
    // Numbers may be missing, and private ones may be of others: it may take several tries.
    place.later = Math.max(place.later, place.end) + PAGE;
    await load(place, place.later + 1);
    place.live = place.end >= place.last;
    place.trim();
  }
}

async function load(place, before) {
  place.loading = true;
  touch("lines");
  try {
    const value = `${place.key} ${PAGE}${before ? ` before ${before}` : ""}`;
    const events = await ask({ do: "history", value });
    const told = events.filter(({ seq }) => seq);
    const isBackward = !place.first || before <= place.first;
    for (const event of told) place.add(lineOf(event)[1]);
    const more = events.find(({ before }) => before)?.before ?? 0;
    if (isBackward) Object.assign(place, { earlier: more, beginning: !more });
  } catch {
    await new Promise((done) => setTimeout(done, PAUSE)); // without a connection, or refused
  }
  place.loading = false;
  draw(); // at once: until then the reader seems to be at the end that was just moved
  touch("lines");
}

at("newest").addEventListener("click", toNewest);
at("log").addEventListener("scroll", look, { passive: true });
draws(look, "lines");

// Searching the place that is looked at.

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
at("searching").addEventListener("keydown", ({ key }) => key === "Escape" && (show(false) ?? at("search").focus()));
at("searching").addEventListener("submit", () => search(""));
draws(() => !at("searching").hidden && searched !== chat.view && show(false), "view");

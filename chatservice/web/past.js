// Looking back: fills the window of a place from the server's history, at either end or around a
// line. What lies between the lines of a window is always complete.

import { chat, lineOf } from "./chat.js";
import { ask, up } from "./connection.js";
import { at, draws, touch } from "./dom.js";
import { view } from "./going.js";
import { draw, reveal, toEnd } from "./messages.js";

const PAGE = 100; // lines that are loaded at once
const PAUSE = 3000; // ms until the same is asked for again
const FAR = 600; // px from either end at which more is loaded

/** Show a line, and load what is around it if need be. */
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

/** Show the newest lines. */
export async function toNewest() {
  const place = chat.view;
  if (!place.live) {
    place.clear(true);
    await load(place, 0);
    draw();
  }
  toEnd();
}

// Load more where the reader comes near an end of the window.
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
draws("lines", look);

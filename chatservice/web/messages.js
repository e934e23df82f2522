// Shows the lines of the place that is looked at: one row each, made once. What happens is drawn at
// most once a frame, however much is said; rows are added and taken away at both ends, and the line
// that the reader looks at stays where it is.

import { at, avatar, el } from "./dom.js";
import { fence, hue, isEmoji, pieces } from "./text.js";

const NEAR = 60; // px from the end that count as the end
const FAR = 600; // px from either end at which more is loaded
const PAUSE = 300; // s after which a line of the same person begins anew

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export class Messages {
  #log = at("log");
  #rows = at("rows");
  #waiting = at("waiting");
  #place = null;
  #version = -1;
  #shown = []; // the lines whose rows are there, in order
  #atEnd = true;
  #count = 0;

  /**
   * @param chat the model
   * @param wants called with the place and -1 or 1 when the reader comes near an end of its window
   * @param looks called when the reader sees the newest lines
   * @param acts called with "again" or "drop" and a line that waits
   */
  constructor(chat, { wants, looks, acts }) {
    Object.assign(this, { chat, wants, looks, acts });
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#atEnd && this.toEnd()).observe(this.#log);
  }

  /** Tell whether the newest lines are in sight. */
  get atEnd() {
    return this.#atEnd && (this.#place?.live ?? false);
  }

  /** Draw what changed. */
  draw() {
    const place = this.chat.view;
    if (!place) {
      this.#rows.replaceChildren();
      this.#waiting.replaceChildren();
      this.#place = null;
      return;
    }
    const anew = place !== this.#place || place.version !== this.#version;
    const held = anew ? null : this.#hold();
    if (place !== this.#place) this.#atEnd = true;
    if (anew) this.#clear(place);
    this.#log.ariaBusy = anew ? "true" : "false"; // a screen reader reads what is new, not a room
    this.#log.setAttribute("aria-live", anew ? "off" : "polite");
    this.#trim();
    this.#prepend();
    this.#append();
    this.#wait();
    if (anew) requestAnimationFrame(() => this.#settle());
    at("beginning").hidden = !place.beginning || !place.lines.length;
    at("beginning").textContent = `This is where ${place.isRoom ? place.name : "your conversation"} begins.`;
    at("empty").hidden = place.lines.length > 0 || place.waiting.length > 0 || !place.beginning;
    at("loading").hidden = !place.loading;
    if (this.#atEnd && place.live) this.toEnd();
    else held?.();
    this.#tellBelow();
    requestAnimationFrame(() => this.#scrolled());
  }

  /** Go to the newest line. */
  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#atEnd = true;
  }

  /** Go to a line, and give it the focus. @returns whether it is there. */
  reveal(seq) {
    const line = this.#place?.lines.find((one) => one.seq === seq);
    const message = line?.row?.querySelector(".message");
    if (!message) return false;
    for (const old of this.#rows.querySelectorAll(".found")) old.classList.remove("found");
    this.#atEnd = false;
    message.classList.add("found");
    message.scrollIntoView({ block: "center" });
    message.focus({ preventScroll: true });
    return true;
  }

  /** Take away the line where the unread ones begin. */
  unmark() {
    this.#rows.querySelector(".unread-line")?.remove();
  }

  #clear(place) {
    this.#rows.replaceChildren();
    for (const line of this.#shown) line.row = null;
    this.#shown = [];
    this.#place = place;
    this.#version = place.version;
  }

  #settle() {
    this.#log.ariaBusy = "false";
    this.#log.setAttribute("aria-live", "polite");
  }

  // Return a function that puts what is in sight back where it is now.
  #hold() {
    if (this.#atEnd) return null;
    const top = this.#log.getBoundingClientRect().top;
    const rows = this.#rows.children;
    let low = 0;
    let high = rows.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].getBoundingClientRect().bottom < top) low = middle + 1;
      else high = middle;
    }
    // The line, not its row: the first one's row is made anew when older lines come above it.
    const line = this.#shown[low];
    const place = () => line?.row?.lastElementChild.getBoundingClientRect().top;
    const before = place();
    return () => {
      const now = place();
      if (now !== undefined) this.#log.scrollTop += now - before;
    };
  }

  #trim() {
    const shown = this.#shown;
    let from = 0;
    let to = shown.length;
    while (from < to && shown[from].gone) from++;
    while (to > from && shown[to - 1].gone) to--;
    for (const line of [...shown.slice(0, from), ...shown.slice(to)]) {
      line.row?.remove();
      line.row = null;
    }
    this.#shown = shown.slice(from, to);
  }

  #prepend() {
    const { lines } = this.#place;
    const stop = this.#shown.length ? lines.indexOf(this.#shown[0]) : 0;
    if (stop <= 0) return;
    const added = lines.slice(0, stop);
    this.#rows.prepend(...added.map((line, index) => this.#row(line, added[index - 1])));
    this.#shown = [...added, ...this.#shown];
    for (let index = stop; index < this.#shown.length; index++) {
      const line = this.#shown[index];
      const old = line.row;
      const look = line.look;
      const row = this.#row(line, this.#shown[index - 1]);
      if (line.look === look) {
        line.row = old;
        break;
      }
      old.replaceWith(row);
    }
  }

  #append() {
    const { lines } = this.#place;
    const rows = [];
    for (let index = this.#shown.length; index < lines.length; index++) {
      rows.push(this.#row(lines[index], lines[index - 1]));
      this.#shown.push(lines[index]);
    }
    this.#rows.append(...rows);
  }

  // Lines that wait are few: they are made anew each time.
  #wait() {
    this.#waiting.replaceChildren(
      ...this.#place.waiting.map((entry) => {
        const doubtful = entry.state === "refused" || entry.state === "unclear";
        return el(
          `div.message.unsent.${entry.state}`,
          { "data-room": this.#place.name },
          el("span.nick", {}, this.chat.nick),
          el("p.text", { dir: "auto" }, entry.text),
          el("span.reason", {}, entry.reason || "Not sent yet"),
          doubtful && el("button.link", { type: "button", click: () => this.acts("again", entry) }, "Send again"),
          doubtful && el("button.link", { type: "button", click: () => this.acts("drop", entry) }, "Discard"),
        );
      }),
    );
  }

  // Make the row of a line: what separates it from the one above, and the line.
  #row(line, above) {
    const place = this.#place;
    line.above = above ? above.seq || above.above : 0;
    const day = !above || new Date(above.at * 1000).toDateString() !== new Date(line.at * 1000).toDateString();
    const unread = place.mark > 0 && line.seq > place.mark && line.above <= place.mark && !line.own;
    const said = line.kind === "said" || line.kind === "private";
    const joins = said && !day && !unread && above?.kind === line.kind && above.nick === line.nick;
    const inside = joins && (above.block === "open" || above.block === "in");
    line.block = said ? fence(line.text, inside) || (inside ? "in" : "") : "";
    const more = joins && (inside || line.at - above.at < PAUSE);
    line.look = `${day} ${unread} ${more} ${line.block}`;
    line.row = el(
      "div.row",
      {},
      day && el("div.day", {}, el("span", {}, dayOf(line.at))),
      unread && el("div.unread-line", {}, el("span", {}, "New")),
      line.seq ? this.#message(line, more) : el(`div.event.${line.kind}`, { dir: "auto" }, line.text),
    );
    return line.row;
  }

  #message(line, more) {
    const { kind, nick, seq, at: moment, text, mention, own, block } = line;
    const date = new Date(moment * 1000);
    const classes = [
      more ? "more" : "first",
      mention && kind !== "private" && "mention",
      own && "own",
      kind === "acted" && "acted",
      block && `block-${block}`,
      !block && isEmoji(text) && "emoji",
    ];
    return el(
      ["div.message", ...classes.filter(Boolean)].join("."),
      { "data-room": this.#place.name, "data-seq": seq, tabindex: -1 },
      !more && avatar(nick),
      el(`span.nick.${hue(nick)}`, { "data-nick": nick }, nick),
      el("time", { datetime: date.toISOString(), title: full.format(date) }, clock.format(date)),
      el("p.text", { dir: "auto" }, ...(block ? [block === "in" ? text : text.replaceAll("```", "")] : content(text, own ? "" : this.chat.nick))),
    );
  }

  #scrolled() {
    const log = this.#log;
    const place = this.#place;
    if (!place) return;
    const below = log.scrollHeight - log.clientHeight - log.scrollTop;
    this.#atEnd = below < NEAR;
    if (this.atEnd) this.looks(place);
    if (log.scrollTop < FAR && !place.beginning && !place.loading) this.wants(place, -1);
    else if (below < FAR && !place.live && !place.loading) this.wants(place, 1);
    this.#tellBelow();
  }

  #tellBelow() {
    const place = this.#place;
    at("newest").hidden = this.#atEnd && place.live;
    at("newest").textContent = place.unread ? `${place.unread} new below` : "To the newest";
  }
}

/** Return a text as nodes: links, code and mentions; the rest as it is. */
export function content(text, nick) {
  return pieces(text, nick).map(({ kind, text: part, href }) => {
    if (kind === "link") return el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, part);
    if (kind === "code") return el("code", {}, part);
    if (kind === "mention") return el("mark", {}, part);
    return part;
  });
}

function dayOf(moment) {
  const date = new Date(moment * 1000);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return days < 180 ? dayName.format(date) : dayAndYear.format(date);
}

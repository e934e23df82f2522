// Searching the place that is looked at, and going to what was found.

import { at, el } from "./dom.js";
import { hue } from "./text.js";

const HITS = 10; // that the server gives at once
const when = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export class Search {
  #form = at("searching");
  #button = at("search");
  #count = 0;

  /**
   * @param chat the model
   * @param asks asks the server for something
   * @param jumps called with a place and the number of a line to be shown
   */
  constructor(chat, { asks, jumps }) {
    Object.assign(this, { chat, asks, jumps });
    this.#button.addEventListener("click", () => (this.#form.hidden ? this.open() : this.close()));
    this.#form.querySelector("button").addEventListener("click", () => this.close());
    this.#form.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#search(0);
    });
  }

  open() {
    this.#form.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    at("words").select();
    at("words").focus();
  }

  close() {
    if (this.#form.hidden) return;
    this.#form.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    this.clear();
    this.#button.focus();
  }

  /** Forget what was found: it was in another place. */
  clear() {
    at("found").textContent = "";
    at("results").replaceChildren();
  }

  async #search(before) {
    const words = at("words").value.trim();
    const place = this.chat.view;
    const turn = ++this.#count;
    if (!words || !place) return;
    const scope = /(^|\s)in:/i.test(words) ? "" : ` in:${place.key}`;
    at("found").textContent = "Searching…";
    if (!before) at("results").replaceChildren();
    try {
      const asked = { do: "search", words: `${words}${scope}${before ? ` before:${before}` : ""}` };
      const { events } = await this.asks(asked, true);
      if (turn === this.#count && place === this.chat.view) this.#show(events);
    } catch (refused) {
      if (turn === this.#count) at("found").textContent = refused.message;
    }
  }

  #show(events) {
    const hits = events.filter(({ seq }) => seq);
    at("results").querySelector(".more-hits")?.remove();
    at("results").append(...hits.map((event) => this.#hit(event)));
    const count = at("results").children.length;
    at("found").textContent = count ? `${count} found, the newest first` : "Nothing found.";
    if (hits.length < HITS) return;
    const more = () => this.#search(hits.at(-1).seq);
    at("results").append(el("li.more-hits", {}, el("button.quiet", { type: "button", click: more }, "More")));
  }

  #hit(event) {
    const [name, line] = this.chat.line(event);
    const jump = () => this.jumps(this.chat.place(name), line.seq);
    return el(
      "li",
      {},
      el(
        "button.quiet.hit",
        { type: "button", click: jump },
        el(`strong.${hue(line.nick)}`, {}, line.nick),
        el("time", {}, when.format(line.at * 1000)),
        el("span.about", { dir: "auto" }, line.text),
      ),
    );
  }
}

// Looking back: fills the window of a place from the server's history, at either end or around a
// line. What lies between the lines of a window is always complete.

const PAGE = 100; // lines that are loaded at once
const AROUND = 50; // lines behind one that was found

export class Past {
  /**
   * @param chat the model
   * @param ready tells whether the server can be asked
   * @param asks asks the server for something
   * @param messages shows the lines
   * @param views shows a place
   * @param touch called with what changed
   */
  constructor(chat, { ready, asks, messages, views, touch }) {
    Object.assign(this, { chat, ready, asks, messages, views, touch });
  }

  /** Load more of a place. @param direction -1 for what was said earlier, 1 for later. */
  async load(place, direction) {
    if (place.loading || !this.ready()) return;
    const before = direction < 0 ? place.earlier || place.first : place.end + PAGE + 1;
    await this.#during(place, () => this.#before(place, before, PAGE));
    if (direction > 0 && place.end >= place.last) place.live = true;
    place.trim(direction > 0);
    this.touch("lines");
  }

  /** Show a line, and load what is around it if need be. */
  async jump(place, seq) {
    this.views(place);
    this.messages.draw();
    if (this.messages.reveal(seq)) return;
    place.clear(false);
    await this.#during(place, () => this.#before(place, seq + AROUND, 2 * AROUND));
    place.live = place.end >= place.last;
    this.messages.draw();
    this.messages.reveal(seq);
  }

  /** Show the newest lines. */
  async toNewest() {
    const place = this.chat.view;
    if (!place.live) {
      place.clear(true);
      await this.#during(place, () => this.#before(place, 0, PAGE));
      this.messages.draw();
    }
    this.messages.toEnd();
  }

  async #during(place, ask) {
    place.loading = true;
    this.touch("lines");
    try {
      await ask();
    } catch {
      // without a connection, or too fast: the reader scrolls again
    }
    place.loading = false;
  }

  async #before(place, before, count) {
    const value = `${place.key} ${count}${before ? ` before ${before}` : ""}`;
    const { events } = await this.asks({ do: "history", value }, true);
    const told = events.filter(({ seq }) => seq);
    const older = told[0]?.seq < place.first;
    for (const event of older ? told.toReversed() : told) {
      const [, line] = this.chat.line(event);
      place.add(line, true);
      place.last = Math.max(place.last, line.seq);
    }
    // Of private lines not all are looked through at once: the server says where to go on.
    const rest = events.findLast(({ type }) => type === "notice")?.text.match(/ before (\d+)$/)?.[1];
    place.earlier = told.length ? 0 : Number(rest ?? 0);
    if (!rest && before <= (place.first || Infinity) + count) place.beginning = told.length < count;
  }
}

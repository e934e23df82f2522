// What the reader wrote and nobody has seen yet. A line leaves here only when it comes back as said:
// so it is neither lost nor said twice, whatever happens to the connection.
//
//     ready ──send──▶ sent ──said──▶ (gone)
//       ▲              ├──refused──▶ refused      with the server's reason; the reader may try again
//       └──not said────┴──unclear──▶ unclear      the connection was lost, and nobody can know

import { Refused } from "./connection.js";

const UNCLEAR = "It is not known whether this was said.";

export class Outbox {
  #entries = [];
  #under = null; // the one that is under way

  /**
   * @param ready tells whether the server can be asked
   * @param ask asks the server for something; returns a promise
   * @param changed called with a place whose waiting lines changed
   * @param requests returns what to ask for, one by one, for a line that waits
   */
  constructor({ ready, ask, changed, requests }) {
    Object.assign(this, { ready, ask, changed, requests });
  }

  /** Send a line as soon as there is a connection. */
  put(place, text) {
    this.#keep({ place, text, state: "ready", reason: "" });
    this.pump();
  }

  /** Return what was not said yet, to be kept over a reload: {name, text, sent}. */
  left() {
    return this.#entries.map(({ place, text, state }) => ({ name: place.name, text, sent: state === "sent" || state === "unclear" }));
  }

  /**
   * After a new beginning, let the reader decide about what was not said before it.
   * @param where returns the place for what left() gave
   * @param others what left() gave before the page was loaded anew
   */
  move(where, others = []) {
    const all = this.#entries.length ? this.left() : others;
    this.#entries = [];
    for (const { name, text, sent } of all) {
      const place = where({ name });
      const state = sent ? "unclear" : "refused";
      if (place) this.#keep({ place, text, state, reason: sent ? UNCLEAR : "This was not sent." });
    }
  }

  #keep(entry) {
    this.#entries.push(entry);
    entry.place.waiting.push(entry);
    this.changed(entry.place);
  }

  /** Give a line up. */
  drop(entry) {
    this.#entries = this.#entries.filter((other) => other !== entry);
    entry.place.waiting = entry.place.waiting.filter((other) => other !== entry);
    this.changed(entry.place);
  }

  /** Try a line again that was refused, or of which it is not known whether it was said. */
  again(entry) {
    Object.assign(entry, { state: "ready", reason: "" });
    this.changed(entry.place);
    this.pump();
  }

  /** Take note that the reader's own line came: the one under way, as there is only one. */
  said(place) {
    const entry = this.#under;
    if (entry?.place === place) this.drop(entry);
  }

  /**
   * Go on after the connection was lost, when everything that was missed has come.
   * @param certain whether what did not come by now was not said
   */
  resume(certain) {
    const entry = this.#under;
    this.#under = null;
    if (entry && this.#entries.includes(entry)) {
      if (certain) entry.state = "ready";
      else Object.assign(entry, { state: "unclear", reason: UNCLEAR });
      this.changed(entry.place);
    }
    this.pump();
  }

  /** Send what is ready, one line at a time. */
  async pump() {
    if (this.#under || !this.ready()) return;
    const entry = this.#entries.find(({ state }) => state === "ready");
    if (!entry) return;
    this.#under = entry;
    entry.state = "sent";
    try {
      for (const request of this.requests(entry)) await this.ask(request, true);
      this.drop(entry);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (refused.code === "lost") return; // until resume
      Object.assign(entry, { state: "refused", reason: refused.message });
      this.changed(entry.place);
    }
    this.#under = null;
    this.pump();
  }
}

// What the reader wrote and nobody has seen yet. A line leaves here only when it comes back as said:
// so it is neither lost nor said twice, whatever happens to the connection.
//
//     ready ──send──▶ sent ──said──▶ (gone)
//       ▲              ├──refused──▶ refused      with the server's reason; the reader may try again
//       └──not said────┴──unclear──▶ unclear      the connection was lost, and nobody can know

import { Refused } from "./connection.js";

export class Outbox {
  #entries = [];
  #under = null; // the one that is under way

  /**
   * @param ready tells whether the server can be asked
   * @param ask asks the server for something; returns a promise
   * @param changed called with a place whose waiting lines changed
   * @param answered called with a command's place and answer
   */
  constructor({ ready, ask, changed, answered }) {
    Object.assign(this, { ready, ask, changed, answered });
  }

  get size() {
    return this.#entries.length;
  }

  /** Send a line as soon as there is a connection. @param requests what to ask for, one by one. */
  put(place, text, requests) {
    const entry = { place, text, requests, state: "ready", reason: "", after: 0 };
    this.#entries.push(entry);
    place.waiting.push(entry);
    this.changed(place);
    this.pump();
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
      else Object.assign(entry, { state: "unclear", reason: "It is not known whether this was said." });
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
      let answer = null;
      for (const request of entry.requests()) answer = await this.ask(request, true);
      this.drop(entry);
      this.answered(entry, answer);
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

// The list of places, and the dialog in which the reader chooses another room.

import { at, avatar, el, show } from "./dom.js";

export class Rooms {
  #list = at("places");
  #dialog = at("rooms-dialog");

  /**
   * @param chat the model
   * @param opens called with a name that the reader wants to see
   * @param joins enters a room; returns a promise
   * @param closes called with a place that the reader wants to be rid of
   * @param asks asks the server for the list of rooms
   */
  constructor(chat, { opens, joins, closes, asks }) {
    Object.assign(this, { chat, opens, joins, closes, asks });
    at("join-room").addEventListener("click", () => this.#choose());
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter(at("room").value.trim());
    });
  }

  /** Draw the list. */
  draw() {
    const focused = document.activeElement?.dataset.place;
    let talks = false;
    this.#list.replaceChildren(
      ...this.chat.listed().map((place) => {
        const begins = !place.isRoom && !talks;
        talks ||= !place.isRoom;
        return this.#item(place, begins);
      }),
    );
    if (focused) this.#list.querySelector(`[data-place="${CSS.escape(focused)}"]`)?.focus();
    const others = [...this.chat.places.values()].filter((place) => place !== this.chat.view);
    const unread = others.reduce((sum, place) => sum + place.unread, 0);
    const mentions = others.reduce((sum, place) => sum + place.mentions, 0);
    at("elsewhere").hidden = !unread;
    at("elsewhere").classList.toggle("rings", mentions > 0);
  }

  /** Go to the next place of the list, or the one before. */
  step(by) {
    const places = this.chat.listed();
    const index = places.indexOf(this.chat.view) + by;
    this.opens(places.at(index % places.length).name);
  }

  #item(place, begins) {
    const { name, unread, mentions, isRoom, key } = place;
    const label = [
      name,
      unread && `${unread} unread`,
      mentions && `${mentions} mention${mentions > 1 ? "s" : ""}`,
    ];
    const viewed = place === this.chat.view;
    return el(
      begins ? "li.begins" : "li",
      {},
      el(
        unread ? "button.place.unread" : "button.place",
        {
          type: "button",
          "data-place": key,
          "aria-current": viewed && "true",
          "aria-label": label.filter(Boolean).join(", "),
          click: () => this.opens(name),
        },
        isRoom ? el("span.hash", {}, "#") : avatar(name, ".small"),
        el("span.name", {}, isRoom ? name.slice(1) : name),
        " ",
        unread > 0 && el(mentions ? "span.badge.rings" : "span.badge", {}, unread > 999 ? "999+" : String(unread)),
      ),
      viewed && this.chat.places.size > 1 &&
        el("button.icon.leave", { type: "button", "aria-label": isRoom ? `Leave ${name}` : `Close ${name}`, click: () => this.closes(place) }, "×"),
    );
  }

  // The dialog stays until the room is entered, and says why it cannot be.
  async #enter(name) {
    if (!name) return;
    try {
      if (/\s/.test(name)) throw new Error("A room's name is one word: try a - where the blank is.");
      await this.joins(name.startsWith("#") ? name : `#${name}`);
      this.#dialog.close();
    } catch ({ message }) {
      at("room-refusal").textContent = message;
      at("room").focus();
    }
  }

  async #choose() {
    at("room").value = at("room-refusal").textContent = "";
    this.#draw(null);
    show(this.#dialog);
    at("room").focus();
    this.#draw(await this.asks().catch(() => this.chat.rooms));
  }

  #draw(rooms) {
    const buttons = (rooms ?? []).map(({ room, members, text }) =>
      el(
        "li",
        {},
        el("button.quiet", { type: "button", click: () => this.#take(room) }, room),
        el("span.hint", {}, members === 1 ? "1 person" : `${members} people`),
        text && el("span.about", { dir: "auto" }, text),
      ),
    );
    at("all-rooms").replaceChildren(...buttons);
  }

  #take(room) {
    this.#dialog.close();
    this.opens(room);
  }
}

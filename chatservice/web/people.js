// Who is in the room that is looked at, and what the reader may do to each of them.

import { at, avatar, el, show } from "./dom.js";
import { fold } from "./text.js";

const MOST = 200; // buttons; the filter finds the others
const FILTERED = 15; // people from which on there is a filter
const SHOWN_ROLES = ["voice", "op", "founder", "admin"];
const STATES = { away: "away", absent: "reconnecting" };

// What may be done: the command's label, whether it asks for how long and why, and its last word.
const ACTS = {
  voice: ["Give voice"],
  devoice: ["Take voice"],
  op: ["Make op"],
  deop: ["Take op"],
  kick: ["Kick", "reason"],
  mute: ["Mute", "term"],
  ban: ["Ban", "term"],
};

export class People {
  #list = at("members");
  #filter = at("filter");
  #dialog = at("member");
  #nick = "";
  #act = "";

  /**
   * @param chat the model
   * @param asks asks the server for something
   * @param opens called with a nickname to which the reader wants to write
   */
  constructor(chat, { asks, opens }) {
    Object.assign(this, { chat, asks, opens });
    this.#filter.addEventListener("input", () => this.draw());
    at("order").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#do(this.#act, at("term").value, at("reason").value.trim());
    });
  }

  /** Draw the list. */
  draw() {
    const place = this.chat.view;
    const all = place?.sorted() ?? [];
    const wanted = fold(this.#filter.value.trim());
    const fitting = wanted ? all.filter(({ nick }) => fold(nick).includes(wanted)) : all;
    const focused = document.activeElement?.dataset.member;
    this.#filter.hidden = all.length < FILTERED;
    at("how-many").textContent = all.length || "";
    this.#list.replaceChildren(...fitting.slice(0, MOST).map((person) => el("li", {}, this.#button(person))));
    if (focused) this.#list.querySelector(`[data-member="${CSS.escape(focused)}"]`)?.focus();
    const more = fitting.length - MOST;
    at("more-people").hidden = more <= 0;
    at("more-people").textContent = `and ${more} more: type a part of the name above`;
  }

  /** Show somebody, and what may be done. */
  async open(nick) {
    const place = this.chat.view;
    this.#nick = nick;
    this.#act = "";
    const person = place.people?.get(fold(nick));
    const what = [person?.role, STATES[person?.state], this.chat.isMe(nick) && "you"];
    at("member-nick").textContent = nick;
    at("member-what").textContent = what.filter(Boolean).join(", ");
    at("member-refusal").textContent = "";
    at("order").hidden = true;
    this.#offer([]);
    show(this.#dialog);
    if (!place.isRoom || this.chat.isMe(nick)) return;
    try {
      const { events } = await this.asks({ do: "may", room: place.name, nick }, true);
      const may = events.find(({ type }) => type === "may")?.text ?? "";
      if (this.#nick === nick && this.#dialog.open) this.#offer(may.split(" "));
    } catch {
      // gone meanwhile: there is nothing to be done
    }
  }

  #button({ nick, role, state }) {
    const shown = SHOWN_ROLES.includes(role) ? role : "";
    return el(
      "button.person",
      {
        type: "button",
        "data-member": nick,
        "aria-label": [nick, shown, STATES[state]].filter(Boolean).join(" "),
        click: () => this.open(nick),
      },
      avatar(nick, `.small.${state || "here"}`),
      el("span.name", {}, nick),
      " ",
      shown && el("span.role", {}, shown),
    );
  }

  #offer(may) {
    const button = (label, click, kind) => el(`button${kind ?? ""}`, { type: "button", click }, label);
    const talk = () => {
      this.#dialog.close();
      this.opens(this.#nick);
    };
    at("member-acts").replaceChildren(
      ...(this.chat.isMe(this.#nick) ? [] : [button("Write privately", talk, ".primary")]),
      button("Who is this?", () => this.#do("whois")),
      ...Object.keys(ACTS)
        .filter((act) => may.includes(act))
        .map((act) => button(ACTS[act][0], () => (ACTS[act][1] ? this.#order(act) : this.#do(act)), ACTS[act][1] && ".danger")),
    );
  }

  #order(act) {
    const [label, asks] = ACTS[act];
    this.#act = act;
    at("order").hidden = false;
    at("term").hidden = at("term").previousElementSibling.hidden = asks !== "term";
    at("reason").value = "";
    at("confirm").textContent = `${label} ${this.#nick}`;
    at(asks === "term" ? "term" : "reason").focus();
  }

  async #do(act, duration = "", reason = "") {
    const nick = this.#nick;
    const request = { do: act, room: this.chat.view.name, nick, whom: nick, duration, reason };
    if (act !== "mute" && act !== "ban") delete request.duration;
    try {
      await this.asks(request, true);
      this.#dialog.close();
    } catch (refused) {
      at("member-refusal").textContent = refused.message;
    }
  }
}

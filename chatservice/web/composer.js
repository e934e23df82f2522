// The box in which the reader writes: completion, recall, several lines, how long a line may be.
// A password does not belong here: as soon as a command begins that takes one, its field opens.

import { at, el, show } from "./dom.js";
import { MAX_BYTES, fold, lines, size } from "./text.js";

const MOST_RECALLED = 50;
const MOST_SUGGESTED = 60; // the list scrolls
const TELL_AT = 200; // bytes that are left
const SECRET = /^\s*\/(login|register|password)(?:\s+|$)/i;

export class Composer {
  #box = at("message");
  #list = at("suggestions");
  #found = []; // suggestions: {insert, label, about}
  #from = 0; // where the word begins that is completed
  #chosen = 0;
  #recalled = [];
  #back = 0; // how far back in them
  #draft = "";

  /**
   * @param chat the model
   * @param sends called with one line
   * @param learns returns a promise of the server's commands
   * @param secret called with what stands behind a command that takes a password
   */
  constructor(chat, { sends, learns, secret }) {
    Object.assign(this, { chat, sends, learns, secret });
    at("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.#box.addEventListener("input", () => this.#typed());
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("paste", (event) => this.#pasted(event));
    this.#box.addEventListener("blur", () => this.#close());
  }

  get text() {
    return this.#box.value;
  }

  /** Put a text into the box. */
  set text(text) {
    this.#box.value = text;
    this.#box.setSelectionRange(text.length, text.length);
    this.#close();
    this.#measure();
  }

  /** Say to whom the box speaks, and take it. */
  face(place) {
    this.#box.placeholder = place.isRoom ? `Message ${place.name}` : `Message ${place.name} alone`;
    this.text = place.draft;
    this.#back = 0;
  }

  focus() {
    this.#box.focus();
  }

  // Sending.

  async #send() {
    const text = this.#box.value;
    const written = lines(text).map((line) => line.trimEnd()).filter(Boolean);
    if (!written.length || this.#longest(text) > MAX_BYTES) return;
    if (written.length > 1 && !(await this.#agreed(written.length))) return;
    const place = this.chat.view;
    place.draft = "";
    this.#recalled = [...this.#recalled.filter((other) => other !== text), text].slice(-MOST_RECALLED);
    this.#back = 0;
    this.text = "";
    for (const line of written) this.sends(place, line);
    this.focus();
  }

  /** Ask whether so many lines should be said. */
  #agreed(count) {
    const dialog = at("several");
    at("several-text").textContent = `This has ${count} lines, and each becomes a message of its own: ${count} messages in ${this.chat.view.name}.`;
    dialog.returnValue = "cancel";
    show(dialog);
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true });
    });
  }

  // What was pasted stays in the box if it is not to be sent, to be looked at.
  #pasted(event) {
    const pasted = event.clipboardData?.getData("text/plain").trimEnd() ?? "";
    if (lines(pasted).length < 2) return;
    event.preventDefault();
    this.#box.setRangeText(pasted, this.#box.selectionStart, this.#box.selectionEnd, "end");
    this.#typed();
    this.#send();
  }

  #longest(text) {
    return Math.max(...lines(text).map(size));
  }

  #measure() {
    const left = MAX_BYTES - this.#longest(this.#box.value);
    at("count").textContent = left > TELL_AT ? "" : left < 0 ? `${-left} bytes too long` : `${left} bytes left`;
    at("count").classList.toggle("over", left < 0);
    this.#box.setAttribute("aria-invalid", String(left < 0));
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }

  // Typing.

  #typed() {
    const text = this.#box.value;
    if (SECRET.test(text)) {
      this.text = "";
      this.secret(text.replace(SECRET, ""));
      return;
    }
    if (this.chat.view) this.chat.view.draft = text;
    this.#measure();
    this.#suggest(/^\/\S*$/.test(text.slice(0, this.#box.selectionStart)));
  }

  #key(event) {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const act = this.#found.length ? this.#keyInList(event) : this.#keyInBox(event);
    if (act) {
      event.preventDefault();
      act();
    }
  }

  #keyInList({ key, shiftKey }) {
    const exact = this.#found[this.#chosen].insert.trim() === this.#box.value.trim();
    if (key === "ArrowDown") return () => this.#choose(this.#chosen + 1);
    if (key === "ArrowUp") return () => this.#choose(this.#chosen - 1);
    if (key === "Escape") return () => this.#close();
    if (key === "Enter" && exact) return () => this.#send();
    if (key === "Tab" && shiftKey) {
      this.#close(); // or the list, which scrolls, would get the focus
      return null;
    }
    if (key === "Tab" || key === "Enter") return () => this.#take(this.#chosen);
    return null;
  }

  #keyInBox({ key, shiftKey }) {
    const { value, selectionStart, selectionEnd } = this.#box;
    if (key === "Enter") return shiftKey ? null : () => this.#send();
    if (key === "Tab" && !shiftKey) return this.#suggest(true) ? () => this.#only() : null;
    if (selectionStart !== selectionEnd) return null;
    if (key === "ArrowUp" && !value.slice(0, selectionStart).includes("\n") && (!value || this.#back))
      return () => this.#recall(1);
    if (key === "ArrowDown" && this.#back && !value.slice(selectionEnd).includes("\n"))
      return () => this.#recall(-1);
    return null;
  }

  #recall(by) {
    if (!this.#back) this.#draft = this.#box.value;
    this.#back = Math.max(0, Math.min(this.#recalled.length, this.#back + by));
    this.text = this.#back ? this.#recalled.at(-this.#back) : this.#draft;
  }

  // Suggestions.

  /** Look for what the word before the caret may become. @returns whether there is any. */
  #suggest(asked) {
    const before = this.#box.value.slice(0, this.#box.selectionStart);
    const word = before.match(/\S*$/)[0];
    this.#from = before.length - word.length;
    this.#usage(before);
    if (!asked || !word) this.#found = [];
    else if (word.startsWith("/") && !this.#from) this.#found = this.#commands(word);
    else if (word.startsWith("#")) this.#found = this.#rooms(word);
    else this.#found = this.#people(word);
    this.#found = this.#found.slice(0, MOST_SUGGESTED);
    this.#draw();
    return this.#found.length > 0;
  }

  #commands(word) {
    if (!this.chat.commands.length) {
      const again = () => this.#box.value.startsWith("/") && this.#suggest(true);
      this.learns().then(() => this.chat.commands.length && again(), () => {}); // without a connection there is no list
    }
    const wanted = word.slice(1).toLowerCase();
    return this.chat.commands
      .filter(({ name }) => name.startsWith(wanted))
      .map(({ name, usage, text }) => ({ insert: `/${name} `, label: usage, about: text }));
  }

  #rooms(word) {
    const known = new Set([...this.chat.listed(), ...this.chat.rooms].map(({ name, room }) => room ?? name));
    return [...known]
      .filter((name) => name.startsWith(word.toLowerCase()))
      .map((name) => ({ insert: `${name} `, label: name, about: "" }));
  }

  #people(word) {
    const { view } = this.chat;
    const end = this.#from ? " " : ": ";
    const wanted = fold(word.replace(/^@/, ""));
    const spoke = view.lines.slice(-200).reverse().map(({ nick }) => nick);
    const nicks = new Set([...spoke, ...view.sorted().map(({ nick }) => nick), view.isRoom ? "" : view.name]);
    return [...nicks]
      .filter((nick) => nick && fold(nick).startsWith(wanted) && !this.chat.isMe(nick))
      .map((nick) => ({ insert: nick + end, label: nick, about: "" }));
  }

  // Behind a command's name: what belongs there.
  #usage(before) {
    const name = before.match(/^\/(\S+)\s/)?.[1].toLowerCase();
    const command = this.chat.commands.find((other) => other.name === name);
    at("usage").hidden = !command;
    at("usage").textContent = command ? `${command.usage}: ${command.text}` : "";
  }

  #only() {
    if (this.#found.length === 1) this.#take(0);
  }

  #take(index) {
    const { insert } = this.#found[index];
    this.#box.setRangeText(insert, this.#from, this.#box.selectionStart, "end");
    this.#close();
    this.#typed();
  }

  #choose(index) {
    this.#chosen = (index + this.#found.length) % this.#found.length;
    [...this.#list.children].forEach((item, other) => item.setAttribute("aria-selected", other === this.#chosen));
    this.#list.children[this.#chosen].scrollIntoView({ block: "nearest" });
    this.#box.setAttribute("aria-activedescendant", `suggestion-${this.#chosen}`);
  }

  #draw() {
    this.#list.hidden = !this.#found.length;
    this.#list.replaceChildren(
      ...this.#found.map(({ label, about }, index) => {
        const take = (event) => {
          event.preventDefault();
          this.#take(index);
        };
        return el(
          "li",
          { role: "option", id: `suggestion-${index}`, pointerdown: take },
          el("strong", {}, label),
          el("span.hint", {}, about),
        );
      }),
    );
    if (this.#found.length) this.#choose(0);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #close() {
    this.#found = [];
    this.#draw();
    at("usage").hidden = true;
  }
}

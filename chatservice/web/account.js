// The reader: nickname, account, notifications. A password goes from its field to the server, once,
// and is kept nowhere.

import { at, avatar, el, show } from "./dom.js";
import { want, wanted } from "./notify.js";

const DONE = {
  nick: "That is your nickname now.",
  register: "The nickname is yours now: from now on, join with it and this password.",
  login: "You are signed in.",
};

export class Account {
  #dialog = at("self");
  #typed = false; // whether a command led here

  /**
   * @param chat the model
   * @param asks asks the server for something
   * @param changed called when the account changed
   * @param quits called when the reader leaves
   */
  constructor(chat, { asks, changed, quits }) {
    Object.assign(this, { chat, asks, changed });
    at("you").addEventListener("click", () => this.open());
    at("notify").addEventListener("change", async ({ target }) => {
      const on = await want(target.checked);
      if (target.checked && !on) this.#tell("The browser does not allow notifications for this page.");
      target.checked = on;
    });
    at("quit").addEventListener("click", () => {
      this.#dialog.close();
      quits();
    });
    at("rename").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask({ do: "nick", nick: at("new-nick").value.trim() });
    });
    at("account").addEventListener("submit", (event) => {
      event.preventDefault();
      const password = at("secret").value;
      at("secret").value = "";
      if (!password) return this.#tell("Give a password first.");
      const register = (event.submitter ?? at("login")).value === "register";
      this.#ask(
        register
          ? { do: "register", password }
          : { do: "login", value: this.#typed ? password.trim() : `${this.chat.nick} ${password}` },
      );
    });
    this.#dialog.addEventListener("close", () => (at("secret").value = ""));
  }

  /** Draw the button that opens the dialog. */
  draw() {
    const { nick } = this.chat;
    const role = this.#registered() ? "" : "guest";
    at("you").setAttribute("aria-label", `You, ${nick} ${role}`.trim());
    at("you").replaceChildren(
      avatar(nick, ".small"),
      el("span.name", {}, nick),
      " ",
      el("span.role", {}, role),
    );
  }

  /** Open the dialog. @param secret what the reader began to type behind /login or /register. */
  open(secret = null) {
    const registered = this.#registered();
    this.#typed = secret !== null; // then an account may stand before the password, as in /login
    at("new-nick").value = this.chat.nick;
    at("notify").checked = wanted();
    at("account").hidden = registered && secret === null;
    at("account-hint").textContent =
      "Register a nickname to keep it: with your password only you can wear it, anywhere. At least 8 characters.";
    this.#tell("");
    show(this.#dialog);
    if (secret !== null) {
      at("secret").value = secret;
      at("secret").focus();
    }
  }

  // A guest is one in some room at least: in the lobby, whatever it is elsewhere.
  #registered() {
    const roles = [...this.chat.places.values()].map(({ role }) => role).filter(Boolean);
    return roles.length > 0 && !roles.includes("guest");
  }

  #tell(text, good = false) {
    at("self-answer").textContent = text;
    at("self-answer").classList.toggle("good", good);
  }

  async #ask(request) {
    this.#tell("One moment…", true);
    try {
      await this.asks(request, true);
      this.#tell(DONE[request.do], true);
      at("account").hidden ||= request.do !== "nick";
      this.changed();
    } catch (refused) {
      this.#tell(refused.message);
    }
  }
}

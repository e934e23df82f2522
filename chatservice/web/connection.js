// The WebSocket: one request at a time, answers by their id, and coming back by itself.
//
//     closed ──open()──▶ opening ──first request done──▶ up ──lost──▶ waiting ──▶ opening ...
//                           └──refused──▶ closed
//
// It knows requests and events, and nothing of what they mean, but for the error codes of its own
// business: what is asked too fast is asked again.

const LONGEST = 30_000; // ms between two tries
const PATIENCE = 20_000; // ms for an answer, until the connection counts as lost
const TOO_FAST = 700; // ms until the same request is sent again
const FINAL = ["kicked", "banned"]; // whoever is thrown out does not come back by itself,
const ELSEWHERE = 4001; // nor who is in another tab by now: the close code for that
const PASSING = ["too-fast", "busy", "not-read", "not-stored", "closing", "too-many-connections"];

/** A request that was not done: the server's code and text, or "lost" with the connection. */
export class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

export class Connection {
  #socket = null;
  #queue = []; // [0] is under way, if there is any
  #ids = 0;
  #tries = 0;
  #timer = 0;
  #first = null;
  #heard = 0;
  #ended = null; // the error that came last, if nothing came after it

  /**
   * @param url where the server is
   * @param hears called with each event, and the request that it answers, if any
   * @param state called with "up" | "waiting" | "opening" | "closed"; ms until the next try; how
   *     many there were; the error with which the server ended it, if it did
   */
  constructor(url, hears, state) {
    Object.assign(this, { url, hears, state, up: false });
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.up && this.#probe());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && Date.now() - this.#heard > LONGEST) this.hurry();
    });
  }

  /**
   * Connect.
   * @param first returns the first request of each connection: {fields, resolve, reject, patient};
   *     a patient one is tried again if the server is only busy
   */
  open(first) {
    this.close();
    this.#first = first;
    this.#tries = 0;
    this.#connect();
  }

  /** Disconnect, and stay so. */
  close() {
    this.#first = null;
    this.#drop();
    this.state("closed", 0);
  }

  /** Try now what would be tried later; if all seems well, make sure of it. */
  hurry() {
    if (this.up) this.#probe();
    else if (this.#first && !this.#socket) this.#connect();
  }

  /**
   * Ask for something.
   * @param urgent whether it goes before what the page asks by itself
   * @returns a promise of {done, events}; it is rejected with Refused
   */
  ask(fields, urgent = false) {
    const request = { fields, events: [], urgent };
    const answer = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }));
    if (!this.up) {
      request.reject(new Refused("lost", "There is no connection to the server."));
      return answer;
    }
    const later = urgent ? this.#queue.findIndex((other, index) => index > 0 && !other.urgent) : -1;
    this.#queue.splice(later < 0 ? this.#queue.length : later, 0, request);
    if (this.#queue.length === 1) this.#send();
    return answer;
  }

  #connect() {
    clearTimeout(this.#timer);
    this.state("opening", 0);
    const socket = (this.#socket = new WebSocket(this.url));
    socket.onopen = () => {
      const request = { ...this.#first(), events: [], urgent: true, first: true };
      this.#queue = [request];
      this.#send();
    };
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(code);
    this.#watch(PATIENCE);
  }

  #send() {
    const request = this.#queue[0];
    if (!request || !this.#socket) return;
    request.id = ++this.#ids;
    this.#socket.send(JSON.stringify({ ...request.fields, id: request.id }));
    this.#watch(PATIENCE);
  }

  // A dead network says nothing: without an answer in time, the connection is lost.
  #watch(patience) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), patience);
  }

  #probe() {
    if (!this.#queue.length) this.ask({ do: "rooms" }).catch(() => {});
    this.#watch(PATIENCE / 4);
  }

  #hear(event) {
    this.#heard = Date.now();
    const request = this.#queue[0]?.id === event.id && event.id ? this.#queue[0] : null;
    this.#ended = event.type === "error" && !request ? event : null;
    if (event.type !== "done" && event.type !== "error") {
      request?.events.push(event);
      this.hears(event, request?.fields ?? null);
      return;
    }
    if (!request) {
      this.hears(event, null);
      return;
    }
    clearTimeout(this.#timer);
    if (event.code === "too-fast" && !request.first) {
      this.#timer = setTimeout(() => this.#send(), TOO_FAST);
      return;
    }
    if (request.first && request.patient && PASSING.includes(event.code)) {
      this.#lost();
      return;
    }
    this.#queue.shift();
    if (request.first) this.#begun(event);
    if (this.up) this.#send(); // before the answer is looked at: that may ask for more
    if (event.type === "done") request.resolve({ done: event, events: request.events });
    else request.reject(new Refused(event.code, event.text));
  }

  #begun(event) {
    if (event.type === "error") {
      this.close();
      return;
    }
    this.up = true;
    this.#tries = 0;
    this.state("up", 0);
  }

  #lost(code = 0) {
    const ended = code === ELSEWHERE ? { code, text: "This chat is open in another tab." } : this.#ended;
    this.#drop();
    if (!this.#first) return;
    if (FINAL.includes(ended?.code) || code === ELSEWHERE) {
      this.#first = null;
      this.state("closed", 0, 0, ended);
      return;
    }
    const wait = Math.random() * Math.min(LONGEST, 1000 * 2 ** this.#tries++);
    this.#timer = setTimeout(() => this.#connect(), wait);
    this.state("waiting", wait, this.#tries, ended);
  }

  #drop() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    const left = this.#queue;
    this.#socket = null;
    this.#queue = [];
    this.#ended = null;
    this.up = false;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
    for (const request of left) {
      if (!request.first) request.reject(new Refused("lost", "The connection was lost."));
    }
  }
}

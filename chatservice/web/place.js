// A room ("#dev") or a private conversation ("@bob"): a window of its lines without a hole, and who
// is there. The window is `live` if it reaches up to now.

const MOST_LINES = 1200; // in a window; others can be loaded again
const SPARE = 100; // so that not every new line pushes an old one out
const MOST_MOVED = 500; // comings and goings that are told in one line
const MOST_NAMED = 5; // of those who came or went together
const ROLES = ["admin", "founder", "op", "voice", "", "bot"]; // in this order; all others as ""

export class Place {
  lines = []; // {kind, seq, at, nick, text, mention, own}; without a number: told, not said
  last = 0; // the highest number there is
  read = 0; // the highest number that was seen here
  mark = 0; // behind this one the unread ones begin; 0: nowhere
  unread = 0;
  mentions = 0;
  live = true;
  beginning = false; // whether the window begins where the history does
  loading = false;
  earlier = 0; // before which number to look for more, where that is not the first line's
  later = 0; // up to which number later lines were looked for, beyond the last line's
  role = "";
  topic = "";
  people = null; // by folded nickname: {nick, role, state}; null: not asked for yet
  draft = "";

  constructor(name) {
    this.name = name;
    this.isRoom = name.startsWith("#");
    this.key = this.isRoom ? name : `@${name}`; // what the server's history calls it
  }

  get first() {
    return this.lines.find((line) => line.seq)?.seq ?? 0;
  }

  get end() {
    return this.lines.findLast((line) => line.seq)?.seq ?? 0;
  }

  add(line) {
    let index = this.lines.length;
    if (line.seq <= this.last) {
      if (this.lines.some(({ seq }) => seq === line.seq)) return;
      const follows = (one) => (one.seq ? one.seq > line.seq : one.at > line.at);
      while (index && follows(this.lines[index - 1])) index--;
    }
    this.lines.splice(index, 0, line);
    this.last = Math.max(this.last, line.seq);
  }

  /** Tell something that nobody said. */
  tell(text, kind = "event", at = 0) {
    if (this.live) this.lines.push({ kind, at: at || Date.now() / 1000, text, seq: 0, nick: "" });
  }

  /** Tell who "joined" or "left": in one line with others who did. */
  moved(nick, how, at) {
    if (!this.live) return;
    if (!(this.lines.at(-1)?.moved?.length < MOST_MOVED)) this.tell("", "event", at);
    const line = this.lines.at(-1);
    line.moved = [...(line.moved ?? []), { nick, how }];
    line.text = Object.entries(Object.groupBy(line.moved, ({ how }) => how)).map(told).join(", ");
  }

  /** Give up lines that nobody looks at. @param old whether those at the beginning. */
  trim(old = true) {
    const excess = this.lines.length - MOST_LINES;
    if (excess <= SPARE) return;
    this.lines.splice(old ? 0 : MOST_LINES, excess);
    if (old) this.beginning = false;
    else this.live = false;
    this.earlier = 0;
  }

  /** Begin a new window. @param live whether it will reach up to now. */
  clear(live) {
    Object.assign(this, { lines: [], live, beginning: false, earlier: 0, later: 0 });
  }

  sorted() {
    const order = ({ role }) => ROLES.indexOf(ROLES.includes(role) ? role : "");
    return [...(this.people?.values() ?? [])].sort((a, b) => order(a) - order(b) || a.nick.localeCompare(b.nick));
  }
}

function told([how, people]) {
  const more = people.length - MOST_NAMED;
  const nicks = people.slice(0, MOST_NAMED).map(({ nick }) => nick);
  return `${new Intl.ListFormat("en").format(more > 0 ? [...nicks, `${more} more`] : nicks)} ${how}`;
}

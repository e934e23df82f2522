// What stands in a line of text: links, code, names, emoji. Pure: no document, no chat.

export const MAX_BYTES = 1024; // of a line, in UTF-8: the server refuses a longer one

const SAFE = ["http:", "https:", "mailto:"];
const LETTERS = "\\p{L}\\p{M}\\p{N}_";
const CODE = "(?<ticks>```|`)(?<code>[^`]+)\\k<ticks>";
const SPECIAL = [
  '\\b(?<link>(?:https?://|mailto:)[^\\s<>"`]+)',
  `(?<![${LETTERS}#&/])(?<room>#(?=[\\p{N}_.-]*\\p{L})[\\p{L}\\p{N}_](?:[${LETTERS}.-]{0,48}[${LETTERS}])?)`,
];
const EMOJI = /^(?:[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\u200d\ufe0f\u20e3]|[0-9#*]\ufe0f\u20e3|\s)+$/u;

const UTC = /(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC/g;
export const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const local = (text) => text.replace(UTC, (_, day, time) => moment.format(new Date(`${day}T${time}Z`)));

export const size = (text) => new TextEncoder().encode(text).length;

export const fold = (nick) => nick.normalize("NFKC").toLowerCase();

export const lines = (text) => text.split(/\r\n|[\n\r\u2028\u2029]/u);

export const names = (text, nick) => nick !== "" && new RegExp(word(nick), "iu").test(text);

export const isEmoji = (text) => text.length <= 40 && /\P{ASCII}/u.test(text) && EMOJI.test(text);

/** Return one of twelve colours, the same one for a nickname everywhere. */
export function hue(nick) {
  let sum = 0;
  for (const letter of fold(nick)) sum = (sum * 31 + letter.codePointAt(0)) % 9941; // a prime
  return 15 + 30 * (sum % 12);
}

/**
 * Cut a text into pieces: {kind: "text", "code", "link", "room" or "mention", text}.
 * @param nick whose mentions count
 * @param code whether there may be any: where nicknames are told, ` may be a part of one
 */
export function pieces(text, { nick = "", code = true } = {}) {
  const kinds = [code && CODE, ...SPECIAL, nick && `(?<mention>${word(nick)})`];
  const search = new RegExp(kinds.filter(Boolean).join("|"), "giu");
  const found = [];
  let done = 0;
  for (let match; (match = search.exec(text)); done = search.lastIndex) {
    const [kind, whole] = Object.entries(match.groups).find(([name, part]) => part && name !== "ticks");
    const part = kind === "link" ? withoutEnd(whole) : whole;
    if (kind === "link") search.lastIndex = match.index + part.length;
    found.push({ kind: "text", text: text.slice(done, match.index) });
    found.push({ kind: kind === "link" && !isSafe(part) ? "text" : kind, text: part });
  }
  found.push({ kind: "text", text: text.slice(done) });
  return found.filter((piece) => piece.text);
}

/** Tell what a line does to a block of code: "open", "in", "close", or "" outside of one. */
export function fence(text, inside) {
  const line = text.trim();
  if (inside) return line.endsWith("```") ? "close" : "in";
  return line.startsWith("```") && !line.slice(3).includes("```") ? "open" : "";
}

function word(nick) {
  const escaped = nick.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return `(?<![${LETTERS}])${escaped}(?![${LETTERS}])`;
}

// What ends a sentence or closes a bracket around a link is not part of it.
function withoutEnd(link) {
  const count = (letter) => link.split(letter).length;
  for (; ; link = link.slice(0, -1)) {
    const last = link.at(-1);
    const opening = { ")": "(", "]": "[", "}": "{" }[last];
    if (opening ? count(last) <= count(opening) : !".,;:!?'*_~".includes(last)) return link;
  }
}

const isSafe = (link) => URL.canParse(link) && SAFE.includes(new URL(link).protocol);

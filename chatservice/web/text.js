// What stands in a line of text: links, code, mentions, emoji. Pure: no document, no chat.

export const MAX_BYTES = 1024; // of a line, in UTF-8: the server refuses a longer one

const encoder = new TextEncoder();
const SAFE = new Set(["http:", "https:", "mailto:"]);
const SPECIAL = /```([^`]+)```|`([^`]+)`|\b(?:https?:\/\/|mailto:)[^\s<>"`]+/giu;
const WORD = "[\\p{L}\\p{M}\\p{N}_]";
const EMOJI = /^(?:[\p{Extended_Pictographic}\p{Regional_Indicator}\p{Emoji_Modifier}\u200d\ufe0f\u20e3]|[0-9#*]\ufe0f\u20e3|\s)+$/u;

/** Return how many bytes a text has on its way. */
export const size = (text) => encoder.encode(text).length;

/** Return how nicknames are compared: case does not distinguish them. */
export const fold = (nick) => nick.normalize("NFKC").toLowerCase();

/** Tell whether a text names a nickname as a word. */
export const names = (text, nick) => nick !== "" && naming(nick).test(text);

/** Tell whether a text is a few emoji and nothing else. */
export const isEmoji = (text) => text.length <= 40 && /\P{ASCII}/u.test(text) && EMOJI.test(text);

/** Return one of twelve colours for a nickname, the same one everywhere. */
export function hue(nick) {
  let sum = 0;
  for (const letter of fold(nick)) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return `hue-${((sum ^ (sum >>> 7)) >>> 0) % 12}`;
}

/** Cut a text into pieces: {kind: "text" | "code" | "link" | "mention", text, href}. */
export function pieces(text, nick) {
  const found = [];
  let done = 0;
  for (const match of text.matchAll(SPECIAL)) {
    const code = match[1] ?? match[2];
    const piece = code === undefined ? link(match[0]) : { kind: "code", text: code, whole: match[0] };
    if (!piece) continue;
    found.push(...plain(text.slice(done, match.index), nick), piece);
    done = match.index + (piece.whole ?? piece.text).length;
  }
  return [...found, ...plain(text.slice(done), nick)];
}

/** Tell what a line does to a block of code: "open", "close" (whichever fits), or "". */
export function fence(text, inside) {
  const line = text.trim();
  if (inside) return line.endsWith("```") ? "close" : "";
  return line.startsWith("```") && !line.slice(3).includes("```") ? "open" : "";
}

/** Return a part of a text around words that were searched for, for a list. */
export const lines = (text) => text.split(/\r\n|[\n\r\u2028\u2029]/u);

function naming(nick) {
  const escaped = nick.replace(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
  return new RegExp(`(?<!${WORD})${escaped}(?!${WORD})`, "giu");
}

function plain(text, nick) {
  const found = [];
  let done = 0;
  for (const match of nick ? text.matchAll(naming(nick)) : []) {
    found.push({ kind: "text", text: text.slice(done, match.index) });
    found.push({ kind: "mention", text: match[0] });
    done = match.index + match[0].length;
  }
  found.push({ kind: "text", text: text.slice(done) });
  return found.filter((piece) => piece.text);
}

// What ends a sentence or closes a bracket around a link is not part of it.
function link(text) {
  let end = text.length;
  for (; end; end--) {
    const last = text[end - 1];
    const opens = { ")": "(", "]": "[", "}": "{" }[last];
    if (opens ? count(text, last, end) > count(text, opens, end) : ".,;:!?'*_~".includes(last)) continue;
    break;
  }
  const shown = text.slice(0, end);
  try {
    const url = new URL(shown);
    return SAFE.has(url.protocol) ? { kind: "link", text: shown, href: url.href } : null;
  } catch {
    return null;
  }
}

const count = (text, letter, end) => text.slice(0, end).split(letter).length;

// What tells the reader of a mention who looks elsewhere: the title, and a notification if asked for.

import { chat, total } from "./chat.js";
import { draws } from "./dom.js";
import { view } from "./going.js";
import { wish, wishes } from "./kept.js";

const MOST = 200; // characters of a line in a notification

export const isWanted = () => window.Notification?.permission === "granted" && Boolean(wishes().notify);

/** Switch notifications; the browser asks once. @returns whether they are on now. */
export async function want(on) {
  const notify = on && (await window.Notification?.requestPermission()) === "granted";
  wish({ notify });
  return notify;
}

/** Tell of a line, if the page is not in sight. */
export function notify(place, { nick, text }) {
  if (!document.hidden || !isWanted()) return;
  const title = place.isRoom ? `${nick} in ${place.name}` : nick;
  try {
    const shown = new Notification(title, { body: text.slice(0, MOST), tag: place.key });
    shown.onclick = () => {
      window.focus();
      shown.close();
      view(place);
    };
  } catch {
    // some phones have the name only
  }
}

function title() {
  const mentions = total("mentions");
  document.title = `${mentions ? `(${mentions}) ` : ""}${chat.view ? `${chat.view.name} - ` : ""}chat`;
}

draws("view", title);
draws("places", title);

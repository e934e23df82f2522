// What tells the reader of a mention who looks elsewhere: the title, and a notification if asked for.

import { wish, wishes } from "./kept.js";

const MOST = 200; // characters of a line in a notification

export const wanted = () =>
  "Notification" in window && Notification.permission === "granted" && Boolean(wishes().notify);

/** Switch notifications; the browser asks once. @returns whether they are on now. */
export async function want(on) {
  const may = on && "Notification" in window && (await Notification.requestPermission()) === "granted";
  wish({ notify: may });
  return may;
}

/** Tell of a line, if the page is not in sight. @param open called if the reader wants to see it. */
export function notify(place, line, open) {
  if (!document.hidden || !wanted()) return;
  const title = place.isRoom ? `${line.nick} in ${place.name}` : line.nick;
  try {
    const shown = new Notification(title, { body: line.text.slice(0, MOST), tag: place.key });
    shown.onclick = () => {
      window.focus();
      shown.close();
      open();
    };
  } catch {
    // some phones have the name only
  }
}

/** Show in the title where the reader is, and how often it was mentioned. */
export function title(place, mentions) {
  document.title = `${mentions ? `(${mentions}) ` : ""}${place ? `${place.name} - ` : ""}chat`;
}

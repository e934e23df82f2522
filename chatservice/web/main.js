// Puts the parts together: what the server tells (connection.js) goes into the model (chat.js); what
// changed there, each part of the screen draws. What people write goes by outbox.js to the server.

import "./composer.js";
import "./people.js";
import { notify } from "./account.js";
import { chat, find, listed, placeOf, take as learn, total } from "./chat.js";
import { listen, up } from "./connection.js";
import { at, draws } from "./dom.js";
import { inquire, members, view } from "./going.js";
import { content } from "./messages.js";
import { came } from "./outbox.js";
import { step } from "./rooms.js";
import { begin, connected } from "./session.js";

const COMINGS = 15_000; // ms until it is asked who came
const MANY = 300; // people among whom newcomers' roles are not looked for
const ELSEWHERE = ["history", "search"]; // requests whose answers go to who asked
const QUIET = ["return", "register", "login", "password"]; // of whose notices the page tells otherwise
const KNOWN = ["past", "topic"]; // so do those about these

let asking = 0;

function take(event, request) {
  const { type, room } = event;
  if (ELSEWHERE.includes(request?.do)) return;
  if (type === "notice" && (QUIET.includes(request?.do) || KNOWN.includes(event.about))) return;
  if (type === "error" && !up) return;
  const news = learn(event);
  if (news?.line.own) came(news.place);
  else if (news?.line.mention) notify(news.place, news.line);
  if (type === "switched" && request?.do === "line") view(placeOf(room));
  if (type === "joined" || type === "noted") someoneCame(find(room));
  if (type === "gap" && find(room) === chat.view) inquire();
  if (!chat.view && chat.places.size && !at("chat").hidden) view(listed()[0]);
}

// Somebody's role is told by `who` alone, and which bots there are; it is asked for once for many.
function someoneCame(place) {
  if (asking || place !== chat.view || !(place?.people?.size < MANY)) return;
  asking = setTimeout(() => {
    asking = 0;
    if (chat.view === place && !document.hidden) members();
  }, COMINGS);
}

function head() {
  const mentions = total("mentions");
  document.title = `${mentions ? `(${mentions}) ` : ""}${chat.view ? `${chat.view.name} - ` : ""}chat`;
  at("title").textContent = chat.view?.name ?? "";
  at("topic").replaceChildren(...content(chat.view?.isRoom ? chat.view.topic : "A private conversation"));
}
draws(head, "view", "places");

document.addEventListener("keydown", (event) => {
  if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key) || !chat.view) return;
  event.preventDefault();
  step(event.key === "ArrowUp" ? -1 : 1);
});

listen(take, connected);
begin();

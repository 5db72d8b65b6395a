// One stream for all tabs of this browser: the tab that holds the lock reads it and tells the others. What comes is news, the pages
// read the rest again. The strip says since when nothing comes, and that all is well again.
import { words } from "./net.js";
import { hhmm } from "./timers.js";

const channel = new BroadcastChannel("orienta-console");
let leads = false;
let last = "";
let source;
let wait = 1000;
let down = 0;

export const isLeader = () => leads;

const news = (detail) => document.dispatchEvent(new CustomEvent("desk:news", { detail }));

function line(since) {
  const strip = document.getElementById("line");
  if (!strip || since === down) return;
  strip.hidden = false;
  strip.classList.toggle("ok", !since);
  strip.classList.toggle("warn", Boolean(since));
  strip.textContent = since ? words().down.replace("<time>", hhmm(new Date(since))) : words().up;
  if (!since) setTimeout(() => (strip.hidden = !down), 4000);
  down = since;
}

function both(message) {
  channel.postMessage(message);
  heard(message);
}

function heard(message) {
  if (message.news) {
    line(0);
    news(message.news);
  } else if (message.ended) document.dispatchEvent(new Event("desk:ended"));
  else if ("down" in message) line(message.down);
  else if (message.sound) document.dispatchEvent(new CustomEvent("desk:sound", { detail: message.sound }));
}

export const tellOthers = (message) => channel.postMessage(message);

channel.onmessage = (event) => {
  if (event.data.hello && leads) channel.postMessage({ down });
  else heard(event.data);
};

function open() {
  source = new EventSource(`/console/live${last ? `?after=${last}` : ""}`);
  let alive = Date.now();
  source.onopen = () => {
    wait = 1000;
    alive = Date.now();
  };
  source.onmessage = (event) => {
    last = event.lastEventId;
    both({ news: JSON.parse(event.data) });
  };
  source.addEventListener("ended", () => {
    source.close();
    both({ ended: true });
  });
  source.onerror = () => {
    both({ down: down || Date.now() });
    source.close(); // the browser's own waiting time differs; ours is short and knows the last line
    setTimeout(open, wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, 15000);
  };
}

export function start() {
  const lead = () => {
    leads = true;
    open();
    return new Promise(() => {});
  };
  if (navigator.locks) navigator.locks.request("orienta-live", lead);
  else lead();
  channel.postMessage({ hello: true });
  // a page that comes back from the browser's memory has a dead stream
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  addEventListener("pagehide", () => source?.close());
}

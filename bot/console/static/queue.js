// The queue. It is read again at every news, and never moves under a pointer or the focus: what is new waits behind a button.
import { call, words } from "./net.js";
import { tell } from "./timers.js";

const place = () => document.getElementById("queue-list");
const list = () => place()?.querySelector("ol");
let paused = false;
let fresh = null;
let timer = 0;
let searching = "";

const filters = () => document.getElementById("queue-filters");
const selected = () => document.getElementById("talk")?.dataset.case ?? "";

function asked() {
  const values = new URLSearchParams(new FormData(filters()));
  for (const [name, value] of [...values]) if (!value) values.delete(name);
  const on = document.getElementById("filters-on");
  on.textContent = values.size ? `(${values.size})` : "";
  if (selected()) values.set("selected", selected());
  return values;
}

const busy = () => {
  const box = list();
  return paused || box?.matches(":hover") || (box?.contains(document.activeElement) && document.activeElement !== box);
};

export function refresh(now = false) {
  clearTimeout(timer);
  timer = setTimeout(() => load(now), now ? 0 : 200);
}

async function load(force) {
  if (!place()) return;
  try {
    let answer;
    if (searching) {
      const form = new FormData(filters());
      form.set("text", searching);
      form.set("selected", selected());
      answer = await call("POST", "/console/search", form);
    } else answer = await call("GET", `/console/queue?${asked()}`);
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    take(parsed, force);
  } catch {
    // the strip tells that the line is down; the list stands as it was
  }
}

const ids = (ol) => [...ol.children].map((li) => li.id);

function take(parsed, force) {
  const next = parsed.querySelector("ol");
  const old = list();
  document.getElementById("queue-count").textContent = next.dataset.waiting;
  document.title = document.title.replace(/^(\(\d+\) )?/, "");
  const moves = ids(next).join() !== ids(old).join();
  if (moves && busy() && !force) {
    fresh = parsed;
    inPlace(old, next);
    pill(ids(next).filter((id) => id && !ids(old).includes(id)).length);
    return;
  }
  fresh = null;
  pill(0, true);
  if (moves || force) {
    const focus = old.contains(document.activeElement) ? document.activeElement.closest("li")?.id : "";
    place().replaceChildren(...parsed.body.childNodes);
    if (focus) document.getElementById(focus)?.querySelector("a")?.focus({ preventScroll: true });
  } else inPlace(old, next);
  tell(place());
}

/** New words in the rows that stand, each where it is. */
function inPlace(old, next) {
  for (const li of old.children) {
    if (!li.id) continue;
    const other = next.querySelector(`#${CSS.escape(li.id)}`);
    li.classList.toggle("gone", !other);
    if (!other) continue;
    const a = li.querySelector("a");
    const b = other.querySelector("a");
    li.className = other.className;
    if (a.innerHTML !== b.innerHTML) a.replaceChildren(...b.childNodes);
    if (b.hasAttribute("aria-current")) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
  tell(old);
}

function pill(count, clear = false) {
  const button = document.getElementById("queue-new");
  button.hidden = clear;
  if (!clear) button.textContent = (count === 1 ? button.dataset.one : button.dataset.many).replace("<n>", count || "");
}

export function mark(id) {
  for (const a of list()?.querySelectorAll("a") ?? []) {
    if (a.closest("li").id === `q-${id}`) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
}

/** The next (1) or the one before (-1) of the case that is open. */
export function neighbour(step) {
  const links = [...(list()?.querySelectorAll("a") ?? [])];
  const at = links.findIndex((a) => a.hasAttribute("aria-current"));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
  next?.scrollIntoView({ block: "nearest" });
  return next;
}

export function start() {
  document.getElementById("queue-new").addEventListener("click", () => {
    if (fresh) take(fresh, true);
    else refresh(true);
    document.getElementById("queue-list").scrollTop = 0;
  });
  const pause = document.getElementById("queue-pause");
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? pause.dataset.on : pause.dataset.off;
    if (!paused) refresh(true);
  });
  // once the pointer and the focus are elsewhere, what waits comes by itself
  place().addEventListener("pointerleave", () => setTimeout(() => fresh && !busy() && take(fresh, true), 400));
  place().addEventListener("focusout", () => setTimeout(() => fresh && !busy() && take(fresh, true), 400));
  filters().addEventListener("change", () => refresh(true));
  filters().addEventListener("reset", () => setTimeout(() => refresh(true)));
  filters().addEventListener("submit", (event) => {
    event.preventDefault();
    refresh(true);
  });
  document.getElementById("queue-search").addEventListener("submit", (event) => {
    event.preventDefault();
    searching = document.getElementById("search-text").value.trim();
    refresh(true);
  });
  document.getElementById("search-text").addEventListener("search", (event) => {
    if (!event.target.value && searching) endSearch();
  });
  place().addEventListener("click", (event) => {
    if (event.target.id !== "search-end") return;
    event.preventDefault();
    endSearch();
  });
}

function endSearch() {
  searching = "";
  document.getElementById("search-text").value = "";
  refresh(true);
}

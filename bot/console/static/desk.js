// The desk: opens cases, takes steps, keeps what is on the screen true, and answers to keys.
import { call, problem, say, words } from "./net.js";
import { tell } from "./timers.js";
import * as live from "./live.js";
import * as notices from "./notices.js";
import * as palette from "./palette.js";
import * as queue from "./queue.js";
import "./composer.js";

const work = () => document.getElementById("work");
const talk = () => document.getElementById("talk");
const log = () => document.getElementById("log");
const current = () => talk()?.dataset.case;
let typing = null;
let reading = 0;

// --- the case on the screen ---------------------------------------------------------------------------------------------------

const narrow = matchMedia("(max-width: 900px)");

/** How far the end of the conversation is below what can be seen; on a phone the page scrolls, above the text box that stays. */
function below() {
  if (!log()) return 0;
  if (!narrow.matches) return log().scrollHeight - log().scrollTop - log().clientHeight;
  return log().getBoundingClientRect().bottom - innerHeight + document.querySelector("orienta-composer").offsetHeight;
}

const atBottom = () => below() < 60;

function bottom() {
  if (!log()) return;
  if (narrow.matches) scrollBy(0, Math.max(0, below()));
  else log().scrollTop = log().scrollHeight;
  document.getElementById("log-new").hidden = true;
}

/** Put the case's panes in; `again`: the same case, changed: only what differs is touched, and what is typed stays. */
async function show(html, { again = false, toBottom = false } = {}) {
  const version = +(/ data-version="(\d+)"/.exec(html)?.[1] ?? Infinity);
  if (again && talk() && version < +talk().dataset.version) return; // an answer that a newer one has overtaken
  const stays = again && !toBottom && !atBottom();
  const before = log()?.querySelectorAll("li.user").length ?? 0;
  await htmx.swap({ target: work(), sourceElement: work(), swap: again ? "innerMorph" : "innerHTML", text: html, request: {}, hx: {} });
  for (const posts of document.querySelectorAll('[data-part="posts"]')) {
    if (!posts.children.length) posts.append(document.getElementById("posts").content.cloneNode(true));
  }
  document.getElementById("desk").classList.toggle("has-case", Boolean(talk()));
  tell(work());
  queue.mark(current());
  const fresh = [...(log()?.querySelectorAll("li.user .text") ?? [])].slice(before);
  if (again && fresh.length) document.getElementById("spoken").replaceChildren(...fresh.map((p) => p.cloneNode(true)));
  if (!stays) bottom();
  else if (fresh.length) document.getElementById("log-new").hidden = false;
  if (!again) here();
}

async function open(href, push = true) {
  const leaves = current();
  try {
    const answer = await call("GET", href);
    if (leaves) away(leaves);
    await show(await answer.text());
    if (push) history.pushState({}, "", href);
    document.title = `${talk().dataset.number} · Orienta`;
    talk().querySelector("h2").tabIndex = -1;
    talk().querySelector("h2").focus({ preventScroll: true });
  } catch (failed) {
    if (!talk()) location.href = href;
    problem(failed);
  }
}

async function again() {
  const id = current();
  if (!id) return;
  clearTimeout(reading);
  try {
    const answer = await call("GET", `/console/cases/${id}/again`);
    if (current() === id) await show(await answer.text(), { again: true });
  } catch (failed) {
    if (failed.status >= 400 && failed.status !== 503) problem(failed);
  }
}

// --- steps --------------------------------------------------------------------------------------------------------------------

async function step(form) {
  const dialog = form.closest("dialog");
  const place = dialog?.querySelector('[data-part="problem"]') ?? document.getElementById("problem");
  const buttons = form.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  try {
    const values = new FormData(form);
    values.set("version", talk().dataset.version);
    const answer = await call("POST", form.action, values);
    const gone = answer.headers.get("HX-Push-Url");
    if (gone) history.replaceState({}, "", gone);
    dialog?.close();
    form.reset();
    say("");
    await show(await answer.text(), { again: !gone, toBottom: true });
    if (form.action.endsWith("/claim") || form.action.endsWith("/accept")) document.querySelector("orienta-composer textarea")?.focus();
    queue.refresh();
  } catch (failed) {
    problem(failed, place);
    if (failed.status === 409) await reread(place);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

/** Somebody was faster: show the case as it is, and leave the sentence that says so. */
async function reread(place) {
  const kept = [...place.childNodes];
  await again();
  (place.isConnected ? place : document.getElementById("problem"))?.replaceChildren(...kept);
}

// --- presence -----------------------------------------------------------------------------------------------------------------

async function here() {
  const id = current();
  if (!id || document.visibilityState !== "visible") return;
  try {
    await call("POST", `/console/api/cases/${id}/presence`, { typing });
  } catch {
    // the strip tells
  }
}

function away(id) {
  call("POST", `/console/api/cases/${id}/presence`, { left: true }, { keepalive: true }).catch(() => {});
}

// --- keys ---------------------------------------------------------------------------------------------------------------------

const press = (selector) => {
  const found = document.querySelector(selector);
  found?.click();
  return Boolean(found);
};

const KEYS = {
  KeyJ: () => queue.neighbour(1)?.click(),
  KeyK: () => queue.neighbour(-1)?.click(),
  KeyC: () => press('[data-key="claim"]'),
  KeyR: () => press('[data-key="resolve"]'),
  KeyT: () => press('[data-key="transfer"]'),
  KeyL: () => press('[data-mode="reply"]') || document.querySelector("orienta-composer textarea")?.focus(),
  KeyP: () => press('[data-mode="note"]'),
};

function pressed(event) {
  if (document.body.dataset.keys === "off" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && KEYS[event.code]) {
    event.preventDefault();
    KEYS[event.code]();
  } else if (event.ctrlKey && !event.altKey && event.code === "KeyK") {
    event.preventDefault();
    palette.open();
  } else if (event.key === "?" && !event.target.closest("input, textarea, select")) {
    event.preventDefault();
    document.getElementById("keys").showModal();
  }
}

// --- all together -------------------------------------------------------------------------------------------------------------

function clicked(event) {
  const link = event.target.closest('a[href^="/console/cases/"]');
  if (link && !link.target && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    if (link.closest(".toast") && link.closest(".toast").id !== "toast-alarm") link.closest(".toast").remove();
    open(link.getAttribute("href"));
    return;
  }
  const opens = event.target.closest("[data-dialog]");
  if (opens) document.getElementById(opens.dataset.dialog).showModal();
  else if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  else if (event.target.closest("[data-palette]")) palette.open();
  else if (event.target.closest("#log-new")) bottom();
  else if (event.target.closest("#back")) {
    event.preventDefault();
    away(current());
    history.pushState({}, "", "/console/");
    leave();
  }
}

function leave() {
  work().replaceChildren();
  document.getElementById("desk").classList.remove("has-case");
  queue.mark("");
}

function start() {
  if (!document.getElementById("desk")) return;
  document.addEventListener("click", clicked);
  document.addEventListener("keydown", pressed);
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches(".acts form, dialog form")) return;
    event.preventDefault();
    step(event.target);
  });
  document.addEventListener("desk:work", (event) => show(event.detail.text, { again: true, toBottom: event.detail.bottom }));
  document.addEventListener("desk:palette", () => palette.open());
  document.addEventListener("desk:typing", (event) => {
    typing = event.detail;
    here();
    clearTimeout(start.still);
    start.still = setTimeout(() => (typing = null), 5000);
  });
  document.addEventListener("desk:news", (event) => {
    const news = event.detail;
    notices.hear(news);
    queue.refresh();
    if (news.all || news.cases.includes(current())) reading = setTimeout(again, 50);
  });
  document.addEventListener("desk:ended", () => problem({ status: 401 }));
  addEventListener("popstate", () => {
    if (location.pathname.startsWith("/console/cases/")) open(location.pathname, false);
    else leave();
  });
  addEventListener("pagehide", () => current() && away(current()));
  document.addEventListener("visibilitychange", here);
  setInterval(here, 10_000);
  for (const posts of document.querySelectorAll('[data-part="posts"]')) posts.append(document.getElementById("posts").content.cloneNode(true));
  queue.start();
  palette.start();
  notices.start();
  live.start();
  bottom();
  here();
}

start();

// What officers are told: neutral words, a tone after the first click, again and again for a case in danger until somebody acknowledges it.
import { call, paragraph, words } from "./net.js";
import { isLeader, tellOthers } from "./live.js";

const AGAIN = 8000;
const MUTE = 30 * 60_000;
let audio;
let mutedUntil = 0;
let alarms = [];
let ringing = 0;

addEventListener("pointerdown", unlock, { once: true });
addEventListener("keydown", unlock, { once: true });

function unlock() {
  audio ??= new AudioContext();
  audio.resume();
}

const silent = () => Date.now() < mutedUntil || document.body.dataset.sound === "off";

/** Two notes; three for danger. Another tab that may sound does it where this one may not. */
function tone(level, passed = false) {
  if (silent()) return;
  if (audio?.state !== "running") {
    if (!passed) tellOthers({ sound: level });
    return;
  }
  const notes = level === 1 ? [880, 660, 880] : [660, 880];
  notes.forEach((pitch, number) => {
    const from = audio.currentTime + number * 0.18;
    const voice = audio.createOscillator();
    const volume = audio.createGain();
    voice.frequency.value = pitch;
    volume.gain.setValueAtTime(0.0001, from);
    volume.gain.exponentialRampToValueAtTime(0.18, from + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, from + 0.17);
    voice.connect(volume).connect(audio.destination);
    voice.start(from);
    voice.stop(from + 0.18);
  });
}

const sentence = (notice) => (words()[`notice${notice.kind}`] ?? words().noticewaiting).replace("<number>", notice.number).replace("<level>", notice.level);

/** `acknowledge`: it stays until that was pressed; without it, it goes by itself. */
function toast(notice, acknowledge) {
  const id = `toast-${notice.id}`;
  document.getElementById(id)?.remove();
  const box = document.createElement("div");
  box.id = id;
  box.className = `toast l${notice.level}`;
  box.dataset.text = notice.text ?? "";
  const row = document.createElement("p");
  row.className = "row";
  const open = document.createElement("a");
  open.href = `/console/cases/${notice.first ?? notice.id}`;
  open.textContent = words().open;
  const heard = document.createElement("button");
  heard.className = "second small";
  heard.type = "button";
  heard.textContent = acknowledge ? words().acknowledge : words().dismiss;
  heard.addEventListener("click", () => {
    box.remove();
    acknowledge?.();
  });
  row.append(open, heard);
  box.append(paragraph(notice.text ?? sentence(notice)), row);
  document.getElementById("toasts").append(box);
  if (!acknowledge) setTimeout(() => box.remove(), 20_000);
}

function desktop(notice) {
  if (document.visibilityState === "visible" || !("Notification" in window) || Notification.permission !== "granted") return;
  new Notification(sentence(notice), { tag: notice.id, icon: "/static/icon.svg" });
}

function ring() {
  clearTimeout(ringing);
  ringing = 0;
  if (!alarms.length) return;
  if (isLeader()) tone(1);
  ringing = setTimeout(ring, AGAIN);
}

/** One box for all cases in danger that wait unheard: it stays, and the tone with it, until somebody acknowledges them. */
function alarm(found) {
  const box = document.getElementById("toast-alarm");
  if (!found.length) return box?.remove();
  const text = found.length === 1 ? sentence({ ...found[0], kind: "waiting" }) : words().alarms.replace("<n>", found.length);
  if (box?.dataset.text === text) return;
  toast({ id: "alarm", level: 1, text, first: found[0].id }, async () => {
    for (const { id } of found) await call("POST", `/console/api/cases/${id}/acknowledge`).catch(() => {});
  });
}

export function hear(news) {
  const wrote = news.wrote.filter((found) => found.id !== document.getElementById("talk")?.dataset.case);
  const known = new Set(alarms.map((found) => found.id));
  alarms = news.alarms;
  const loud = new Set(alarms.map((found) => found.id));
  const told = [...news.notices, ...wrote.map((found) => ({ ...found, kind: "wrote" }))];
  if (isLeader()) for (const notice of told) desktop(notice);
  const quiet = told.filter((notice) => !loud.has(notice.id));
  for (const notice of quiet) toast(notice);
  alarm(alarms);
  if (quiet.length && isLeader()) tone(Math.min(...quiet.map((notice) => notice.level || 3)));
  if (!alarms.length || !ringing || [...loud].some((id) => !known.has(id))) ring();
}

export function start() {
  document.addEventListener("desk:sound", (event) => tone(event.detail, true));
  const mute = document.getElementById("mute");
  const show = () => {
    const on = Date.now() < mutedUntil;
    mute.setAttribute("aria-pressed", String(on));
    mute.textContent = on ? words().muted.replace("<n>", Math.ceil((mutedUntil - Date.now()) / 60_000)) : words().mute;
  };
  mute?.addEventListener("click", () => {
    mutedUntil = Date.now() < mutedUntil ? 0 : Date.now() + MUTE;
    show();
  });
  if (mute) setInterval(show, 15_000);
  const allow = document.getElementById("allow");
  if (allow && "Notification" in window && Notification.permission === "default") {
    allow.hidden = false;
    allow.addEventListener("click", async () => {
      await Notification.requestPermission();
      allow.hidden = true;
    });
  }
}

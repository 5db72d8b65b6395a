// Times as text, in the officer's zone: "14:05", "espera 4 min · tarde". The server's words are there before this runs.
import { words } from "./net.js";

const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short" });

const span = (minutes) => {
  const w = words();
  if (minutes < 90) return w.minutes.replace("<n>", minutes);
  if (minutes < 2880) return w.hours.replace("<n>", Math.round(minutes / 6) / 10);
  return w.days.replace("<n>", Math.round(minutes / 144) / 10);
};

export function hhmm(date) {
  return clock.format(date);
}

function text(time, now) {
  const at = new Date(time.dateTime);
  const today = at.toDateString() === now.toDateString();
  const form = time.dataset.show;
  if (form === "wait") {
    const seconds = Math.max(0, (now - at) / 1000);
    const state = seconds >= +time.dataset.late ? "late" : seconds >= +time.dataset.soon ? "soon" : "";
    time.classList.toggle("late", state === "late");
    time.classList.toggle("soon", state === "soon");
    const waits = words().waits.replace("<span>", span(Math.floor(seconds / 60)));
    return state ? `${waits} · ${words()[state]}` : waits;
  }
  if (form === "until") return at <= now ? words().closed : words().until.replace("<until>", clock.format(at));
  if (form === "day") return day.format(at);
  return today ? clock.format(at) : `${day.format(at)} ${clock.format(at)}`;
}

export function tell(root = document) {
  const now = new Date();
  for (const time of root.querySelectorAll("time[data-show]")) {
    const fresh = text(time, now);
    if (time.textContent !== fresh) time.textContent = fresh;
  }
}

setInterval(tell, 5000);
tell();

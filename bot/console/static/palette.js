// Prepared replies and the assistant's answers: type to find, arrows to choose, Enter to put it into the text box.
import { call, problem } from "./net.js";

const dialog = () => document.getElementById("palette");
const find = () => document.getElementById("palette-text");
const panel = () => dialog().querySelector('[role="tabpanel"]:not([hidden])');
const shown = () => [...(panel()?.querySelectorAll(".choice") ?? [])].filter((choice) => !choice.parentElement.hidden);
const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

export async function open() {
  const composer = document.querySelector("orienta-composer");
  if (!composer?.canReply || dialog().open) return;
  try {
    const answer = await call("GET", `/console/cases/${composer.dataset.case}/palette`);
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.getElementById("palette-list").replaceChildren(...parsed.body.childNodes);
  } catch (failed) {
    return problem(failed);
  }
  find().value = "";
  dialog().showModal();
  find().focus();
}

function filter() {
  const wanted = plain(find().value).split(/\s+/).filter(Boolean);
  for (const choice of dialog().querySelectorAll(".choice")) {
    const text = plain(choice.textContent);
    choice.parentElement.hidden = !wanted.every((word) => text.includes(word));
  }
}

function take(choice) {
  dialog().close();
  document.querySelector("orienta-composer")?.insert(choice.dataset.text);
}

function tab(chosen) {
  for (const other of dialog().querySelectorAll('[role="tab"]')) {
    const on = other === chosen;
    other.setAttribute("aria-selected", String(on));
    other.tabIndex = on ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !on;
  }
}

export function start() {
  if (!dialog()) return;
  find().addEventListener("input", filter);
  dialog().addEventListener("click", (event) => {
    const choice = event.target.closest(".choice");
    const chosen = event.target.closest('[role="tab"]');
    if (choice) take(choice);
    else if (chosen) tab(chosen);
  });
  dialog().addEventListener("keydown", (event) => {
    const choices = shown();
    const at = choices.indexOf(document.activeElement);
    if (event.code === "ArrowDown" || event.code === "ArrowUp") {
      event.preventDefault();
      const next = at + (event.code === "ArrowDown" ? 1 : -1);
      (next < 0 ? find() : choices[Math.min(next, choices.length - 1)])?.focus();
    } else if (event.code === "Enter" && document.activeElement === find() && choices[0]) {
      event.preventDefault();
      take(choices[0]);
    } else if ((event.code === "ArrowLeft" || event.code === "ArrowRight") && event.target.role === "tab") {
      const other = dialog().querySelector('[role="tab"][aria-selected="false"]');
      tab(other);
      other.focus();
    }
  });
}

// Where officers write. What is typed is on the server half a second after the last key, and in no storage of the browser.
import { call, Failed, problem, say, words } from "./net.js";
import { hhmm } from "./timers.js";

const GAP = /⟦[^⟧\n]{0,60}⟧/;
const unsaved = new Map(); // what a text box had that left the page before it was saved: the next one of that case takes it

class Composer extends HTMLElement {
  connectedCallback() {
    // htmx puts an empty element in first and fills it at once
    if (!this.querySelector("form")) return queueMicrotask(() => this.isConnected && this.querySelector("form") && this.connectedCallback());
    if (this.form) return;
    this.form = this.querySelector("form");
    this.box = this.querySelector("textarea");
    this.drafts = { reply: this.part("draft-reply").dataset.text, note: this.part("draft-note").dataset.text };
    for (const kind of ["reply", "note"]) if (unsaved.has(this.key(kind))) this.drafts[kind] = unsaved.get(this.key(kind));
    this.canReply = Boolean(this.querySelector('[data-mode="reply"]'));
    this.switch(this.canReply && !(this.drafts.note && !this.drafts.reply) ? "reply" : "note");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.pressed(event));
    for (const button of this.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => {
        this.switch(button.dataset.mode);
        this.box.focus();
      });
    }
    this.part("undo-do").addEventListener("click", () => this.undo());
    this.leaving = () => this.leave();
    addEventListener("pagehide", this.leaving);
    if (unsaved.has(this.key(this.mode))) this.later();
  }

  disconnectedCallback() {
    removeEventListener("pagehide", this.leaving);
    if (this.pending) this.send();
    else if (unsaved.has(this.key(this.mode))) this.save();
  }

  part(name) {
    return this.querySelector(`[data-part="${name}"]`);
  }

  key(kind) {
    return `${this.dataset.case}/${kind}`;
  }

  /** Reply or note: another colour, another label, another button, and the text that belongs to it. */
  switch(mode) {
    if (this.pending) return;
    if (this.mode) {
      this.drafts[this.mode] = this.box.value;
      if (unsaved.has(this.key(this.mode))) this.save();
    }
    this.mode = mode;
    this.classList.toggle("noting", mode === "note");
    for (const button of this.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.box.value = this.drafts[mode];
    this.box.placeholder = this.box.dataset[mode];
    this.querySelector("label").textContent = this.box.dataset[mode === "reply" ? "labelReply" : "labelNote"];
    this.part("send").textContent = this.part("send").dataset[mode];
    const palette = this.querySelector("[data-palette]");
    if (palette) palette.hidden = mode === "note";
    this.part("saved").textContent = this.box.value ? words().kept : "";
    this.count();
  }

  count() {
    const left = (this.mode === "note" ? 10_000 : +this.dataset.longest) - this.box.value.length;
    const place = this.part("left");
    place.textContent = left < 300 ? words().left.replace("<n>", left) : "";
    place.classList.toggle("over", left < 0);
    return left;
  }

  typed() {
    this.count();
    say("");
    unsaved.set(this.key(this.mode), this.box.value);
    this.part("saved").textContent = "";
    this.later();
    if (!this.told || Date.now() - this.told > 3000) {
      this.told = Date.now();
      this.dispatchEvent(new CustomEvent("desk:typing", { bubbles: true, detail: this.mode }));
    }
  }

  later(milliseconds = 500) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), milliseconds);
  }

  async save() {
    clearTimeout(this.timer);
    const kind = this.mode;
    const text = this.box.value;
    if (this.count() < -5_000) return this.lost(new Failed(413));
    try {
      await call("PUT", `/console/api/cases/${this.dataset.case}/draft`, { kind, text }, { keepalive: text.length < 20_000 });
      if (unsaved.get(this.key(kind)) === text) unsaved.delete(this.key(kind));
      if (this.mode === kind && this.box.value === text) this.part("saved").textContent = text ? words().saved.replace("<time>", hhmm(new Date())) : "";
    } catch (failed) {
      this.lost(failed);
    }
  }

  /** It is not on the server: say so, and go on trying where trying helps. */
  lost(failed) {
    this.part("saved").textContent = failed.status === 413 ? words().toolong : words().unsaved;
    if (failed.status === 410 || failed.status === 401 || failed.status === 403) problem(failed);
    else if (failed.status !== 413 && this.isConnected) this.later(3000);
  }

  insert(text) {
    if (this.mode !== "reply") this.switch("reply");
    const { selectionStart: from, selectionEnd: to, value } = this.box;
    this.box.value = value.slice(0, from) + text + value.slice(to);
    this.box.focus();
    if (!this.selectGap()) this.box.setSelectionRange(from + text.length, from + text.length);
    this.typed();
  }

  selectGap() {
    const gap = GAP.exec(this.box.value);
    if (gap) this.box.setSelectionRange(gap.index, gap.index + gap[0].length);
    return gap;
  }

  pressed(event) {
    if (event.code === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "/" && !this.box.value && this.mode === "reply") {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("desk:palette", { bubbles: true }));
    }
  }

  submit() {
    if (this.pending || this.sending) return;
    if (!this.box.value.trim()) return this.box.focus();
    if (this.count() < 0) return say(words().toolong);
    if (this.mode === "reply" && this.selectGap()) {
      this.box.focus();
      this.selectGap();
      return say(words().gap);
    }
    const seconds = this.mode === "reply" ? +this.dataset.undo : 0;
    if (!seconds) return void this.send();
    this.box.readOnly = true;
    this.pending = setTimeout(() => this.send(), seconds * 1000);
    this.part("undo").hidden = false;
    this.part("undo-text").textContent = words().sends.replace("<n>", seconds);
    this.part("undo-do").focus();
  }

  undo() {
    clearTimeout(this.pending);
    this.settle();
    this.box.focus();
  }

  settle() {
    this.pending = 0;
    this.box.readOnly = false;
    this.part("undo").hidden = true;
  }

  /** The page goes while a message waits for its undo: it was meant to be sent. */
  leave() {
    if (this.pending) {
      clearTimeout(this.pending);
      this.pending = 0;
      this.send(true);
    } else if (unsaved.has(this.key(this.mode))) this.save();
  }

  async send(leaving = false) {
    clearTimeout(this.pending);
    clearTimeout(this.timer);
    const focused = this.contains(document.activeElement);
    this.settle();
    const kind = this.mode;
    const text = this.box.value;
    const form = new FormData();
    form.set("text", text);
    this.sending = true;
    this.part("send").disabled = true;
    try {
      const answer = await call("POST", `/console/cases/${this.dataset.case}/${kind}`, form, { keepalive: leaving });
      unsaved.delete(this.key(kind));
      if (this.box.value === text) this.box.value = "";
      this.drafts[kind] = "";
      this.part("saved").textContent = "";
      this.count();
      say("");
      if (this.isConnected) {
        this.dispatchEvent(new CustomEvent("desk:work", { bubbles: true, detail: { text: await answer.text(), bottom: true } }));
        if (focused) this.box.focus();
      }
    } catch (failed) {
      problem(failed);
      unsaved.set(this.key(kind), text);
      this.part("saved").textContent = words().notsent;
      if (focused) this.box.focus();
    } finally {
      this.sending = false;
      this.part("send").disabled = false;
    }
  }
}

customElements.define("orienta-composer", Composer);

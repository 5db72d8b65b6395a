// What every page of the console has: the CSRF header of htmx's requests, times in the officer's zone, the session's end, copying.

const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

/** A request to the console from a script; the answer as `fetch` gives it. */
export function ask(address, options = {}) {
  const headers = { Accept: "application/json", "X-CSRF": csrf(), ...options.headers };
  return fetch(address, { ...options, headers, cache: "no-store" });
}

document.addEventListener("htmx:config:request", (event) => {
  event.detail.ctx.request.headers["X-CSRF"] = csrf();
});

// --- times: the server sends UTC ---

const language = document.documentElement.lang;
const forms = {
  time: new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
  day: new Intl.DateTimeFormat(language, { day: "numeric", month: "short" }),
  both: new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
};

/** Writes every `<time datetime data-form="time|day|both">` below `root` in the officer's zone. */
export function localise(root) {
  for (const element of root.querySelectorAll("time[datetime][data-form]")) {
    const at = new Date(element.dateTime);
    if (!Number.isNaN(at.valueOf())) element.textContent = forms[element.dataset.form].format(at);
  }
}

localise(document);
document.addEventListener("htmx:after:swap", () => localise(document));

// --- the session's end is told in time, and any key extends it ---

const WARN_SECONDS = 150;

class ConsoleSession extends HTMLElement {
  connectedCallback() {
    this.reckon(Number(this.dataset.left), Number(this.dataset.ends));
    this.extend = this.extend.bind(this);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  /** Wait until the warning is due; `left` and `ends` in seconds from now. */
  reckon(left, ends) {
    clearTimeout(this.timer);
    this.last = ends <= left + 1;
    this.until = Date.now() + left * 1000;
    const wait = left - WARN_SECONDS;
    if (wait > 0) {
      this.replaceChildren();
      document.removeEventListener("keydown", this.extend);
      this.timer = setTimeout(() => this.look(), Math.min(wait, 600) * 1000);
    } else if (left > 0) {
      this.warn(left);
      this.timer = setTimeout(() => this.look(), Math.min(left + 1, 30) * 1000);
    } else {
      this.over();
    }
  }

  /** Another tab, or a request of this page, may have kept the session alive. */
  async look() {
    try {
      const answer = await ask("/console/session");
      if (answer.status === 401) return this.over();
      if (answer.ok) {
        const { left, ends } = await answer.json();
        return this.reckon(left, ends);
      }
    } catch {
      // no line: the strip of the lost connection says so
    }
    this.timer = setTimeout(() => this.look(), 15000);
  }

  warn(left) {
    if (this.firstElementChild?.dataset.state === "warn") return;
    const minutes = String(Math.max(1, Math.ceil(left / 60)));
    const words = (this.last ? this.dataset.last : this.dataset.soon).replace("<minutes>", minutes);
    const strip = this.strip("warn", words);
    if (!this.last) {
      const stay = document.createElement("button");
      stay.type = "button";
      stay.className = "second small";
      stay.textContent = this.dataset.stay;
      stay.addEventListener("click", this.extend);
      strip.append(" ", stay);
      document.addEventListener("keydown", this.extend);
    }
  }

  async extend() {
    document.removeEventListener("keydown", this.extend);
    try {
      const answer = await ask("/console/session", { method: "POST" });
      if (answer.ok) {
        const { left, ends } = await answer.json();
        return this.reckon(left, ends);
      }
    } catch {
      // asked again below
    }
    this.look();
  }

  over() {
    document.removeEventListener("keydown", this.extend);
    const strip = this.strip("danger", this.dataset.over);
    const again = document.createElement("a");
    again.href = `/console/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
    again.textContent = this.dataset.again;
    strip.append(" ", again);
  }

  strip(kind, words) {
    const strip = document.createElement("p");
    strip.className = `strip ${kind}`;
    strip.dataset.state = kind;
    strip.setAttribute("role", "alert");
    strip.append(words);
    this.replaceChildren(strip);
    return strip;
  }
}

customElements.define("console-session", ConsoleSession);

// --- one click copies a link or a list of codes; without a clipboard it is selected ---

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source.value ?? [...source.children].map((child) => child.textContent.trim()).join("\n");
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.copied;
  } catch {
    source.select?.();
  }
});

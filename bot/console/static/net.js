// Requests of the desk. A fragment comes back whatever the status; what is refused is shown where problems stand and nothing typed is touched.
const csrf = () => document.querySelector('meta[name="csrf"]')?.content ?? "";

export const words = () => document.getElementById("words")?.dataset ?? {};

export class Failed extends Error {
  constructor(status, html = "") {
    super(String(status));
    this.status = status;
    this.html = html;
  }
}

export async function call(method, url, body, options = {}) {
  const headers = { "HX-Request": "true", "X-CSRF": csrf(), Accept: "text/html" };
  if (body instanceof FormData) body = new URLSearchParams(body);
  else if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers.Accept = "application/json";
    body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(url, { method, headers, body, ...options });
  } catch {
    throw new Failed(0);
  }
  if (answer.redirected) throw new Failed(401);
  if (!answer.ok) throw new Failed(answer.status, answer.headers.get("Content-Type")?.includes("html") ? await answer.text() : "");
  return answer;
}

/** Show why something did not work; `place` is the dialog's own where one is open. */
export function problem(failed, place = document.getElementById("problem")) {
  if (!place) return;
  if (failed.status === 401) {
    const back = document.createElement("a");
    back.href = location.href;
    back.textContent = words().signin;
    place.replaceChildren(paragraph(words().ended), back);
  } else if (failed.html) {
    const parsed = new DOMParser().parseFromString(failed.html, "text/html");
    place.replaceChildren(...parsed.body.childNodes);
  } else place.replaceChildren(paragraph(failed.status === 0 ? words().offline : words().failed));
}

export function say(text, place = document.getElementById("problem")) {
  place?.replaceChildren(...(text ? [paragraph(text)] : []));
}

export function paragraph(text) {
  const p = document.createElement("p");
  p.textContent = text;
  return p;
}

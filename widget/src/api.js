/** @import { Message } from './types.js' */

/** The server answered, and not with what was asked for. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} sentence For people.
   * @param {number} after Seconds to wait before the next try.
   */
  constructor(status, code, sentence, after) {
    super(code);
    this.status = status;
    this.code = code;
    this.sentence = sentence;
    this.after = after;
  }
}

/** Silence of this length on a stream that says something every 15 s means that its bytes do not get through. */
const SILENCE = 30_000;
const POLL = 25;

/**
 * Calls the chat API. Network failures reject with whatever fetch throws, other statuses with Refused.
 *
 * @param {string} base
 * @param {string} token
 * @param {string} path
 * @param {RequestInit & {json?: unknown, seconds?: number}} [options]
 */
export async function call(base, token, path, { json, seconds = 20, headers, body, signal, ...options } = {}) {
  const aborter = new AbortController();
  const stop = () => aborter.abort();
  const timer = setTimeout(stop, seconds * 1000);
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  try {
    const response = await fetch(`${base}api/chat/${path}`, {
      ...options,
      ...plain,
      headers: { ...(token && bearer(token)), ...(json !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      body: json === undefined ? body : JSON.stringify(json),
      signal: aborter.signal,
    });
    const told = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (response.ok) return told;
    throw new Refused(response.status, told?.error?.code ?? '', told?.error?.message ?? '', Number(response.headers.get('Retry-After')) || 0);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  }
}

/** @param {string} token */
export const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** @type {RequestInit} No cookies, no cache, no referrer. */
export const plain = { credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer' };

/**
 * @param {string} base
 * @param {string} token
 * @param {string} cursor
 * @param {boolean} wait Until there is news, for at most POLL seconds.
 * @param {AbortSignal} [signal]
 * @returns {Promise<{messages: Message[], cursor: string}>}
 */
export const poll = (base, token, cursor, wait, signal) =>
  call(base, token, `messages?after=${encodeURIComponent(cursor)}${wait ? `&wait=${POLL}` : ''}`, { signal, seconds: POLL + 15 });

/** Nothing came over the stream for SILENCE. */
export class Silent extends Error {}

/**
 * Reads server-sent events until the stream ends. EventSource cannot send a token in a header, fetch can.
 *
 * @param {string} base
 * @param {string} token
 * @param {string} cursor
 * @param {AbortController} aborter
 * @param {(event: string, data: any, cursor: string) => void} on event "" is a sign of life.
 */
export async function stream(base, token, cursor, aborter, on) {
  let silent = false;
  let timer = 0;
  const alive = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      silent = true;
      aborter.abort();
    }, SILENCE);
  };
  alive();
  try {
    const response = await fetch(`${base}api/chat/stream`, {
      ...plain,
      headers: { ...bearer(token), Accept: 'text/event-stream', ...(cursor && { 'Last-Event-ID': cursor }) },
      signal: aborter.signal,
    });
    if (!response.ok) throw new Refused(response.status, '', '', Number(response.headers.get('Retry-After')) || 0);
    if (!response.body) throw new Silent();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      on('', null, '');
      const blocks = (rest + decoder.decode(value, { stream: true })).replace(/\r\n?/g, '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        let [event, id, data] = ['message', '', ''];
        for (const line of block.split('\n')) {
          const [, field, content] = line.match(/^(\w+): ?(.*)$/) ?? [];
          if (field === 'event') event = content;
          if (field === 'id') id = content;
          if (field === 'data') data += content;
        }
        if (data) on(event, JSON.parse(data), id);
      }
    }
  } catch (error) {
    throw silent ? new Silent() : error;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A file that an officer sent, as a data: address: the token goes in a header, which a link cannot have, and strict policies refuse blobs.
 *
 * @param {string} base
 * @param {string} token
 * @param {string} id
 * @returns {Promise<string>}
 */
export async function download(base, token, id) {
  const response = await fetch(`${base}api/chat/files/${encodeURIComponent(id)}`, { ...plain, headers: bearer(token) });
  if (!response.ok) throw new Refused(response.status, '', '', 0);
  const content = await response.blob();
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(String(reader.result));
    reader.onerror = failed;
    reader.readAsDataURL(content);
  });
}

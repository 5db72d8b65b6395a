/** @import { Config, Ending, Line, Message, Progress, Waiting } from './types.js' */
import { Refused, Silent, bearer, call, plain, poll, stream } from './api.js';
import { forgetAll, forgetConversation, save, state } from './store.js';

/** Answers of the server, one after the other, that make a message "failed" while the line is up. */
const TRIES = 6;
/** Milliseconds after an acknowledged message in which a working stream has shown it. */
const ECHO = 3000;

/**
 * What the client tells: `message` a new one (silent: restored, not news), `progress` of an own one, `typing`, `line`,
 * `over` when the conversation ended and the screen must be emptied.
 *
 * @typedef {object} Listener
 * @property {(message: Message, silent: boolean) => void} message
 * @property {(id: string, progress: Progress, why?: string) => void} progress
 * @property {(on: boolean) => void} typing
 * @property {(line: Line) => void} line
 * @property {(why: Ending | "") => void} over
 */

/** The conversation without a screen: queue, stream, session. Order and cursor are the server's; the clock decides nothing. */
export class Client {
  /**
   * @param {Config} config
   * @param {Listener} listener
   */
  constructor(config, listener) {
    this.config = config;
    this.tell = listener;
    /** @type {Set<string>} ids of messages that the server has shown */
    this.shown = new Set();
    /** @type {Line} */
    this.state = 'ok';
    this.cursor = '';
    this.polling = false;
    this.pumping = false;
    this.listening = false;
    /** Grows whenever all that is under way belongs to a conversation that is over. */
    this.era = 0;
    /** Ends the stream or poll at hand; the loop begins another at once. */
    this.aborter = new AbortController();
    /** Ends what is being sent. */
    this.sending = new AbortController();
    /** When the stream last said anything. */
    this.heard = 0;
    /** @type {Map<string, File>} Files on their way, by the message's id: no storage keeps them. */
    this.files = new Map();
    /** @type {Set<() => void>} */
    this.sleepers = new Set();
    /** Conversations, one after the other, that ended without having taken a message. */
    this.renewals = 0;
  }

  /** Takes up what an earlier page of this tab left. */
  start() {
    addEventListener('online', () => {
      this.polling = false; // another network, perhaps one that lets a stream through
      this.wake(true);
    });
    addEventListener('offline', () => state.token && this.line('offline'));
    document.addEventListener('visibilitychange', () => document.hidden || this.wake(Date.now() - this.heard > 20_000));
    if (state.erasing) return void this.erase();
    state.queue = state.queue.filter((item) => item.file !== ''); // its file was in the memory of the page that is gone
    for (const item of state.queue) this.showOwn(item, item.failed === undefined ? 'waiting' : 'failed');
    if (state.token) this.listen(true);
    this.pump();
  }

  /** @param {Line} line */
  line(line) {
    if (line !== this.state) this.tell.line((this.state = line));
    if (line !== 'ok') this.tell.typing(false);
  }

  /** @param {unknown} error */
  lost(error) {
    this.line(error instanceof Refused ? 'down' : navigator.onLine === false ? 'offline' : 'down');
  }

  /** @param {boolean} [anew] Whether the line at hand may be dead: let go of it. */
  wake(anew) {
    if (anew) this.aborter.abort();
    for (const sleeper of [...this.sleepers]) sleeper();
  }

  /**
   * Back-off from 1 to 30 s with full jitter; ends at once when the line is back.
   *
   * @param {number} attempt From 0.
   * @param {number} [atLeast] Seconds that the server asked for: nothing cuts them short.
   */
  async pause(attempt, atLeast = 0) {
    if (atLeast) await new Promise((done) => setTimeout(done, atLeast * 1000));
    await new Promise((/** @type {(value?: undefined) => void} */ done) => {
      const end = () => {
        clearTimeout(timer);
        this.sleepers.delete(end);
        done();
      };
      const timer = setTimeout(end, Math.random() * Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)));
      this.sleepers.add(end);
    });
  }

  // --- what the person says

  /**
   * @param {string} text
   * @param {string} [payload]
   */
  send(text, payload) {
    /** @type {Waiting} */
    const item = { id: uuid(), text, payload, tries: 0 };
    state.queue.push(item);
    save();
    this.showOwn(item, this.state === 'ok' ? 'sending' : 'waiting');
    this.pump();
  }

  /**
   * @param {File} file
   * @param {string} text What it is called on the screen.
   */
  sendFile(file, text) {
    const item = { id: uuid(), text, file: '', tries: 0 };
    this.files.set(item.id, file);
    state.queue.push(item);
    this.showOwn(item, this.state === 'ok' ? 'sending' : 'waiting');
    this.pump();
  }

  /**
   * Uploads what an item carries; its message can then be sent, and outlives the page.
   *
   * @param {Waiting} item
   * @param {AbortSignal} signal
   */
  async upload(item, signal) {
    const body = new FormData();
    body.append('file', /** @type {File} */ (this.files.get(item.id)), 'file'); // its name is nobody's business
    item.file = (await call(this.config.base, state.token, 'files', { method: 'POST', body, seconds: 300, signal })).file;
    this.files.delete(item.id);
    save();
  }

  /** @param {string} id */
  retry(id) {
    const item = state.queue.find((one) => one.id === id);
    if (!item) return;
    this.drop(item);
    delete item.failed;
    state.queue.push({ ...item, tries: 0 });
    save();
    this.tell.progress(id, 'sending');
    this.pump();
  }

  /**
   * @param {Waiting} item
   * @param {Progress} progress
   */
  showOwn(item, progress) {
    this.tell.message({ id: item.id, author: 'user', text: item.text }, true);
    this.tell.progress(item.id, progress, item.failed);
  }

  /** @returns {Waiting | undefined} What is to be sent now. */
  next() {
    return state.queue.find((one) => one.failed === undefined);
  }

  /** Sends what waits, in order; an item leaves the queue when it is acknowledged, or refused for good. */
  async pump() {
    if (this.pumping || state.erasing) return;
    this.pumping = true;
    const era = this.era;
    const { signal } = (this.sending = new AbortController());
    let attempt = 0;
    for (let item = this.next(); item && era === this.era; item = this.next()) {
      try {
        if (!state.token) {
          const json = { language: state.lang || this.config.lang };
          const session = await call(this.config.base, '', 'sessions', { method: 'POST', json, signal });
          if (era !== this.era) break;
          state.token = session.token;
          save();
          this.listen(false);
        }
        if (item.file === '') await this.upload(item, signal);
        if (era !== this.era) break;
        const { id, text, payload, file } = item;
        const json = payload ? { id, payload } : file ? { id, file } : { id, text };
        await call(this.config.base, state.token, 'messages', { method: 'POST', json, signal });
        if (era !== this.era) break;
        attempt = this.renewals = 0;
        this.drop(item);
        this.line('ok');
        this.tell.progress(id, 'sent');
        setTimeout(() => era === this.era && !this.shown.has(id) && this.catchUp(), ECHO);
      } catch (error) {
        if (era !== this.era) break;
        const refused = error instanceof Refused ? error : undefined;
        if (refused?.status === 401) {
          this.over();
          // `over` began a new era; what the person wrote goes into the next conversation.
          await this.pause(this.renewals++);
          break;
        }
        item.tries++;
        if (refused?.code === 'unknown_button') {
          delete item.payload;
        } else if (refused && refused.status !== 429 && (refused.status < 500 || item.tries >= TRIES)) {
          item.failed = refused.status < 500 ? refused.sentence : '';
          this.tell.progress(item.id, 'failed', item.failed);
        } else {
          if (refused?.status !== 429) this.lost(error);
          for (const one of state.queue) if (one.failed === undefined) this.tell.progress(one.id, 'waiting');
          await this.pause(attempt++, refused?.after);
        }
        save();
      }
    }
    this.pumping = false;
    if (era !== this.era) this.pump();
  }

  /** @param {Waiting} item */
  drop(item) {
    state.queue = state.queue.filter((one) => one !== item);
    save();
  }

  // --- what comes back

  /** @param {boolean} restored The conversation is older than this page: what it holds already is no news. */
  async listen(restored) {
    if (this.listening) return;
    this.listening = true;
    const era = this.era;
    for (let attempt = 0; state.token && era === this.era; ) {
      this.aborter = new AbortController();
      try {
        if (restored || this.polling) {
          await this.poll(!restored, restored);
          restored = false;
          attempt = 0;
        } else {
          const began = Date.now();
          await this.stream(era);
          // It ended in good order: a restart, the end of the session, or something on the way that cuts streams short.
          attempt = Date.now() - began < 5000 ? attempt + 1 : 0;
          if (attempt > 3) this.polling = true;
          await this.pause(attempt);
        }
      } catch (error) {
        if (era !== this.era) break;
        if (error instanceof Refused && error.status === 401) {
          this.over();
          break;
        }
        this.tell.typing(false);
        if (error instanceof Silent) this.polling = true;
        if (this.aborter.signal.aborted) continue;
        this.lost(error);
        await this.pause(attempt++, error instanceof Refused ? error.after : 0);
      }
    }
    if (era === this.era) this.listening = false;
  }

  /** @param {number} era */
  async stream(era) {
    await stream(this.config.base, state.token, this.cursor, this.aborter, (event, data, cursor) => {
      if (era !== this.era) return;
      this.heard = Date.now();
      this.line('ok');
      if (event === 'typing') this.tell.typing(data.on);
      if (event !== 'message') return;
      this.cursor = cursor || this.cursor;
      this.take(data, false);
    });
    if (era === this.era) this.tell.typing(false);
  }

  /**
   * @param {boolean} wait
   * @param {boolean} silent
   * @returns {Promise<boolean>} Whether there was news.
   */
  async poll(wait, silent) {
    const era = this.era;
    const { messages, cursor } = await poll(this.config.base, state.token, this.cursor, wait, wait ? this.aborter.signal : undefined);
    if (era !== this.era) return false;
    this.line('ok');
    this.cursor = cursor;
    return messages.filter((message) => this.take(message, silent)).length > 0;
  }

  /** The stream did not show what the server has acknowledged: something on the way holds its bytes back. Look, and poll from now on. */
  async catchUp() {
    try {
      if (!this.polling && (await this.poll(false, false))) {
        this.polling = true;
        this.aborter.abort();
      }
    } catch {
      // the stream's own loop deals with it
    }
  }

  /**
   * @param {Message} message
   * @param {boolean} silent
   * @returns {boolean} Whether it was new.
   */
  take(message, silent) {
    if (this.shown.has(message.id)) return false;
    this.shown.add(message.id);
    if (message.author === 'user') {
      const waiting = state.queue.find((one) => one.id === message.id);
      if (waiting) this.drop(waiting); // stored, although its 202 was lost
    } else {
      this.tell.typing(false);
      if (message.level === 1) state.urgent = true;
      state.asked = message.topic === 'delete_data';
      save();
    }
    this.tell.message(message, silent);
    return true;
  }

  // --- endings

  /** The server no longer knows the session. */
  over() {
    const asked = state.asked || state.erasing;
    // What was on its way when the person had everything erased ("sí") is not said again into a new conversation.
    const left = state.queue.filter((one) => one.failed === undefined && one.file === undefined && (!asked || !one.tries)).map(({ id, text }) => ({ id, text, tries: 0 }));
    this.renew(asked ? 'erased' : 'ended', left);
  }

  /**
   * Ends the conversation; what is left to say opens the next one.
   *
   * @param {Ending} why
   * @param {Waiting[]} left
   */
  renew(why, left) {
    this.reset(why);
    state.queue = left;
    save();
    for (const item of left) this.showOwn(item, 'waiting');
    this.pump();
  }

  /** @param {Ending | ""} why */
  reset(why) {
    this.era++;
    this.wake(true);
    this.sending.abort();
    this.shown.clear();
    this.files.clear();
    this.cursor = '';
    this.listening = false;
    this.line('ok');
    this.tell.typing(false);
    forgetConversation();
    this.tell.over(why);
  }

  /** Erases the conversation everywhere; goes on until the server has said that it is done. */
  async erase() {
    const { token } = state;
    this.reset(token ? 'erasing' : 'erased');
    if (!token) return;
    Object.assign(state, { token, erasing: true });
    save();
    for (let attempt = 0; state.erasing; ) {
      try {
        await call(this.config.base, token, 'session', { method: 'DELETE' });
        break;
      } catch (error) {
        if (error instanceof Refused && error.status === 401) break;
        this.lost(error);
        await this.pause(attempt++, error instanceof Refused ? error.after : 0);
      }
    }
    if (state.erasing) this.renew('erased', state.queue);
  }

  /** Quick exit, the part that is said to the server and the storage: nothing here waits. */
  leave() {
    const { token } = state;
    if (token) {
      fetch(`${this.config.base}api/chat/exit`, { ...plain, method: 'POST', headers: bearer(token), keepalive: true }).catch(() => {});
    }
    forgetAll();
    this.reset('');
    forgetAll();
  }
}

/** crypto.randomUUID is not there on plain http. */
function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16));
  b[6] = (b[6] & 15) | 64;
  b[8] = (b[8] & 63) | 128;
  const hex = [...b].map((n) => n.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** @import { Message, Progress } from './types.js' */
/** @import { Widget } from './widget.js' */
import { download } from './api.js';
import { el, icon, kilobytes, link, linked } from './dom.js';
import { save, state } from './store.js';
import { pieces } from './text.js';
import { hush, onVoices, read, voiceFor } from './voice.js';

/** Milliseconds that spoken words stay for a screen reader to come to them. */
const SPOKEN = 12_000;
const MARK = /** @type {const} */ ({ sending: 'clock', waiting: 'clock', sent: 'check', failed: 'alert' });

/**
 * @typedef {object} Entry
 * @property {Message} message
 * @property {HTMLLIElement} item
 * @property {HTMLElement} meta Time and state.
 * @property {boolean} placed Whether the server has shown it; if not, it stands at the end.
 * @property {Progress | ""} progress
 * @property {string} why
 */

/** The list of messages: what stands in it, where it is scrolled to, what is spoken. */
export class Log {
  /** @param {Widget} widget */
  constructor(widget) {
    this.widget = widget;
    /** @type {Map<string, Entry>} */
    this.entries = new Map();
    this.following = true;
    this.lastTop = 0;
    /** @type {HTMLElement | undefined} The first message of the answer at hand. */
    this.anchor = undefined;
    this.answered = '';
    /** @type {HTMLElement | undefined} The first message that came while the person was reading further up. */
    this.news = undefined;
    this.introduction = el('div', { class: 'intro' });
    this.list = el('ol');
    this.dots = el('div', { class: 'dots', hidden: true }, el('i'), el('i'), el('i'), widget.words('span', 'typing', { class: 'sr' }));
    this.scroller = widget.named(
      el('div', { class: 'log', role: 'log', 'aria-live': 'off', tabindex: 0, scroll: () => this.onScroll() }, this.introduction, this.list, this.dots),
      'aria-label',
      'log',
    );
    this.pill = widget.words('button', 'news', { type: 'button', class: 'pill', hidden: true, click: () => this.toNews() });
    this.element = el('div', { class: 'view' }, this.scroller, this.pill);
    /** The one place from which answers are read aloud. */
    this.voice = el('div', { class: 'sr', 'aria-live': 'polite' });
    onVoices(() => this.entries.forEach((entry) => this.offerReading(entry)));
    new ResizeObserver(() => this.following && this.settle()).observe(this.scroller);
  }

  /** @param {Node[]} parts */
  setIntro(...parts) {
    this.introduction.replaceChildren(...parts);
  }

  /**
   * @param {Message} message
   * @param {boolean} unspoken
   * @param {boolean} restored
   */
  add(message, unspoken, restored) {
    const own = message.author === 'user';
    const known = this.entries.get(message.id);
    if (known) {
      // The server shows an own message: it takes its place before those that still wait.
      if (message.file) /** @type {HTMLElement} */ (known.item.children[1]).textContent = this.nameOf(message.file);
      Object.assign(known, { message, placed: true, progress: 'sent' });
      this.place(known.item);
      this.describe(known);
      return;
    }
    const entry = this.make(message);
    entry.placed = !own || !!message.at;
    if (entry.placed && own) entry.progress = 'sent';
    if (!own && message.buttons?.length) this.dropButtons();
    if (message.author === 'bot') this.hideTimeBefore(entry);
    this.entries.set(message.id, entry);
    this.introduction.hidden = true;
    if (entry.placed) this.place(entry.item);
    else this.list.append(entry.item);
    this.describe(entry);
    if (!own && !unspoken) this.speak(message);
    if (!own && !restored) this.show(entry);
    else if (this.following) this.settle();
  }

  /** @param {HTMLLIElement} item */
  place(item) {
    const waiting = [...this.entries.values()].find((entry) => !entry.placed && entry.item !== item);
    this.list.insertBefore(item, waiting?.item ?? null);
  }

  /** @param {Message} message */
  make(message) {
    const { author, location, buttons, level, image, file } = message;
    const own = author === 'user';
    const bubble = el('div', { class: 'bubble' });
    const text = message.text || (file ? this.nameOf(file) : '');
    const lines = text.split('\n');
    const lead = !own && (level === 1 || level === 2) && lines.length > 1;
    bubble.append(...lines.map((line, index) => el('p', { class: lead && !index ? 'lead' : undefined }, ...(own ? [line] : linked(line)))));
    const meta = el('div', { class: 'meta' });
    const item = el('li', { class: author, lang: message.language ?? this.widget.language }, el('span', { class: author === 'agent' ? 'who' : 'sr' }), bubble);
    if (location && !own) item.append(this.card(message));
    if (image && !own) item.append(this.picture(image));
    if (file && !own) item.append(this.fileButton(file));
    if (buttons?.length) item.append(this.buttons(message));
    item.append(meta);
    const entry = { message, item, meta, placed: false, progress: /** @type {Progress | ""} */ (''), why: '' };
    this.offerReading(entry);
    return entry;
  }

  /** @param {Entry} entry A button that reads it aloud, where the device has a voice for it. */
  offerReading({ message, item }) {
    const { text, author } = message;
    const lang = message.language ?? this.widget.language;
    if (author === 'user' || !text || item.querySelector('.hear') || !voiceFor(lang)) return;
    const button = this.widget.named(el('button', { type: 'button', class: 'plain hear', 'aria-pressed': 'false' }, icon('sound')), 'aria-label', 'hear');
    button.setAttribute('aria-label', this.widget.strings.hear);
    const off = () => button.setAttribute('aria-pressed', 'false');
    button.addEventListener('click', () => {
      if (button.getAttribute('aria-pressed') === 'true') return hush();
      read(text, lang, off);
      button.setAttribute('aria-pressed', 'true');
    });
    item.insertBefore(button, item.children[2] ?? null);
  }

  /** @param {NonNullable<Message["file"]>} file */
  nameOf({ kind, size }) {
    const { strings } = this.widget;
    return `${kind.startsWith('image/') ? strings.photo : strings.document}, ${kilobytes(size)}`;
  }

  /**
   * A picture costs data: it is loaded after a tap, and its size stands on the button.
   *
   * @param {NonNullable<Message["image"]>} image
   */
  picture({ url, alt, size }) {
    const { strings, config } = this.widget;
    const show = () => {
      const picture = el('img', { alt, src: new URL(new URL(url, config.base).pathname, config.base).href, error: () => picture.replaceWith(button) });
      picture.addEventListener('load', () => this.following && this.settle());
      button.replaceWith(picture);
    };
    const button = el('button', { type: 'button', class: 'choice', click: show }, icon('image'), ` ${strings.view}${size ? `, ${kilobytes(size)}` : ''}`);
    return button;
  }

  /** @param {NonNullable<Message["file"]>} file What an officer sent. */
  fileButton(file) {
    const { strings, config } = this.widget;
    const open = async () => {
      try {
        el('a', { href: await download(config.base, state.token, file.id), download: file.kind.replace('/', '.') }).click();
      } catch {
        this.notice(strings[navigator.onLine ? 'down' : 'offline']);
      }
    };
    return el('button', { type: 'button', class: 'choice', click: open }, icon('clip'), ` ${strings.openFile}, ${kilobytes(file.size)}`);
  }

  /** @param {Message} message */
  buttons({ buttons = [] }) {
    const press = (/** @type {string} */ title, /** @type {string} */ payload) => {
      this.focus();
      this.dropButtons();
      this.widget.say(title, payload);
    };
    const made = buttons.map(({ title, payload }) => el('button', { type: 'button', class: 'choice', click: () => press(title, payload) }, title));
    return el('div', { class: 'choices', role: 'group', 'aria-label': this.widget.strings.choices }, ...made);
  }

  dropButtons() {
    this.list.querySelectorAll('.choices').forEach((group) => group.remove());
  }

  /**
   * A place: name, address, telephone, the way there. No map: its tiles would tell a stranger who looks at what.
   *
   * @param {Message} message
   */
  card({ location, text }) {
    const { lat, lon, name, address } = /** @type {NonNullable<Message["location"]>} */ (location);
    const { strings } = this.widget;
    const number = pieces(text).find((piece) => typeof piece !== 'string' && piece.href.startsWith('tel:+'));
    const way = /iPhone|iPad|Macintosh/.test(navigator.userAgent)
      ? `https://maps.apple.com/?daddr=${lat},${lon}`
      : `https://www.google.com/maps/dir/?api=1&destination=${lat},${lon}`;
    return el(
      'div',
      { class: 'card' },
      name && el('p', { class: 'lead' }, name),
      address && el('p', {}, address),
      typeof number === 'object' && link(number.href, icon('phone'), el('span', { class: 'sr' }, strings.call), el('span', { class: 'num' }, number.text)),
      link(way, icon('pin'), strings.route),
    );
  }

  /**
   * @param {string} id
   * @param {Progress} progress
   * @param {string} [why]
   */
  progress(id, progress, why = '') {
    const entry = this.entries.get(id);
    if (!entry || entry.placed || entry.progress === progress) return;
    Object.assign(entry, { progress, why });
    this.describe(entry);
    if (this.following) this.settle();
    if (progress === 'failed' && this.widget.hint) this.widget.hint.textContent = `${entry.why} ${this.widget.strings.failed}`;
  }

  /** @param {Entry} entry Its time and state in words. */
  describe({ message, item, meta, progress, why }) {
    const { strings, language: lang } = this.widget;
    const who = /** @type {HTMLElement} */ (item.firstElementChild);
    who.textContent = strings[message.author === 'user' ? 'you' : message.author] + (message.author === 'agent' ? '' : ': ');
    who.lang = meta.lang = lang;
    const parts = [];
    if (message.at) parts.push(el('time', { datetime: message.at }, clock(message.at, lang)));
    if (progress === 'failed') {
      if (why) parts.push(el('span', {}, why));
      parts.push(el('button', { type: 'button', class: 'inline', click: () => this.widget.client?.retry(message.id) }, icon('alert'), strings.failed));
    } else if (progress) {
      parts.push(el('span', {}, icon(MARK[progress]), strings[progress]));
    }
    meta.replaceChildren(...parts);
  }

  /** @param {Entry} entry Messages of one answer show their time once. */
  hideTimeBefore({ message }) {
    const last = [...this.entries.values()].filter((entry) => entry.placed).pop();
    if (last && message.in_reply_to && last.message.in_reply_to === message.in_reply_to) last.meta.hidden = true;
  }

  /** @param {Message} message */
  speak({ text, buttons, language }) {
    const { strings } = this.widget;
    const count = buttons?.length;
    const options = count ? ` ${count === 1 ? strings.option : strings.options.replace('{n}', String(count))}` : '';
    const words = pieces(text).map((piece) => (typeof piece === 'string' ? piece : piece.text));
    const spoken = el('p', { lang: language ?? this.widget.language }, words.join('') + options);
    this.voice.append(spoken);
    setTimeout(() => spoken.remove(), SPOKEN);
  }

  /** @param {string} text Said by the page itself, not part of the conversation. */
  notice(text) {
    this.list.querySelectorAll('.notice').forEach((old) => old.remove());
    this.list.append(el('li', { class: 'system notice', lang: this.widget.language }, el('div', { class: 'bubble' }, text)));
    if (this.widget.hint) this.widget.hint.textContent = text;
    this.settle();
  }

  /** @param {boolean} on */
  typing(on) {
    if (this.dots.hidden !== on) return;
    this.dots.hidden = !on;
    if (on && this.following) this.settle();
  }

  relabel() {
    for (const entry of this.entries.values()) this.describe(entry);
  }

  clear() {
    this.entries.clear();
    this.list.replaceChildren();
    this.voice.replaceChildren();
    this.introduction.hidden = false;
    this.pill.hidden = true;
    this.anchor = undefined;
    this.following = true;
  }

  /** The last message that the person has had before their eyes, for the badge. */
  seen() {
    const last = [...this.entries.values()].filter((entry) => entry.placed && entry.message.author !== 'user').pop();
    if (!last || state.seen === last.message.id) return;
    state.seen = last.message.id;
    save();
  }

  focus() {
    this.scroller.focus({ preventScroll: true });
  }

  // --- scrolling

  /** The person spoke: go along with what comes. */
  follow() {
    this.following = true;
    this.anchor = undefined;
  }

  /** The first line of the answer at the top, or all of it when it is short. */
  settle() {
    const { scroller, anchor } = this;
    scroller.scrollTop = anchor?.isConnected ? anchor.offsetTop - 12 : scroller.scrollHeight;
    this.lastTop = scroller.scrollTop;
  }

  /** @param {Entry} entry */
  show({ message, item }) {
    const answered = message.in_reply_to ?? '';
    if (!this.anchor || !answered || answered !== this.answered) {
      if (this.following) this.anchor = item;
      this.answered = answered;
    }
    if (this.following) {
      this.settle();
    } else {
      this.news ??= item;
      this.pill.hidden = false;
    }
  }

  toNews() {
    this.anchor = this.news;
    this.following = true;
    this.settle();
    this.pill.hidden = true;
    this.news = undefined;
    this.focus();
  }

  onScroll() {
    const { scroller } = this;
    const top = scroller.scrollTop;
    const low = scroller.scrollHeight - top - scroller.clientHeight < 48;
    if (low) {
      this.following = true;
      this.pill.hidden = true;
      this.news = undefined;
    } else if (top < this.lastTop - 8) {
      this.following = false;
    }
    this.lastTop = top;
  }
}

/**
 * @param {string} at
 * @param {string} lang
 * @returns {string} "14:05" in the person's zone; with the day when that is not today.
 */
function clock(at, lang) {
  const date = new Date(at);
  const day = date.toDateString() === new Date().toDateString() ? {} : /** @type {const} */ ({ day: 'numeric', month: 'short' });
  return new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...day }).format(date);
}

/** @import { Ending, Line, Message, Progress } from './types.js' */
import { Client } from './client.js';
import { el, icon, link, linked } from './dom.js';
import { Log } from './log.js';
import { Shell } from './shell.js';
import { save, state } from './store.js';
import { canDictate, dictate, hush, staysHere } from './voice.js';

const CIAM = '+1 520-623-7874';
const LONGEST = 20_000;
const FILE_BYTES = 10 * 1024 * 1024;
const KINDS = 'image/jpeg,image/png,image/webp,application/pdf';

/** Below this the panel fills the screen. */
const NARROW = matchMedia('(max-width: 520px), (max-height: 520px)');

/** The chat. */
export class Widget extends Shell {
  unread = 0;
  started = false;
  /** @type {{stop: () => void, abort: () => void} | undefined} */
  dictation = undefined;

  build() {
    const { config, panel } = this;
    if (!panel) return;
    this.log = new Log(this);
    this.client = new Client(config, {
      message: (message, silent) => this.onMessage(message, silent),
      progress: (id, progress, why) => this.log?.progress(id, progress, why),
      typing: (on) => this.log?.typing(on),
      line: (line) => this.onLine(line),
      over: (why) => this.onOver(why),
    });
    this.more = el('div', { class: 'more', hidden: true });
    const box = this.makeBox();
    this.talk = el('div', { class: 'talk' }, this.log.element, this.consent, box);
    this.line = el('p', { class: 'line', role: 'status' });
    panel.append(this.makeHeader(), this.makeBand(), this.line, this.talk, this.more, this.log.voice);
    panel.addEventListener('keydown', (event) => this.onKey(event));
    panel.addEventListener('focusout', ({ relatedTarget }) => {
      // The panel covers the page on a small screen: focus that goes on to the page must not go where nobody sees it.
      const outside = relatedTarget instanceof Element && !panel.contains(relatedTarget);
      if (outside && NARROW.matches && config.mode === 'bubble') this.setOpen(false, true);
    });
    this.followKeyboard();
    this.followOtherTabs();
    this.intro();
    this.client.start();
  }

  // --- parts

  makeHeader() {
    const { config } = this;
    this.heading = el(config.mode === 'page' ? 'h1' : 'h2', { tabindex: -1 }, 'Orienta');
    const dots = el('span', { class: 'shifts', 'aria-hidden': 'true' }, el('i'), el('i'), el('i'));
    const other = this.words('button', 'other', {
      type: 'button',
      class: 'plain lang',
      click: () => {
        this.setLanguage(this.language === 'es' ? 'en' : 'es');
        // The assistant changes over with the next thing that is said; where talk is under way, that is this.
        if (state.token || state.queue.length) this.say(this.strings.switched);
      },
    });
    this.relabels.push(() => other.setAttribute('lang', this.language === 'es' ? 'en' : 'es'));
    const exit = el('button', { type: 'button', class: 'exit', click: () => this.exit() }, this.words('span', 'exit'), dots);
    this.menu = this.named(el('button', { type: 'button', class: 'plain', 'aria-expanded': 'false', click: () => this.openMore(!!this.more?.hidden) }, icon('menu')), 'aria-label', 'menu');
    const close = this.named(el('button', { type: 'button', class: 'plain', click: () => this.shut() }, icon('down')), 'aria-label', 'close');
    return el('header', {}, this.heading, exit, other, this.menu, (config.mode !== 'page' || framed()) && close);
  }

  makeBand() {
    this.band = this.named(
      el('div', { class: 'band', role: 'group', hidden: true }, link('tel:911', icon('phone'), this.words('span', 'tel911')), link(telephone(CIAM), icon('phone'), this.words('span', 'telCiam'))),
      'aria-label',
      'emergency',
    );
    return this.band;
  }

  makeBox() {
    this.box = this.named(
      this.named(
        el('textarea', { rows: 1, autocomplete: 'off', spellcheck: 'false', enterkeyhint: 'send', input: () => this.onInput() }),
        'aria-label',
        'box',
      ),
      'placeholder',
      'box',
    );
    const send = this.named(el('button', { class: 'send', type: 'submit', mousedown: keepKeyboard }, icon('send')), 'aria-label', 'send');
    const file = el('input', { type: 'file', accept: KINDS, hidden: true, tabindex: -1, change: () => this.attach(file) });
    const clip = this.named(el('button', { class: 'plain', type: 'button', click: () => file.click() }, icon('clip')), 'aria-label', 'attach');
    const mic = canDictate() && this.named(el('button', { class: 'plain', type: 'button', 'aria-pressed': 'false', click: () => this.dictate() }, icon('mic')), 'aria-label', 'dictate');
    this.mic = mic || undefined;
    this.consent = el('div', { class: 'consent', role: 'group', hidden: true });
    const form = el('form', { class: 'box' }, this.box, file, clip, mic, send);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    this.box.value = state.draft;
    if (state.mic === false) this.mic?.remove();
    return form;
  }

  /** @param {HTMLInputElement} input */
  attach(input) {
    const file = input.files?.[0];
    input.value = '';
    if (!file) return;
    if (file.size > FILE_BYTES) {
      this.log?.notice(this.strings.tooBig);
      return;
    }
    this.log?.follow();
    this.client?.sendFile(file, file.type.startsWith('image/') ? this.strings.photo : this.strings.document);
  }

  // --- dictation: into the text box, never sent by itself

  async dictate() {
    if (this.dictation) return this.dictation.stop();
    const here = await staysHere(this.language);
    if (here || state.mic) return this.listen(here);
    const { strings, consent, mic } = this;
    if (!consent) return;
    const answer = (/** @type {boolean} */ yes) => {
      state.mic = yes;
      save();
      consent.hidden = true;
      if (yes) this.listen(false);
      else mic?.remove();
      this.box?.focus();
    };
    const yes = el('button', { type: 'button', class: 'choice', click: () => answer(true) }, strings.micYes);
    const no = el('button', { type: 'button', class: 'choice', click: () => answer(false) }, strings.micNo);
    consent.replaceChildren(el('p', {}, strings.micAsk), no, yes);
    consent.hidden = false;
    no.focus();
  }

  /** @param {boolean} here Whether the voice stays on the device. */
  listen(here) {
    const { box, mic } = this;
    const before = box?.value.trim();
    const heard = (/** @type {string} */ text) => {
      if (!box) return;
      box.value = [before, text.trim()].filter(Boolean).join(' ');
      this.onInput();
    };
    const ended = () => {
      this.dictation = undefined;
      mic?.setAttribute('aria-pressed', 'false');
    };
    mic?.setAttribute('aria-pressed', 'true');
    if (this.hint) this.hint.textContent = this.strings.dictating;
    this.dictation = dictate(this.language, here, heard, ended);
  }

  /** What to do, before any typing. */
  intro() {
    const { strings, config } = this;
    const topic = /** @type {Record<string, {title: string, text: string, urgent?: boolean}>} */ (strings.topics)[config.topic];
    if (config.topic && !topic) console.warn(`Orienta: data-topic="${config.topic}" is not known.`);
    /** @type {{title: string, text: string, urgent?: boolean}[]} */
    const starters = topic ? [topic, ...strings.starters] : strings.starters;
    const buttons = starters.map(({ title, text, urgent }) =>
      el('button', { type: 'button', class: urgent ? 'starter urgent' : 'starter', click: () => this.begin(text, urgent) }, title),
    );
    this.log?.setIntro(
      el(config.mode === 'page' ? 'h2' : 'h3', {}, strings.ask),
      el('div', { class: 'starters' }, ...buttons),
      el('p', {}, ...linked(strings.danger)),
      el('p', { class: 'small' }, `${strings.note} `, el('button', { type: 'button', class: 'inline', click: () => this.openMore(true, 'safety') }, strings.safety)),
    );
  }

  /**
   * @param {string} text
   * @param {boolean} [urgent] The telephone numbers are shown at once, whatever the line does.
   */
  begin(text, urgent) {
    if (urgent) state.urgent = true;
    this.say(text);
    this.log?.focus();
  }

  relabel() {
    super.relabel();
    this.intro();
    this.log?.relabel();
    if (this.client) this.onLine(this.client.state, true);
    if (this.more && !this.more.hidden) this.fillMore();
    this.showUnread();
  }

  // --- menu: help, letters, safety, data

  /**
   * @param {boolean} open
   * @param {"safety" | ""} [at]
   */
  openMore(open, at = '') {
    const { more, talk, menu } = this;
    if (!more || !talk || !menu) return;
    more.hidden = !open;
    talk.hidden = open;
    menu.setAttribute('aria-expanded', String(open));
    if (!open) {
      more.replaceChildren();
      menu.focus();
      return;
    }
    this.fillMore();
    const place = /** @type {HTMLElement | null} */ (more.querySelector(at ? `#${at}` : 'button'));
    place?.focus();
    place?.scrollIntoView();
  }

  fillMore() {
    const { strings, config } = this;
    const tag = config.mode === 'page' ? 'h2' : 'h3';
    const act = (/** @type {string} */ text, /** @type {() => void} */ click) => el('button', { type: 'button', class: 'choice', click }, text);
    const erasing = el('div', {});
    const ask = () => {
      const no = act(strings.eraseNo, () => {
        erasing.replaceChildren(first);
        first.focus();
      });
      const yes = act(strings.eraseYes, () => {
        this.openMore(false);
        this.client?.erase();
      });
      erasing.replaceChildren(el('p', { role: 'alert' }, strings.eraseAsk), no, yes);
      no.focus();
      yes.scrollIntoView({ block: 'nearest' });
    };
    const first = act(strings.erase, ask);
    erasing.append(first);
    const keep = act(strings.keep, () => {
      state.keep = !state.keep;
      save();
      keep.setAttribute('aria-pressed', String(state.keep));
    });
    keep.setAttribute('aria-pressed', String(state.keep));
    const sizes = strings.sizes.map((name, index) =>
      el('button', { type: 'button', class: 'choice', 'aria-pressed': String(state.size === index), click: () => this.setSize(index) }, name),
    );
    this.more?.replaceChildren(
      el('button', { type: 'button', class: 'plain back', click: () => this.openMore(false) }, icon('back'), strings.back),
      el(tag, {}, strings.help),
      link('tel:911', icon('phone'), strings.tel911),
      link(telephone(CIAM), icon('phone'), el('span', {}, `${strings.ciam} `, el('span', { class: 'num' }, CIAM))),
      act(strings.human, () => {
        this.openMore(false);
        this.say(strings.humanText);
      }),
      el(tag, {}, strings.size),
      el('div', { class: 'sizes', role: 'group', 'aria-label': strings.size }, ...sizes),
      el(tag, { id: 'safety', tabindex: -1 }, strings.safety),
      el('ul', {}, ...strings.safetyText.map((text) => el('li', {}, text))),
      el(tag, {}, strings.data),
      el('p', {}, strings.keepText),
      keep,
      erasing,
    );
  }

  /** @param {number} size */
  setSize(size) {
    state.size = size;
    save();
    this.showSize();
    this.more?.querySelectorAll('.sizes button').forEach((button, index) => button.setAttribute('aria-pressed', String(index === size)));
  }

  showSize() {
    this.root?.setAttribute('data-size', String(state.size));
  }

  // --- what the person does

  onInput() {
    if (!this.box) return;
    state.draft = this.box.value;
    save();
    this.fit();
  }

  /** The box grows with what is in it; CSS says how far. */
  fit() {
    if (!this.box) return;
    this.box.style.height = 'auto';
    this.box.style.height = `${this.box.scrollHeight + 2}px`;
  }

  submit() {
    const { box } = this;
    const text = box?.value.trim();
    if (!box || !text) return;
    if (text.length > LONGEST) {
      this.log?.notice(this.strings.long);
      return;
    }
    box.value = '';
    this.onInput();
    this.say(text);
  }

  /**
   * @param {string} text
   * @param {string} [payload]
   */
  say(text, payload) {
    this.log?.follow();
    this.client?.send(text, payload);
    this.showBand();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (event.key === 'Enter' && event.target === this.box && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    }
    if (event.key !== 'Escape' || event.isComposing) return;
    event.stopPropagation();
    if (!this.more?.hidden) this.openMore(false);
    else this.shut();
  }

  /** Out of the way; the conversation goes on. */
  shut() {
    if (framed()) parent.postMessage('orienta:close', '*');
    else if (this.config.mode !== 'page') this.setOpen(false);
  }

  /**
   * @param {boolean} open
   * @param {boolean} [quietly]
   */
  setOpen(open, quietly) {
    super.setOpen(open, quietly);
    this.showBand();
    this.showSize();
    if (!open) return;
    this.unread = 0;
    this.showUnread();
    this.log?.seen();
    this.fit();
  }

  focusPanel() {
    this.heading?.focus({ preventScroll: true });
  }

  // --- what the client tells

  /**
   * @param {Message} message
   * @param {boolean} silent
   */
  onMessage(message, silent) {
    this.log?.add(message, silent || !!this.panel?.hidden, silent);
    if (message.author !== 'user') {
      if (!this.panel?.hidden) this.log?.seen();
      else if (message.id === state.seen) this.unread = 0;
      else this.unread++;
      this.showUnread();
    }
    this.showBand();
  }

  /**
   * @param {Line} line
   * @param {boolean} [again] In the other language.
   */
  onLine(line, again) {
    this.line?.replaceChildren(...(line === 'ok' ? [] : linked(this.strings[line])));
    if (line === 'ok' && !again && this.hint && this.started) this.hint.textContent = this.strings.online;
    this.started = true;
  }

  /** @param {Ending | ""} why */
  onOver(why) {
    this.log?.clear();
    this.unread = 0;
    this.showUnread();
    this.showBand();
    if (why) this.log?.notice(this.strings[why]);
  }

  showBand() {
    if (this.band) this.band.hidden = !state.urgent;
  }

  /** The badge is a number only; its words are for those who hear it. */
  showUnread() {
    const { badge, launcher, unread } = this;
    if (!badge || !launcher) return;
    badge.hidden = !unread;
    badge.textContent = String(unread);
    if (unread) launcher.setAttribute('aria-description', this.strings.unread.replace('{n}', String(unread)));
    else launcher.removeAttribute('aria-description');
  }

  // --- quick exit

  leave() {
    hush();
    this.dictation?.abort();
    this.client?.leave();
    if (this.box) this.box.value = '';
    this.tabs?.postMessage('exit');
  }

  go() {
    if (framed()) parent.postMessage(this.told ? 'orienta:left' : 'orienta:exit', '*');
    else super.go();
  }

  comeBack() {
    super.comeBack();
    this.openMore(false);
    this.showBand();
  }

  followOtherTabs() {
    try {
      this.tabs = new BroadcastChannel('orienta');
      this.tabs.onmessage = () => (state.token || !this.panel?.hidden) && !this.left && this.exit();
    } catch {
      // an old browser: the other tab learns it from the server
    }
    if (!framed()) return;
    addEventListener('message', ({ source, data }) => {
      if (source !== parent || data !== 'orienta:exit' || this.left) return;
      this.told = true;
      this.exit();
    });
  }

  /** iOS does not make the page smaller for its keyboard: the panel must keep its text box above it. */
  followKeyboard() {
    const view = window.visualViewport;
    if (!view) return;
    const fit = () => {
      const covered = NARROW.matches || this.config.mode === 'page' ? innerHeight - view.height : 0;
      this.panel?.style.setProperty('--covered', `${view.scale > 1.01 || covered < 80 ? 0 : covered}px`);
    };
    view.addEventListener('resize', fit);
  }
}

/** @param {Event} event The text box keeps the focus, and a phone its keyboard. */
const keepKeyboard = (event) => event.preventDefault();

const framed = () => window.parent !== window;

/** @param {string} number */
const telephone = (number) => `tel:${number.replace(/[^+\d]/g, '')}`;

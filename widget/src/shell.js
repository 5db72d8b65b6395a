/** @import { Config, Language } from './types.js' */
import css from './style.css';
import strings from '../strings.json';
import { textOn } from './color.js';
import { el, icon } from './dom.js';
import { hidePage, onShifts } from './exit.js';
import { forgetAll, save, state } from './store.js';

/** For the session-replay scripts of a host page: do not record this. They can read any shadow root; these attributes ask them not to. */
const PRIVATE = {
  class: 'rr-block fs-exclude',
  translate: 'no',
  'data-private': '',
  'data-hj-suppress': '',
  'data-clarity-mask': 'true',
  'data-dd-privacy': 'hidden',
  'data-sentry-block': '',
};

/** What the widget is in the page and as a frame: launcher, look, language, quick exit. */
export class Shell extends HTMLElement {
  /** @type {Config} */
  config = /** @type {any} */ (undefined);
  /** @type {(() => void)[]} What has words in it, and so changes with the language. */
  relabels = [];

  connectedCallback() {
    if (this.shadowRoot) return;
    for (const [name, value] of Object.entries(PRIVATE)) this.setAttribute(name, value);
    const { mode, position } = this.config;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    const shadow = this.attachShadow({ mode: 'open' });
    shadow.adoptedStyleSheets = [sheet];
    this.launcher = el('button', { class: 'launcher', type: 'button', click: () => this.setOpen(true) }, icon('chat'), this.words('span', 'open'));
    this.badge = el('span', { class: 'badge', 'aria-hidden': 'true', hidden: true });
    this.launcher.append(this.badge);
    this.hint = el('p', { class: 'sr', role: 'status' });
    this.panel = el(mode === 'page' ? 'main' : 'section', { class: 'panel', 'aria-label': 'Orienta', hidden: true });
    this.root = el('div', { class: 'root', 'data-mode': mode, 'data-position': position }, this.launcher, this.panel, this.hint);
    shadow.append(this.root);
    this.dress();
    this.build();
    this.relabel();
    onShifts((count) => (!this.panel?.hidden || state.token) && this.pressed(count));
    addEventListener('pageshow', (event) => event.persisted && this.left && this.comeBack());
    this.setOpen(mode === 'page' || state.open, true);
  }

  /** Fills the panel. */
  build() {}

  get language() {
    return state.lang || this.config.lang;
  }

  get strings() {
    return strings[this.language];
  }

  /**
   * @param {keyof HTMLElementTagNameMap} tag
   * @param {{[K in keyof typeof strings.es]: (typeof strings.es)[K] extends string ? K : never}[keyof typeof strings.es]} key
   * @param {Parameters<typeof el>[1]} [attributes]
   * @returns {HTMLElement} An element whose text follows the language.
   */
  words(tag, key, attributes) {
    const made = el(tag, attributes);
    this.relabels.push(() => (made.textContent = this.strings[key]));
    return made;
  }

  /**
   * @template {HTMLElement} T
   * @param {T} element
   * @param {string} name
   * @param {{[K in keyof typeof strings.es]: (typeof strings.es)[K] extends string ? K : never}[keyof typeof strings.es]} key
   * @returns {T} The element, one attribute of which follows the language.
   */
  named(element, name, key) {
    this.relabels.push(() => element.setAttribute(name, this.strings[key]));
    return element;
  }

  relabel() {
    this.root?.setAttribute('lang', this.language);
    for (const relabel of this.relabels) relabel();
  }

  /** @param {Language} lang */
  setLanguage(lang) {
    state.lang = lang;
    save();
    this.relabel();
  }

  /** Dark or light, and the site's own colour. */
  dress() {
    const { root, config } = this;
    if (!root) return;
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => root.toggleAttribute('data-dark', config.theme === 'dark' || (config.theme === 'auto' && dark.matches));
    dark.addEventListener('change', apply);
    apply();
    if (!config.color) return;
    const on = textOn(config.color);
    if (!on) return console.warn(`Orienta: no text is readable on data-color="${config.color}"; the default is used.`);
    root.style.setProperty('--orienta-brand', config.color);
    root.style.setProperty('--orienta-on-brand', on);
  }

  /**
   * @param {boolean} open
   * @param {boolean} [quietly] Without moving the focus.
   */
  setOpen(open, quietly) {
    const { panel, launcher } = this;
    if (!panel || !launcher) return;
    const had = this.shadowRoot?.activeElement;
    panel.hidden = !open;
    launcher.hidden = open;
    if (this.config.mode !== 'page') {
      state.open = open;
      save();
    }
    if (quietly) return;
    if (open) this.focusPanel();
    else if (had || document.activeElement === this) launcher.focus();
  }

  focusPanel() {}

  // --- quick exit

  /** @param {number} count */
  pressed(count) {
    if (count === 3) return this.exit();
    this.root?.setAttribute('data-shifts', String(count));
    if (this.hint) this.hint.textContent = count ? this.strings.shift.replace('{n}', String(count)) : '';
  }

  /** In this order, in one go: out of sight, tell the server without waiting, leave no trace, go. */
  exit() {
    this.left = true;
    hidePage();
    this.style.display = 'none';
    this.leave();
    this.go();
  }

  /** Tells the server, and clears what is kept here. */
  leave() {
    forgetAll();
  }

  go() {
    location.replace(this.config.exit);
  }

  /** The browser's Back brought the page back as it was: an empty, closed widget. */
  comeBack() {
    this.left = false;
    document.documentElement.style.visibility = '';
    this.style.display = '';
    this.pressed(0);
    this.setOpen(this.config.mode === 'page', true);
  }
}

import { readConfig } from './config.js';
import { Frame } from './frame.js';
import { Widget } from './widget.js';
import { restore } from './store.js';

const NAME = 'orienta-chat';
const script = document.currentScript;

function start() {
  if (!(script instanceof HTMLScriptElement) || customElements.get(NAME)) return;
  // A browser without constructed style sheets (Safari before 16.4) keeps the page as it is, with its telephone numbers.
  if (!('adoptedStyleSheets' in document)) return;
  const config = readConfig(script);
  restore();
  customElements.define(NAME, config.mode === 'frame' ? Frame : Widget);
  const element = /** @type {Widget | Frame} */ (document.createElement(NAME));
  element.config = config;
  document.body.append(element);
  // On /chat the page without script gives way to the chat.
  if (config.mode === 'page') document.querySelectorAll('[data-orienta-fallback]').forEach((old) => old.setAttribute('hidden', ''));
}

if (document.body && document.readyState !== 'loading') start();
else document.addEventListener('DOMContentLoaded', start);

/** @import { Config, Language } from './types.js' */

const EXIT = 'https://weather.gov/';

/**
 * @param {string | undefined} given
 * @returns {string} An address that may be opened on exit: http(s) only, never script.
 */
function exitAddress(given) {
  try {
    const url = new URL(given || EXIT, location.href);
    if (/^https?:$/.test(url.protocol)) return url.href;
  } catch {
    // not an address: the default
  }
  return EXIT;
}

/**
 * @template {string} T
 * @param {string | undefined} given
 * @param {T} otherwise
 * @param {T[]} allowed
 * @returns {T}
 */
const oneOf = (given, otherwise, ...allowed) => allowed.find((one) => one === given) ?? otherwise;

/**
 * @param {HTMLScriptElement} script
 * @returns {Config}
 */
export function readConfig(script) {
  const data = { ...script.dataset };
  // A host page in frame mode hands its settings to /chat behind the "#"; never the exit address: that would be an open redirect.
  if (data.mode === 'page') {
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
      if (['lang', 'color', 'topic', 'theme'].includes(key)) data[key] = value;
    }
  }
  return {
    base: new URL('.', script.src || location.href).href,
    lang: oneOf(data.lang ?? (document.documentElement.lang || navigator.language).slice(0, 2), /** @type {Language} */ ('es'), 'en'),
    position: oneOf(data.position, 'right', 'left'),
    color: data.color ?? '',
    topic: data.topic ?? '',
    exit: exitAddress(data.exitUrl),
    mode: oneOf(data.mode, 'bubble', 'page', 'frame'),
    theme: oneOf(data.theme, 'auto', 'light', 'dark'),
  };
}

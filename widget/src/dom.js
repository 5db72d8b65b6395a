import { pieces } from './text.js';

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Makes an element: methods and attributes only, never markup from text.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean | number | ((event: any) => void) | undefined>} [attributes] A function is a listener.
 * @param {(Node | string | undefined | false)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name, value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : String(value));
  }
  made.append(...children.filter((child) => child !== undefined && child !== false));
  return made;
}

const ICONS = {
  chat: 'M4 5h16v11H9l-5 4z',
  send: 'M4 12h15M13 6l6 6-6 6',
  menu: 'M5 7h14M5 12h14M5 17h14',
  down: 'M6 9l6 6 6-6',
  back: 'M15 6l-6 6 6 6',
  phone: 'M6 4h3l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v3a2 2 0 0 1-2 2A14 14 0 0 1 4 6a2 2 0 0 1 2-2z',
  pin: 'M12 21c-4-4.5-6-7.5-6-10.5a6 6 0 0 1 12 0c0 3-2 6-6 10.5zM12 8.5v4M10 10.5h4',
  clock: 'M12 3a9 9 0 1 0 .01 0M12 7v5l3 2',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 4l9 16H3zM12 10v4M12 17v.01',
  clip: 'M19 11l-7.5 7.5a4.5 4.5 0 0 1-6.4-6.4L13 4.3a3 3 0 0 1 4.2 4.2l-7.6 7.6a1.4 1.4 0 0 1-2-2l6.6-6.6',
  sound: 'M4 10v4h3l5 4V6L7 10zM15 9a4 4 0 0 1 0 6M17.5 6.5a8 8 0 0 1 0 11',
  mic: 'M12 4a2.5 2.5 0 0 0-2.5 2.5v5a2.5 2.5 0 0 0 5 0v-5A2.5 2.5 0 0 0 12 4zM6 11a6 6 0 0 0 12 0M12 17v4',
  image: 'M4 5h16v14H4zM4 16l5-5 5 5 3-3 3 3',
  out: 'M10 4H5v16h5M10 12h10M16 8l4 4-4 4',
};

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * @param {string} text
 * @returns {(Node | string)[]} The text with its telephone numbers and addresses as links.
 */
export const linked = (text) => pieces(text).map((piece) => (typeof piece === 'string' ? piece : link(piece.href, piece.text)));

/** @param {number} bytes */
export const kilobytes = (bytes) => `${Math.max(1, Math.round(bytes / 1000))} KB`;

/**
 * @param {string} href
 * @param {(Node | string)[]} children
 */
export function link(href, ...children) {
  const outside = href.startsWith('https');
  return el('a', { href, ...(outside && { target: '_blank', rel: 'noopener noreferrer' }) }, ...children);
}

/** @typedef {string | {text: string, href: string}} Piece Plain text, or a telephone number or https address to tap. */

// "+1 520-623-7874", "+52 55 3686 5100", other countries; "(520) 623-7874", "1-888-373-7888"; 911 and 988; https addresses.
const LINK =
  /https:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]»”]|\+1[ .-]?\(?\d{3}\)?[ .-]?\d{3}[ .-]?\d{4}\b|\+52(?:[ .-]?\d){10}\b|\+[2-9]\d{0,2}(?:[ .-]?\d){7,10}\b|(?:\b1[ .-])?(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b|\b9(?:11|88)\b(?![-.]?\d)/g;

/**
 * @param {string} text
 * @returns {Piece[]}
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(LINK)) {
    if (index > end) found.push(text.slice(end, index));
    found.push(match.startsWith('https') ? { text: brief(match), href: match } : { text: match, href: `tel:${dialled(match)}` });
    end = index + match.length;
  }
  if (end < text.length) found.push(text.slice(end));
  return found;
}

/**
 * @param {string} url
 * @returns {string} The address itself, or of a long one whose it is.
 */
const brief = (url) => (url.length > 40 ? `${url.split('/', 3).join('/')}/…` : url);

/**
 * @param {string} number As people write it.
 * @returns {string} E.164; short codes as they are.
 */
export function dialled(number) {
  const digits = number.replace(/\D/g, '');
  if (number.startsWith('+')) return `+${digits}`;
  if (digits.length === 10) return `+1${digits}`;
  return digits.length === 11 ? `+${digits}` : digits;
}

/**
 * @param {number[]} rgb 0–255
 * @returns {number} Relative luminance, WCAG 2.2.
 */
const luminance = (rgb) => {
  const [r, g, b] = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

/**
 * The text colour for a site's own brand colour.
 *
 * @param {string} color "#0b5345"
 * @returns {string} White or near black, whichever stands out more, if that reaches 4.5:1; else "".
 */
export function textOn(color) {
  if (!/^#[0-9a-f]{6}$/i.test(color)) return '';
  const ground = luminance([1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)));
  const white = 1.05 / (ground + 0.05);
  const dark = (ground + 0.05) / (luminance([6, 34, 27]) + 0.05);
  return Math.max(white, dark) < 4.5 ? '' : white >= dark ? '#ffffff' : '#06221b';
}

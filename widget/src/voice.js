// Voice out and in. Nothing that is said leaves the device unasked: only voices that live on it read aloud, and a recogniser that does
// not is used after a yes. On browsers that have neither there is no button.

/** @typedef {{new (): any, available?: (options: {langs: string[], processLocally: boolean}) => Promise<string>}} Recognition */

/** @type {Recognition | undefined} */
const Recognition = /** @type {any} */ (window).SpeechRecognition ?? /** @type {any} */ (window).webkitSpeechRecognition;

/** Spanish as most of the people here speak it. */
const REGION = { es: 'es-MX', en: 'en-US' };

/**
 * @param {string} lang
 * @returns {SpeechSynthesisVoice | undefined} A voice of this device.
 */
export function voiceFor(lang) {
  const own = window.speechSynthesis?.getVoices().filter((voice) => voice.localService && voice.lang.toLowerCase().startsWith(lang));
  return own?.find((voice) => voice.lang.replace('_', '-') === REGION[/** @type {"es" | "en"} */ (lang)]) ?? own?.[0];
}

/** @param {() => void} listener Called when the browser has found its voices. */
export const onVoices = (listener) => window.speechSynthesis?.addEventListener?.('voiceschanged', listener);

/** Stops reading aloud. */
export const hush = () => window.speechSynthesis?.cancel();

/**
 * Reads aloud.
 *
 * @param {string} text
 * @param {string} lang
 * @param {() => void} ended
 */
export function read(text, lang, ended) {
  hush();
  const spoken = new SpeechSynthesisUtterance(text);
  spoken.voice = voiceFor(lang) ?? null;
  spoken.lang = spoken.voice?.lang ?? lang;
  spoken.onend = spoken.onerror = ended;
  speechSynthesis.speak(spoken);
}

export const canDictate = () => !!Recognition;

/**
 * @param {"es" | "en"} lang
 * @returns {Promise<boolean>} Whether speech stays on the device.
 */
export async function staysHere(lang) {
  try {
    return (await Recognition?.available?.({ langs: [REGION[lang]], processLocally: true })) === 'available';
  } catch {
    return false;
  }
}

/**
 * Listens until `stop` is called on what it returns, or the person is silent.
 *
 * @param {"es" | "en"} lang
 * @param {boolean} here Whether it must stay on the device.
 * @param {(text: string) => void} heard
 * @param {() => void} ended
 * @returns {{stop: () => void, abort: () => void}}
 */
export function dictate(lang, here, heard, ended) {
  const recognition = new /** @type {Recognition} */ (Recognition)();
  recognition.lang = REGION[lang];
  if (here) recognition.processLocally = true;
  recognition.onresult = (/** @type {any} */ event) => heard([...event.results].map((result) => result[0].transcript).join(' '));
  recognition.onend = ended;
  recognition.onerror = ended;
  recognition.start();
  return recognition;
}

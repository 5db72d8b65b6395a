/**
 * @typedef {"es" | "en"} Language
 *
 * @typedef {object} Message A message as the API shows it.
 * @property {string} id
 * @property {"user" | "bot" | "agent" | "system"} author
 * @property {string} text
 * @property {{title: string, payload: string}[]} [buttons]
 * @property {{lat: number, lon: number, name?: string, address?: string}} [location]
 * @property {{url: string, alt: string, size?: number}} [image] A picture of ours; `size` in bytes.
 * @property {{id: string, kind: string, size: number}} [file] What came with it.
 * @property {string} [topic]
 * @property {number} [level]
 * @property {Language} [language]
 * @property {string} [in_reply_to]
 * @property {boolean} [interim]
 * @property {string} [at] ISO 8601, UTC
 *
 * @typedef {object} Waiting A message of the person that the server has not acknowledged yet.
 * @property {string} id
 * @property {string} text What the person sees.
 * @property {string} [payload] A pressed button.
 * @property {string} [file] An uploaded file's id; "" while it is not uploaded yet.
 * @property {number} tries Answers so far that were none.
 * @property {string} [failed] The server refused it, for this reason ("" where it gave none): it waits for a tap.
 *
 * @typedef {"sending" | "waiting" | "sent" | "failed"} Progress
 *
 * @typedef {"ok" | "offline" | "down"} Line
 *
 * @typedef {"erasing" | "erased" | "ended"} Ending Why a conversation is over.
 *
 * @typedef {object} Config What the site's owner set on the script element.
 * @property {string} base Where the service lives, with a slash at the end.
 * @property {Language} lang
 * @property {"left" | "right"} position
 * @property {string} color
 * @property {string} topic
 * @property {string} exit
 * @property {"bubble" | "page" | "frame"} mode
 * @property {"light" | "dark" | "auto"} theme
 */
export {};

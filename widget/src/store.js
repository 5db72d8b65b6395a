/** @import { Language, Waiting } from './types.js' */

// What outlives a reload of this tab, under one key of sessionStorage; of localStorage too where the person said "keep it". Texts that the server has are not among it: they are
// fetched again. Storage may throw (private mode, blocked by the browser): then memory has to do.

const KEY = 'orienta';

/** @returns {{token: string, lang: Language | "", open: boolean, queue: Waiting[], draft: string, seen: string, urgent: boolean, asked: boolean, erasing: boolean, size: number, keep: boolean, mic: boolean | null}} */
const empty = () => ({ token: '', lang: '', open: false, queue: [], draft: '', seen: '', urgent: false, asked: false, erasing: false, size: 0, keep: false, mic: null });

export const state = empty();

export function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) || localStorage.getItem(KEY) || '{}');
    if (Array.isArray(kept.queue ?? [])) Object.assign(state, kept);
  } catch {
    // nothing readable: begin empty
  }
}

export function save() {
  try {
    const kept = JSON.stringify(state);
    sessionStorage.setItem(KEY, kept);
    if (state.keep) localStorage.setItem(KEY, kept);
    else localStorage.removeItem(KEY);
  } catch {
    // memory only
  }
}

/** Ends a conversation's part of the state; language, size, what was said to voice and an open panel stay. */
export function forgetConversation() {
  const { lang, open, size, mic } = state;
  Object.assign(state, empty(), { lang, open, size, mic });
  save();
}

/** Leaves nothing of ours on this device. */
export function forgetAll() {
  Object.assign(state, empty());
  for (const name of /** @type {const} */ (['sessionStorage', 'localStorage'])) {
    try {
      const storage = window[name];
      for (const key of Object.keys(storage)) if (key.startsWith(KEY)) storage.removeItem(key);
    } catch {
      // no storage, no trace
    }
  }
  try {
    caches.keys().then((keys) => keys.forEach((key) => key.startsWith(KEY) && caches.delete(key)), () => {});
  } catch {
    // no cache storage here (plain http)
  }
  navigator.serviceWorker?.getRegistration('/chat').then(
    (worker) => worker?.active?.scriptURL.endsWith('/orienta-sw.js') && worker.unregister(),
    () => {},
  );
}

// Keeps /chat readable without a line: the page, the widget, and a rights card that was looked at. The network comes first; what was
// said is never kept here, the API passes by. Once the cache is deleted (exit, erasure) nothing is put back into it.
const NAME = 'orienta-1';
const SHELL = ['/chat', '/widget.js', '/static/page.css', '/static/icon.svg', '/static/chat.js'];
const CARD = /^\/static\/card-(es|en)\.(png|pdf)$/;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(SHELL)));
  self.skipWaiting();
});

self.addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('orienta-') && name !== NAME;
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin || !(SHELL.includes(pathname) || CARD.test(pathname))) return;
  event.respondWith(answer(request, pathname));
});

async function answer(request, pathname) {
  try {
    const response = await fetch(request);
    if (response.ok && (await caches.has(NAME))) {
      const copy = response.clone();
      caches.open(NAME).then((cache) => cache.put(pathname, copy));
    }
    return response;
  } catch (error) {
    const kept = (await caches.has(NAME)) && (await (await caches.open(NAME)).match(pathname));
    if (kept) return kept;
    throw error;
  }
}

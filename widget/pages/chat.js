// /chat works without a line: its parts are kept by a service worker. "Salir" and "Borrar mis datos" take all of it away again.
if ('serviceWorker' in navigator && window.parent === window) {
  const address = '/orienta-sw.js';
  const trusted = window.trustedTypes
    ? window.trustedTypes.createPolicy('orienta-worker', { createScriptURL: () => address }).createScriptURL('')
    : address;
  navigator.serviceWorker.register(trusted, { scope: '/chat' }).catch(() => {});
}

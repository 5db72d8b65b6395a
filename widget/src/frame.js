import { el } from './dom.js';
import { Shell } from './shell.js';

/**
 * `data-mode="frame"`: the launcher stands in the page, the chat in a frame of our origin, where the host's scripts cannot read it.
 * The frame says "close" and "exit"; on an exit that begins here the frame is told, so that it ends its session.
 */
export class Frame extends Shell {
  build() {
    const { lang, color, topic, theme, base } = this.config;
    this.address = `${base}chat#${new URLSearchParams({ lang, color, topic, theme })}`;
    addEventListener('message', ({ source, origin, data }) => {
      if (!this.frame || source !== this.frame.contentWindow || origin !== new URL(base).origin) return;
      if (data === 'orienta:close') this.setOpen(false);
      if (data === 'orienta:exit') this.exit();
      if (data === 'orienta:left') super.go();
    });
    this.addEventListener('keydown', ({ key }) => key === 'Escape' && this.setOpen(false));
  }

  /**
   * @param {boolean} open
   * @param {boolean} [quietly]
   */
  setOpen(open, quietly) {
    if (open && !this.frame) {
      this.frame = el('iframe', { src: this.address, title: 'Orienta', referrerpolicy: 'no-referrer' });
      this.panel?.append(this.frame);
    }
    super.setOpen(open, quietly);
    if (!open && !quietly) this.launcher?.focus();
  }

  focusPanel() {
    this.frame?.focus();
  }

  leave() {
    this.frame?.contentWindow?.postMessage('orienta:exit', new URL(this.config.base).origin);
    super.leave();
  }

  /** The frame answers that it has told the server; it gets a moment for that and no more. */
  go() {
    setTimeout(() => super.go(), this.frame ? 150 : 0);
  }

  comeBack() {
    this.frame?.remove();
    this.frame = undefined;
    super.comeBack();
  }
}

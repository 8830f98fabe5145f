import { byId, make } from './dom.js';

const NoticeFor = 7_000; // ms
const Notices = 3;

/** The two side panels: columns where there is room, drawers where there is not. */
export class Drawers {
  #panels = [
    { panel: byId('rooms-panel'), open: byId('rooms-open'), close: byId('rooms-close'), narrow: matchMedia('(max-width: 759px)') },
    { panel: byId('members-panel'), open: byId('members-open'), close: byId('members-close'), narrow: matchMedia('(max-width: 1079px)') },
  ];
  #shown = null;
  #hiddenColumn = false;

  constructor() {
    for (const drawer of this.#panels) {
      drawer.open.addEventListener('click', () => this.toggle(drawer.panel));
      drawer.close.addEventListener('click', () => this.close());
      drawer.narrow.addEventListener('change', () => this.#apply());
    }
    byId('scrim').addEventListener('click', () => this.close());
    this.#apply();
  }

  get anyOpen() { return this.#shown !== null; }

  toggle(panel) {
    const drawer = this.#panels.find(d => d.panel === panel);
    if (!drawer.narrow.matches) this.#hiddenColumn = !this.#hiddenColumn;
    else if (this.#shown === drawer) return this.close();
    else this.#shown = drawer;
    this.#apply();
    if (this.#shown === drawer) drawer.close.focus();
  }

  /** Opens the drawer of a panel, if it is one just now. */
  reveal(panel) {
    const drawer = this.#panels.find(d => d.panel === panel);
    if (drawer.narrow.matches && this.#shown !== drawer) this.toggle(panel);
  }

  /** @returns {boolean} whether one was open */
  close() {
    const drawer = this.#shown;
    if (!drawer) return false;
    this.#shown = null;
    this.#apply();
    drawer.open.focus();
    return true;
  }

  #apply() {
    if (this.#shown && !this.#shown.narrow.matches) this.#shown = null;
    for (const drawer of this.#panels) {
      const visible = drawer.narrow.matches ? drawer === this.#shown : !(this.#hiddenColumn && drawer.panel.id === 'members-panel');
      // What is out of sight is out of the keyboard's reach too.
      drawer.panel.inert = !visible;
      drawer.panel.dataset.open = visible;
      drawer.open.setAttribute('aria-expanded', visible);
    }
    byId('conversation').inert = this.#shown !== null;
    byId('chat').dataset.drawer = this.#shown?.panel.id ?? '';
    byId('chat').dataset.people = !this.#hiddenColumn;
  }
}

/** A word to the user that goes by itself. @param {string} text @param {'info'|'error'} [kind] */
export function notice(text, kind = 'info') {
  const place = byId('notices');
  const item = make('p', { className: 'notice', data: { testid: 'notice', kind } }, text);
  item.addEventListener('click', () => item.remove());
  place.append(item);
  while (place.children.length > Notices) place.firstElementChild.remove();
  setTimeout(() => item.remove(), NoticeFor);
}

/**
 * The keys that work everywhere.
 * @param {{step: (by: number) => void, find: () => void, escape: () => void}} on
 */
export function listenToKeys(on) {
  document.addEventListener('keydown', event => {
    if (byId('chat').hidden || byId('keys').open || event.isComposing) return;
    const arrow = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (arrow && event.altKey && !event.ctrlKey && !event.metaKey) on.step(arrow);
    else if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey)) on.find();
    else if (event.key === 'Escape') on.escape();
    else if ((event.key === 'PageUp' || event.key === 'PageDown') && document.activeElement === byId('composer'))
      byId('scroller').scrollBy({ top: (event.key === 'PageUp' ? -0.8 : 0.8) * byId('scroller').clientHeight });
    else return;
    event.preventDefault();
  });
  byId('keys-open').addEventListener('click', () => byId('keys').showModal());
}

import { byId, say } from './dom.js';

const TypingEvery = 3_000; // ms; others forget a `typing` after 6 s
const CountFrom = 0.8;     // of the limit: nobody needs to see the count before

/** Where one writes: grows with the text, sends on Enter, tells that somebody is typing. */
export class Composer {
  #text = byId('composer');
  #send = byId('send');
  #limit = 1000;
  #typing = false;
  #stopTimer;
  #toldAt = 0;
  #on;

  /** @param {{send: (text: string) => void, typing: (isTyping: boolean) => void}} on */
  constructor(on) {
    this.#on = on;
    byId('compose').addEventListener('submit', event => { event.preventDefault(); this.#submit(); });
    this.#text.addEventListener('keydown', event => {
      // Enter that ends the writing of a Japanese or Chinese word does not send.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener('input', () => { this.#fit(); this.#tell(this.#text.value.trim() !== ''); });
    this.#text.addEventListener('blur', () => this.#tell(false));
  }

  /** UTF-16 code units, as `String.length` counts them and the server does. @param {number} limit */
  set limit(limit) { this.#limit = limit; this.#fit(); }

  get draft() { return this.#text.value; }

  /** Puts a room's draft in front. @param {string} room @param {string} draft */
  show(room, draft) {
    this.#tell(false);
    this.#text.value = draft;
    this.#text.placeholder = `Message #${room}`;
    say(byId('composer-label'), `Message in ${room}`);
    this.#fit();
  }

  set disabled(disabled) { this.#text.disabled = disabled; this.#fit(); }

  focus() { this.#text.focus(); }

  #submit() {
    const text = this.#text.value.trim();
    if (text === '' || text.length > this.#limit) return;
    this.#tell(false);
    this.#text.value = '';
    this.#fit();
    this.#on.send(text);
    this.focus();
  }

  #fit() {
    const length = this.#text.value.trim().length;
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
    const left = this.#limit - length;
    say(byId('composer-count'), length < this.#limit * CountFrom ? '' : left >= 0 ? `${left} left` : `${-left} too many`);
    byId('composer-count').dataset.over = left < 0;
    this.#send.disabled = length === 0 || left < 0 || this.#text.disabled;
  }

  #tell(isTyping) {
    clearTimeout(this.#stopTimer);
    if (isTyping) this.#stopTimer = setTimeout(() => this.#tell(false), TypingEvery + 1_000);
    if (isTyping === this.#typing && (!isTyping || performance.now() - this.#toldAt < TypingEvery)) return;
    this.#typing = isTyping;
    this.#toldAt = performance.now();
    this.#on.typing(isTyping);
  }
}

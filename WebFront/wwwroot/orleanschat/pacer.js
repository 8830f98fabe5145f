/**
 * Sends frames no faster than the server takes them (20 a second, burst 40), with room to spare: a hundred rooms joined
 * again after a reconnect would otherwise be refused, and 50 refusals close the connection with 1008.
 */
export class Pacer {
  static PerSecond = 15;
  static Burst = 30;
  static Waiting = 500; // frames; more than that is refused

  #send;
  #queue = [];
  #tokens = Pacer.Burst;
  #filled = Date.now();
  #refusals = 0;
  #timer;

  /** @param {(frame: object) => void} send */
  constructor(send) { this.#send = send; }

  /** @returns {boolean} false if too many frames are waiting */
  post(frame) {
    if (this.#queue.length >= Pacer.Waiting) return false;
    this.#queue.push(frame);
    this.#run();
    return true;
  }

  /** Sends now or not at all: for what is worth nothing later. */
  postNow(frame) {
    if (this.#queue.length === 0) this.post(frame);
  }

  /** The server refused a frame: its limits are narrower than the usual ones. */
  refused(retryAfter = 0) {
    const wait = Math.max(retryAfter, 250 * 2 ** Math.min(this.#refusals++, 5));
    this.#tokens = 1 - wait / 1000 * Pacer.PerSecond;
    this.#filled = Date.now();
    this.#run();
  }

  /** The server answered: what it refuses after this counts from the beginning. */
  answered() { this.#refusals = 0; }

  /** A new connection, and with it a full bucket; what waited for the old one is not sent. */
  reset() {
    this.#queue.length = 0;
    this.#tokens = Pacer.Burst;
    this.#refusals = 0;
    clearTimeout(this.#timer);
  }

  #run() {
    const now = Date.now();
    const passed = Math.max(0, now - this.#filled) / 1000; // the device's clock may be set back
    this.#tokens = Math.min(Pacer.Burst, this.#tokens + passed * Pacer.PerSecond);
    this.#filled = now;
    while (this.#queue.length > 0 && this.#tokens >= 1) {
      this.#tokens--;
      this.#send(this.#queue.shift());
    }
    clearTimeout(this.#timer);
    if (this.#queue.length > 0)
      this.#timer = setTimeout(() => this.#run(), Math.ceil((1 - this.#tokens) / Pacer.PerSecond * 1000));
  }
}

import { backoff } from './backoff.js';
import { ChatError } from './errors.js';

const GiveUpAfter = 300_000; // ms; the server knows an id again for 10 minutes at least, so a repeat is safe until then
const Waiting = 100;         // messages of one room
const InternalTries = 3;     // `internal` may be a fault that this very message runs into each time
const FirstDelay = 500;      // ms
const LongestDelay = 10_000; // ms

/**
 * The messages of one room that are not acknowledged yet, one on the wire at a time. So a message that has to be repeated cannot
 * be overtaken by the next one, and at 20 frames a second, which is all the server takes, nothing is lost by it.
 */
export class Publisher {
  #room; #request; #rejoin; #random;
  #queue = [];
  #open = false;
  #busy = false;
  #timer;

  /**
   * @param {string} room
   * @param {{request: (type: string, payload: object, id: string) => Promise<object>, rejoin: () => void, random: () => number}} by
   */
  constructor(room, { request, rejoin, random }) {
    this.#room = room;
    this.#request = request;
    this.#rejoin = rejoin;
    this.#random = random;
  }

  /** @returns {Promise<object>} the ack @throws {ChatError} */
  publish(message, id) {
    const same = this.#queue.find(item => item.id === id);
    if (same) return same.acked;
    if (this.#queue.length >= Waiting) return Promise.reject(new ChatError('queue_full', 'too many messages are waiting to be sent'));
    const item = { id, message, sent: false, rejoined: false, tries: 0 };
    item.acked = new Promise((resolve, reject) => Object.assign(item, { resolve, reject }));
    item.timer = setTimeout(() => this.#end(item).reject(new ChatError('timeout', 'the message could not be sent in time', { id })), GiveUpAfter);
    this.#queue.push(item);
    this.#run();
    return item.acked;
  }

  /** The room is joined on the present connection. */
  open() {
    this.#open = true;
    clearTimeout(this.#timer);
    this.#run();
  }

  /** The connection is gone: what waits, waits for the next {@link open}. */
  close() { this.#open = false; }

  /** Gives up what waits; with `onlySent` what was never on the wire goes on waiting. */
  fail(error, { onlySent = false } = {}) {
    for (const item of this.#queue.filter(item => item.sent || !onlySent)) this.#end(item).reject(error);
  }

  async #run() {
    const item = this.#queue[0];
    if (!item || !this.#open || this.#busy) return;
    this.#busy = item.sent = true;
    let wait = 0;
    try {
      const ack = await this.#request('chat_message', { room: this.#room, message: item.message }, item.id);
      this.#end(item).resolve(ack);
    } catch (error) {
      wait = this.#failed(item, error);
    }
    this.#busy = false;
    clearTimeout(this.#timer);
    if (wait > 0) this.#timer = setTimeout(() => this.#run(), wait);
    else this.#run();
  }

  /** @returns {number} ms until the next try */
  #failed(item, error) {
    if (error.code === 'disconnected') return 0;
    item.tries++;
    if (error.code === 'not_in_room' && !item.rejoined) {
      item.rejoined = true;
      // The server forgot that we are here: the next room_joined opens again.
      this.close();
      this.#rejoin();
      return 0;
    }
    if (!error.temporary || error.code === 'internal' && item.tries >= InternalTries) {
      this.#end(item).reject(error);
      return 0;
    }
    return Math.max(error.retryAfter ?? 0, 50, backoff(item.tries - 1, FirstDelay, LongestDelay, this.#random));
  }

  #end(item) {
    clearTimeout(item.timer);
    const at = this.#queue.indexOf(item);
    if (at >= 0) this.#queue.splice(at, 1);
    return item;
  }
}

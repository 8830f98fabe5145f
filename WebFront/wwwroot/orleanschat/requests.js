import { ChatError } from './errors.js';

const AnswerTimeout = 15_000; // ms; the server itself gives up after 6 s

/** Frames that wait for the answer that carries their id. */
export class Requests {
  #waiting = new Map();
  #post;

  /** @param {(frame: object) => boolean} post */
  constructor(post) { this.#post = post; }

  /**
   * @param {string} type
   * @param {object|undefined} payload
   * @param {string} id unique among the requests under way
   * @returns {Promise<object>} the answer's frame
   * @throws {ChatError} the server's refusal, or `timeout`, `queue_full`, `disconnected`, `closed`
   */
  send(type, payload, id) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(id)?.reject(new ChatError('timeout', `no answer to ${type}`, { id })), AnswerTimeout);
      this.#waiting.set(id, { resolve, reject, timer });
      if (!this.#post({ type, id, payload })) this.#end(id).reject(new ChatError('queue_full', 'too much is waiting to be sent', { id }));
    });
  }

  /** @returns {boolean} whether the frame answered a request */
  settle(frame) {
    const request = this.#end(frame.id);
    if (!request) return false;
    if (frame.type === 'error') request.reject(new ChatError(frame.code, frame.error, frame));
    else request.resolve(frame);
    return true;
  }

  /** Nothing that waits will be answered any more. */
  failAll(error) {
    for (const id of [...this.#waiting.keys()]) this.#end(id).reject(error);
  }

  #end(id) {
    const request = this.#waiting.get(id);
    if (!request) return undefined;
    this.#waiting.delete(id);
    clearTimeout(request.timer);
    return request;
  }
}

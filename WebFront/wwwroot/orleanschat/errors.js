/**
 * A request that was refused by the server, or that the client itself gave up.
 *
 * `code` is one of the protocol's error codes (PROTOCOL.md, "Error codes"), or one of the client's own:
 * - `disconnected`: the connection was lost, or is not there; ask again when the state is `connected`.
 * - `timeout`: no answer in time. For a publish: not known whether it happened; the same id may be published again.
 * - `queue_full`: too much is waiting already; nothing was sent.
 * - `left`: the room was left, or lost, before the answer came.
 * - `user_changed`: the new token belongs to somebody else, so a repeat could make a second message.
 * - `closed`: the client is closed.
 */
export class ChatError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] text for people
   * @param {{retryAfter?: number, room?: string, id?: string}} [more] `retryAfter` in ms
   */
  constructor(code, message = code, { retryAfter, room, id } = {}) {
    super(message);
    this.name = 'ChatError';
    this.code = code;
    this.retryAfter = retryAfter;
    this.room = room;
    this.id = id;
  }

  /** Asking again, later and unchanged, can succeed, and cannot do the thing twice. */
  get temporary() {
    return ['unavailable', 'rate_limited', 'internal', 'timeout', 'disconnected', 'queue_full'].includes(this.code);
  }
}

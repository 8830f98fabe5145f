/**
 * Where this client stands in one room's log: the last (epoch, seq) it delivered. One number is all it takes to deliver each
 * message once and in order, because the server sends the seqs of an epoch one by one (PROTOCOL.md, "the promise").
 */
export class Cursor {
  #room;
  #history;
  #seq = null;      // null: nothing delivered yet, any first message will do
  #leap = false;    // after a hole the next message may be any later one
  #repairs = 0;     // gaps found since the last message that fitted

  epoch = null;

  /** @param {string} room @param {number} history how many messages to look back when there is nothing to recover */
  constructor(room, history) {
    this.#room = room;
    this.#history = history;
  }

  /** The `join_room` payload that continues from here. */
  get payload() {
    return this.#seq === null
      ? { room: this.#room, history: this.#history }
      : { room: this.#room, since: this.#seq, epoch: this.epoch };
  }

  /** @param {object} frame `room_joined` @returns {{sameEpoch: boolean, after: number}|null} the hole that it tells of */
  joined(frame) {
    const sameEpoch = frame.epoch === this.epoch;
    const after = this.#seq;
    this.epoch = frame.epoch;
    if (after !== null && sameEpoch && frame.recovered === true) return null;
    if (after !== null && sameEpoch) {
      this.#leap = true;
      return { sameEpoch, after };
    }
    // With history to come the first of it says where it begins; without, the next message is the one after the head.
    this.#seq = frame.seq > 0 && (this.#history > 0 || after !== null) ? null : frame.seq;
    this.#leap = false;
    return after === null ? null : { sameEpoch, after };
  }

  /** @param {number} seq @returns {'next'|'seen'|'gap'} */
  take(seq) {
    if (this.#seq !== null && seq <= this.#seq) return 'seen';
    if (this.#seq !== null && seq !== this.#seq + 1 && !this.#leap) return 'gap';
    this.#seq = seq;
    this.#leap = false;
    this.#repairs = 0;
    return 'next';
  }

  /**
   * A message is missing although the server promises none is. Asking again repairs that; if it does not, even twice,
   * going on with a hole is better than asking for ever.
   * @returns {{sameEpoch: boolean, after: number}|null} the hole to go on with, or null: join again
   */
  gap() {
    if (++this.#repairs <= 2) return null;
    this.#leap = true;
    return { sameEpoch: true, after: this.#seq };
  }
}

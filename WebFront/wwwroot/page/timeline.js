const Kept = 500;      // messages of a room while the newest are in view; older ones are loaded again when wanted
const KeptMost = 2000; // … while somebody reads back

/**
 * What one room shows: runs of messages without a hole (segments), with a hole between one run and the next, and this
 * user's own messages that are not acknowledged yet. Knows nothing about the page.
 */
export class Timeline {
  /** @type {{epoch: string, messages: object[], more: boolean}[]} `more`: the server may have older ones than the first */
  segments = [];
  /** @type {{key: string, id: string, text: string, at: number, state: 'sending'|'sent'|'failed', error?: Error, seq?: number}[]} */
  pending = [];
  #guessed = new Map(); // id → the message that was taken for it before the ack said so
  #head = null;         // where the room stood when this user last came in: {epoch, seq}

  get last() { return this.segments.at(-1); }

  /** Whether all is here that `room_joined` spoke of: what comes after it may be drawn in pieces. */
  get isCaughtUp() {
    const last = this.last?.messages.at(-1);
    return !last || last.epoch !== this.#head.epoch || last.seq >= this.#head.seq;
  }

  /** @param {object} frame `room_joined` */
  joined(frame) {
    this.#head = { epoch: frame.epoch, seq: frame.seq };
    if (this.segments.length === 0) this.segments.push({ epoch: frame.epoch, messages: [], more: frame.seq > 0 });
  }

  /** Messages are missing after what is here. @param {{epoch: string}} hole */
  hole({ epoch }) {
    if (this.last?.messages.length === 0) this.segments.pop();
    this.segments.push({ epoch, messages: [], more: true });
    // Acknowledged but not shown yet: they are in the hole.
    this.pending = this.pending.filter(own => own.state !== 'sent');
  }

  /** The next message of the room. @param {object} frame `chat_message` @param {string} me this user's id */
  receive(frame, me) {
    const message = { key: `${frame.epoch}:${frame.seq}`, ...frame, own: frame.userId === me };
    if (message.own) this.#recognise(message);
    this.last.messages.push(message);
    this.#close(this.segments.length - 1);
  }

  /** An own message sets out. */
  send(id, text, at) { this.pending.push({ key: `own:${id}`, id, text, at, state: 'sending' }); }

  retry(id) {
    const own = this.pending.find(own => own.id === id);
    if (own) Object.assign(own, { state: 'sending', error: undefined });
    return own;
  }

  discard(id) { this.pending = this.pending.filter(own => own.id !== id); }

  /** @param {string} id @param {number} seq */
  acknowledged(id, seq) {
    const guess = this.#guessed.get(id);
    this.#guessed.delete(id);
    if (guess?.message.seq === seq) return;
    const own = guess?.own ?? this.pending.find(own => own.id === id);
    if (!own) return;
    this.discard(id);
    // The message itself comes before or after its ack; until it is here, the acknowledged one stands for it.
    if (!this.last.messages.some(message => message.seq === seq)) this.pending.push({ ...own, state: 'sent', seq });
  }

  /** @param {string} id @param {Error} error */
  failed(id, error) {
    this.#guessed.delete(id);
    const own = this.pending.find(own => own.id === id);
    if (own) Object.assign(own, { state: 'failed', error });
  }

  /** Puts a `history` answer in front of a segment. @param {object} segment @param {object} frame @param {string} me */
  older(segment, frame, me) {
    const at = this.segments.indexOf(segment);
    if (at < 0) return;
    segment.more = frame.more && frame.epoch === segment.epoch && frame.messages.length > 0;
    if (frame.epoch !== segment.epoch) return;
    const first = segment.messages[0]?.seq ?? Infinity;
    const earlier = frame.messages.filter(message => message.seq < first)
      .map(message => ({ key: `${frame.epoch}:${message.seq}`, ...message, epoch: frame.epoch, own: message.userId === me }));
    segment.messages.unshift(...earlier);
    this.#close(at);
  }

  /** Forgets what is far away. @param {boolean} reading whether somebody reads back, and would miss it */
  trim(reading) {
    const total = this.segments.reduce((sum, segment) => sum + segment.messages.length, 0);
    let excess = total > (reading ? KeptMost : Kept * 1.2) ? total - (reading ? KeptMost : Kept) : 0;
    while (excess > 0) {
      const cut = this.segments[0].messages.splice(0, excess);
      excess -= cut.length;
      this.segments[0].more = true;
      if (this.segments[0].messages.length === 0 && this.segments.length > 1) this.segments.shift();
    }
  }

  // Two segments that meet, or overlap, have no hole between them any more.
  #close(at) {
    const [before, after] = [this.segments[at - 1], this.segments[at]];
    if (!before || before.epoch !== after.epoch || before.messages.length === 0 || after.messages.length === 0) return;
    const end = before.messages.at(-1).seq;
    if (after.messages[0].seq > end + 1) return;
    before.messages.push(...after.messages.filter(message => message.seq > end));
    this.segments.splice(at, 1);
  }

  // Message and ack come in either order. When the message is first, its text tells whose it is, so that it is not shown
  // twice for a moment; if that was wrong (the same text from another tab), the ack puts it right.
  #recognise(message) {
    const own = this.pending.find(own => own.seq === message.seq)
      ?? this.pending.find(own => own.text === message.message && (own.state === 'sending' || own.error?.code === 'timeout'));
    if (!own) return;
    this.discard(own.id);
    message.key = own.key; // the element stays the same one: nothing flickers
    if (own.state === 'sending') this.#guessed.set(own.id, { own, message });
  }
}

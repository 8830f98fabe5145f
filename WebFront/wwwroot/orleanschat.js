import { backoff } from './orleanschat/backoff.js';
import { Connection } from './orleanschat/connection.js';
import { Emitter } from './orleanschat/emitter.js';
import { ChatError } from './orleanschat/errors.js';
import { Pacer } from './orleanschat/pacer.js';
import { Requests } from './orleanschat/requests.js';
import { Room } from './orleanschat/room.js';

export { ChatError };

const RenewAgain = 10_000; // ms; the server tells of the end 60 s ahead, so there are a few tries

/**
 * The client of an OrleansChat server, for browsers and Node 20 or later. Node has a `WebSocket` of its own from version 22 on; in
 * Node 20 hand one in, such as that of the package `ws`: `new OrleansChat({ url, token, WebSocket })`.
 *
 *     const chat = new OrleansChat({ url: 'wss://chat.example/ws', token: async () => fetchToken() });
 *     chat.on('chat_message', m => console.log(m.username, m.message));
 *     chat.connect();
 *     await chat.join('lobby', { history: 50 });
 *     await chat.publish('lobby', 'Hello');   // resolves when the message is in the room's log
 *
 * What it promises: each message of a joined room is delivered once and in order, across lost connections; what could not be
 * recovered is told by `hole`; a publish is repeated under one id until it is acknowledged, and makes one message.
 * What it remembers is bounded: per room one position and at most 100 publishes, and 500 frames that wait to be sent.
 *
 * Events, for {@link on}. Every frame from the server is an event of its own type with the frame as value (PROTOCOL.md), and:
 * - `state` `{state, code?, reason?, retryIn?}`: connecting | connected | reconnecting | offline | closed. `code` and `reason` are
 *   the WebSocket's, `retryIn` is ms. After `closed` nothing happens until {@link connect}: 1000 = {@link close}; 1002, 1003, 1007,
 *   1009, 4403 = the server does not want this client back; 4401 = the token provider has no token.
 * - `chat_message` has `epoch` too, and comes once per (room, epoch, seq), in order.
 * - `hole` `{room, epoch, sameEpoch, after}`: messages after seq `after` are missing; what was delivered until now stays as it is,
 *   the newest messages follow. With `sameEpoch: false` the log began anew and seqs cannot be compared with earlier ones.
 * - `room_lost` `{room, error}`: a room that was joined cannot be joined any more (banned, kicked, full …).
 */
export class OrleansChat {
  #emitter = new Emitter();
  #rooms = new Map();
  #connection; #requests; #pacer; #token; #random;
  #prefix; #count = 0;
  #renewTimer;

  /** Of the last `connected` frame. @type {{clientId: string, userId: string, username: string, limits: object, expiresAt: number}|null} */
  session = null;

  /**
   * @param {object} options
   * @param {string} options.url ws: or wss: address of the server's `/ws`
   * @param {(why: {renew: boolean}) => Promise<string|null>} options.token called before each attempt to connect and before the token
   *   runs out; with `renew` the last one ran out, is about to, or was perhaps refused. `null`: there is none, the client closes.
   *   A rejection counts as a failed attempt.
   * @param {any} [options.WebSocket] the constructor, where there is no global one (Node 20): called with address and subprotocols; of
   *   what it makes `readyState`, `send`, `close`, `onmessage` (text as a string) and `onclose` (`code`, `reason`) are used
   * @param {() => number} [options.random] 0 to 1, for the jitter
   * @throws {TypeError} there is no `WebSocket`
   */
  constructor({ url, token, WebSocket = globalThis.WebSocket, random = Math.random }) {
    if (!WebSocket) throw new TypeError('There is no WebSocket here: hand one in as the option WebSocket');
    this.#token = token;
    this.#random = random;
    this.#prefix = Array.from(crypto.getRandomValues(new Uint8Array(12)), byte => byte.toString(16).padStart(2, '0')).join('');
    this.#pacer = new Pacer(frame => this.#connection.send(frame));
    this.#requests = new Requests(frame => this.#pacer.post(frame));
    this.#connection = new Connection({
      url, token, WebSocket, random,
      onState: state => this.#state(state),
      onFrame: frame => this.#frame(frame),
    });
  }

  /** idle | connecting | connected | reconnecting | offline | closed */
  get state() { return this.#connection.state; }

  /** Names of the rooms this client is in, or gets into as soon as it is connected. @returns {string[]} */
  get rooms() { return [...this.#rooms.keys()]; }

  /** @param {string} name @param {(value: any) => void} listener @returns {() => void} takes the listener off again */
  on(name, listener) { return this.#emitter.on(name, listener); }

  /** Connects, and stays connected until {@link close}. */
  connect() { this.#connection.start(); }

  /** Ends the connection; what waits is rejected with `closed`. Rooms are kept for a later {@link connect}. */
  close() { this.#connection.stop(); }

  /** Tell it what the browser's `online` and `offline` events say: it then tries, or looks after the connection, at once. */
  setOnline(online) { this.#connection.setOnline(online); }

  /** Tries to connect now instead of later; finds out within seconds whether an open connection still lives. */
  wake() { this.#connection.wake(); }

  /** @returns {string} an id for {@link publish}: unique, at most 64 characters */
  newId() { return `${this.#prefix}-${(++this.#count).toString(36)}`; }

  /**
   * Joins a room and stays in it across connections. Joining again changes nothing. Waits for a connection as long as it takes.
   * @param {string} room
   * @param {{history?: number}} [options] how many earlier messages to begin with, 0–200
   * @returns {Promise<object>} the first `room_joined`
   * @throws {ChatError} `banned`, `forbidden`, `room_full`, `too_many_rooms`, `invalid_payload`, …, or `left`
   */
  async join(room, { history = 0 } = {}) {
    let joined = this.#rooms.get(room);
    if (!joined) {
      joined = new Room(room, history, {
        request: (type, payload, id) => this.#requests.send(type, payload, id),
        rejoin: () => this.#enter(joined),
        random: this.#random,
      });
      this.#rooms.set(room, joined);
      if (this.state === 'connected') this.#enter(joined);
    }
    return joined.entered;
  }

  /** Leaves a room. Resolves at once when there is no connection: the next one does not join it. @param {string} room */
  async leave(room) {
    if (!this.#lose(room, new ChatError('left', 'the room was left', { room })) || this.state !== 'connected') return;
    await this.request('leave_room', { room });
  }

  /**
   * Publishes a message in a joined room. Repeated under the same id after a lost connection or an `unavailable`, for up to
   * 5 minutes; the messages of one room keep their order.
   * @param {string} room
   * @param {string} message 1 to `session.limits.messageChars` UTF-16 code units
   * @param {{id?: string}} [options] the same id and text as before, to try again a message that failed: it cannot become two
   * @returns {Promise<{id: string, seq: number, timestamp: number, duplicate?: boolean}>} the ack
   * @throws {ChatError} a refusal (`message_too_long`, `muted`, …); `timeout`: not known whether it was published; `not_in_room`;
   *   `queue_full`; `left`; `user_changed`; `closed`
   */
  async publish(room, message, { id = this.newId() } = {}) {
    const joined = this.#rooms.get(room);
    if (!joined) throw new ChatError('not_in_room', 'the room was not joined', { room, id });
    return joined.publisher.publish(message, id);
  }

  /** Says that the user began or stopped typing. Lost without a word when there is no connection or much to send. */
  typing(room, isTyping) {
    if (this.#rooms.get(room)?.joined) this.#pacer.postNow({ type: 'typing', payload: { room, isTyping } });
  }

  /**
   * @param {string} room
   * @param {{before?: number, after?: number, limit?: number}} [page] a seq, exclusive (neither: the newest); 1–200 messages
   * @returns {Promise<{epoch: string, messages: object[], more: boolean}>} ascending
   * @throws {ChatError} `not_in_room`, `disconnected`, `timeout`, …
   */
  history(room, page = {}) { return this.request('history', { room, ...page }); }

  /**
   * @param {string} room
   * @param {{after?: string, limit?: number}} [page] a userId, exclusive
   * @returns {Promise<{members: number, users: {userId: string, username: string, connections: number}[], more: boolean}>}
   * @throws {ChatError} `not_in_room`, `disconnected`, `timeout`, …
   */
  members(room, page = {}) { return this.request('members', { room, ...page }); }

  /**
   * Any other frame of the protocol (`mark_read`, `rooms`, `direct_message`, `kick`, …), sent once.
   * @returns {Promise<object>} the answer
   * @throws {ChatError} the refusal, or `disconnected`, `timeout`
   */
  async request(type, payload) {
    if (this.state !== 'connected') throw new ChatError('disconnected', 'there is no connection');
    return this.#requests.send(type, payload, this.newId());
  }

  #state(state) {
    if (state.state !== 'connected') this.#disconnected(state.state === 'closed' ? 'closed' : 'disconnected');
    // `connected` is told by its frame, when the session is known and the rooms are on their way.
    if (state.state !== 'connected') this.#emitter.emit('state', state);
  }

  #disconnected(code) {
    clearTimeout(this.#renewTimer);
    this.#pacer.reset();
    for (const room of this.#rooms.values()) room.disconnected();
    this.#requests.failAll(new ChatError(code, 'the connection is gone'));
    if (code === 'closed') for (const room of this.#rooms.values()) room.publisher.fail(new ChatError(code, 'the client is closed'));
  }

  #frame(frame) {
    switch (frame.type) {
      case 'connected': return this.#connected(frame);
      case 'room_joined': if (!this.#joined(frame)) return; break;
      case 'chat_message': return this.#message(frame);
      case 'room_left': if (!frame.id) this.#lose(frame.room, new ChatError('left', 'the server took you out of the room', frame), true); break;
      case 'moderation': this.#moderated(frame); break;
      case 'token_expiring': this.#renew(); break;
      case 'error': if (frame.code === 'rate_limited') this.#pacer.refused(frame.retryAfter); break;
    }
    this.#emitter.emit(frame.type, frame);
    if (frame.id && this.#requests.settle(frame) && frame.type !== 'error') this.#pacer.answered();
  }

  #connected(frame) {
    if (this.session && this.session.userId !== frame.userId) {
      // Ids are unique per user: what may have been published under the old one would be published again under the new one.
      const error = new ChatError('user_changed', 'the token belongs to another user now');
      for (const room of this.#rooms.values()) room.publisher.fail(error, { onlySent: true });
    }
    this.session = frame;
    this.#emitter.emit('connected', frame);
    this.#emitter.emit('state', { state: 'connected' });
    for (const room of this.#rooms.values()) this.#enter(room);
  }

  async #enter(room) {
    if (room.joining) return;
    room.joining = true;
    clearTimeout(room.timer);
    try {
      await this.#requests.send('join_room', room.cursor.payload, this.newId());
    } catch (error) {
      if (this.#rooms.get(room.name) !== room || error.code === 'disconnected' || error.code === 'closed') return;
      room.joining = false;
      if (!error.temporary) return this.#lose(room.name, error, true);
      room.timer = setTimeout(() => this.#enter(room), Math.max(error.retryAfter ?? 0, backoff(room.tries++, 500, 10_000, this.#random)));
    }
  }

  #joined(frame) {
    const room = this.#rooms.get(frame.room);
    if (!room) return false;
    if (frame.id) room.joining = false;
    const hole = room.cursor.joined(frame);
    room.joined = true;
    room.tries = 0;
    if (hole) this.#emitter.emit('hole', { room: room.name, epoch: frame.epoch, ...hole });
    room.enter(frame);
    room.publisher.open();
    return true;
  }

  #message(frame) {
    const room = this.#rooms.get(frame.room);
    if (!room?.joined) return;
    let step = room.cursor.take(frame.seq);
    if (step === 'gap' && !room.joining) {
      const hole = room.cursor.gap();
      if (!hole) return void this.#enter(room);
      this.#emitter.emit('hole', { room: room.name, epoch: room.cursor.epoch, ...hole });
      step = room.cursor.take(frame.seq);
    }
    if (step === 'next') this.#emitter.emit('chat_message', { ...frame, epoch: room.cursor.epoch });
  }

  #moderated(frame) {
    if (frame.userId !== this.session?.userId || !['kick', 'ban'].includes(frame.action)) return;
    // Coming back at once would make a kick worth nothing.
    this.#lose(frame.room, new ChatError(frame.action === 'ban' ? 'banned' : 'kicked', frame.reason, frame), true);
  }

  #lose(name, error, tell = false) {
    const room = this.#rooms.get(name);
    if (!room) return false;
    this.#rooms.delete(name);
    room.end(error);
    if (tell) this.#emitter.emit('room_lost', { room: name, error });
    return true;
  }

  async #renew() {
    clearTimeout(this.#renewTimer);
    const session = this.session;
    try {
      const token = await this.#token({ renew: true });
      if (token && this.session === session) await this.request('refresh_token', { token });
    } catch {
      if (this.session === session && this.state === 'connected') this.#renewTimer = setTimeout(() => this.#renew(), RenewAgain);
    }
  }
}

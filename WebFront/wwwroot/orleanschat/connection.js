import { backoff } from './backoff.js';

// The server will not have this client back as it is: PROTOCOL.md, "Close codes".
const Final = new Set([1002, 1003, 1007, 1009, 4403]);
const TokenExpired = 4401;
const RateLimit = 1008;
const Silent = 4408;

const FirstDelay = 500;       // ms, first ceiling of the back-off
const LongestDelay = 30_000;  // ms
const SlowDelay = 30_000;     // ms, the least wait after 1008
const OpenTimeout = 15_000;   // ms from the attempt to the `connected` frame
const StableAfter = 10_000;   // ms connected, until which a new loss goes on backing off
const ProbeTimeout = 4_000;   // ms an answer may take when the device woke up or changed network
const RenewAfter = 2;         // attempts that never opened; a browser cannot see a 401, so then the token is suspected

/**
 * Keeps one WebSocket open: token, heartbeat, back-off, close codes. Knows nothing about rooms.
 * States: idle → connecting → connected ⇄ reconnecting | offline → closed.
 */
export class Connection {
  #options;
  #socket = null;
  #wanted = false;
  #online = true;
  #opened = false;      // this socket sent its `connected` frame
  #waiting = false;     // for the next attempt
  #draining = false;    // the server named the time of the next attempt
  #patient = false;     // 1008: nothing but the timer may start the next attempt
  #renew = false;       // the next token must be a new one
  #attempts = 0;        // since the last stable connection
  #unopened = 0;        // attempts in a row that never got as far as `connected`
  #turn = 0;            // attempts of an older turn that end late are ignored
  #nextTimer; #openTimer; #stableTimer; #heartTimer;
  #heartbeat = { interval: 30_000, timeout: 10_000 };

  /**
   * @param {{url: string, token: (why: {renew: boolean}) => Promise<string|null>, WebSocket: any, random: () => number,
   *   onState: (state: object) => void, onFrame: (frame: object) => void}} options
   */
  constructor(options) {
    this.#options = options;
    this.state = 'idle';
  }

  /** Starts, or does nothing if started. */
  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempts = this.#unopened = 0;
    this.#open('connecting');
  }

  /** Ends for good; only {@link start} opens again. */
  stop(code = 1000, reason = '') {
    this.#wanted = false;
    this.#drop();
    clearTimeout(this.#nextTimer);
    this.#set('closed', { code, reason });
  }

  /** @returns {boolean} false if there is no connection to send on */
  send(frame) {
    if (!this.#opened || this.#socket.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** What the device says about its network: a hint that shows in the state and speeds things up, but stops nothing. */
  setOnline(online) {
    this.#online = online;
    if (!online && this.state === 'reconnecting') this.#set('offline');
    if (online && this.state === 'offline') this.#set('reconnecting');
    this.wake();
  }

  /** Tries now instead of later, and finds out soon whether an open connection is still alive. */
  wake() {
    if (!this.#wanted) return;
    if (this.#opened) this.#probe(Math.min(ProbeTimeout, this.#heartbeat.timeout));
    else if (!this.#socket && this.#waiting && !this.#patient && !this.#draining) this.#open('reconnecting');
  }

  async #open(state) {
    clearTimeout(this.#nextTimer);
    this.#waiting = this.#draining = this.#patient = false;
    const turn = ++this.#turn;
    this.#set(!this.#online && state !== 'connecting' ? 'offline' : state);
    this.#openTimer = setTimeout(() => this.#lost(0, 'no answer'), OpenTimeout);
    try {
      const token = await this.#options.token({ renew: this.#renew || this.#unopened >= RenewAfter });
      if (turn !== this.#turn) return;
      if (!token) return this.stop(TokenExpired, 'no token');
      this.#renew = false;
      this.#listen(new this.#options.WebSocket(this.#options.url, ['orleanschat.v1', `bearer.${token}`]));
    } catch (error) {
      if (turn !== this.#turn) return;
      // A token that is no subprotocol will not become one by waiting.
      if (error.name === 'SyntaxError') this.stop(TokenExpired, 'the token is not valid');
      else this.#lost(0, error.message);
    }
  }

  #listen(socket) {
    this.#socket = socket;
    socket.onmessage = event => this.#received(event.data);
    socket.onclose = event => this.#lost(event.code, event.reason);
    socket.onerror = () => { }; // `close` follows, and says more
  }

  #received(data) {
    this.#listenFor(this.#heartbeat.interval);
    let frame;
    try { frame = JSON.parse(data); } catch { return; }
    if (typeof frame?.type !== 'string') return;
    if (frame.type === 'connected') this.#connected(frame);
    else if (frame.type === 'ping') this.send({ type: 'pong' });
    else if (frame.type === 'reconnect') this.#drain(frame.after ?? 0);
    this.#options.onFrame(frame);
  }

  #connected(frame) {
    clearTimeout(this.#openTimer);
    this.#opened = true;
    this.#unopened = 0;
    this.#heartbeat = { ...this.#heartbeat, ...frame.heartbeat };
    this.#listenFor(this.#heartbeat.interval);
    this.#stableTimer = setTimeout(() => { this.#attempts = 0; }, StableAfter);
    this.#set('connected');
  }

  // The server pings after `interval` of the *client's* silence; one that talks but hears nothing asks by itself.
  #listenFor(interval) {
    clearTimeout(this.#heartTimer);
    this.#heartTimer = setTimeout(() => this.#probe(this.#heartbeat.timeout), interval);
  }

  #probe(patience) {
    this.send({ type: 'ping' });
    clearTimeout(this.#heartTimer);
    this.#heartTimer = setTimeout(() => this.#lost(Silent, 'the server is silent'), patience);
  }

  #drain(after) {
    this.#draining = true;
    clearTimeout(this.#nextTimer);
    this.#nextTimer = setTimeout(() => { this.#drop(); this.#open('reconnecting'); }, after);
  }

  #lost(code, reason) {
    const neverOpened = !this.#opened;
    this.#drop();
    if (Final.has(code)) return this.stop(code, reason);
    if (neverOpened) this.#unopened++;
    this.#renew ||= code === TokenExpired;
    this.#patient = code === RateLimit;
    const retryIn = this.#draining ? undefined : this.#delay(code);
    this.#attempts++;
    this.#waiting = true;
    if (!this.#draining) this.#nextTimer = setTimeout(() => this.#open('reconnecting'), retryIn);
    this.#set(this.#online ? 'reconnecting' : 'offline', { code, reason, retryIn });
  }

  #delay(code) {
    if (code === RateLimit) return SlowDelay + this.#options.random() * SlowDelay;
    if (code === TokenExpired && this.#attempts === 0) return 0;
    return backoff(this.#attempts, FirstDelay, LongestDelay, this.#options.random);
  }

  #drop() {
    this.#turn++;
    for (const timer of [this.#openTimer, this.#stableTimer, this.#heartTimer]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    this.#opened = false;
    if (!socket) return;
    // A dead connection would say `close` minutes later: nobody listens any more.
    socket.onmessage = socket.onclose = null;
    if (socket.readyState < 2) socket.close(1000);
  }

  #set(state, more = {}) {
    if (state === this.state && state !== 'reconnecting' && state !== 'offline') return;
    this.state = state;
    this.#options.onState({ state, ...more });
  }
}

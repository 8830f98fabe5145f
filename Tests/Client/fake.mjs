import { mock } from 'node:test';
import { OrleansChat } from '../../WebFront/wwwroot/orleanschat.js';

/** Lets promises that are settled already run to their end; no time passes. */
export const settle = () => new Promise(resolve => setImmediate(resolve));

/** Lets `ms` of fake time pass, and what it started settle. */
export async function pass(ms) {
  mock.timers.tick(ms);
  await settle();
}

/** A server made of arrays: what the client sent, and a hand to answer with. */
export class FakeSocket {
  static all = [];
  static get last() { return FakeSocket.all.at(-1); }

  readyState = 0;
  sent = [];

  constructor(url, protocols) {
    if (protocols.some(p => /[^!-~]/.test(p))) throw new DOMException('bad subprotocol', 'SyntaxError');
    Object.assign(this, { url, protocols });
    FakeSocket.all.push(this);
  }

  send(text) { this.sent.push(JSON.parse(text)); }
  close(code) { this.readyState = 2; this.closedWith = code; }

  /** The server sends frames. */
  async receives(...frames) {
    for (const frame of frames) this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
    await settle();
  }

  async opens(more = {}) {
    this.readyState = 1;
    await this.receives({
      type: 'connected', clientId: 'c1', userId: 'alice', username: 'Alice', timestamp: 1, protocol: 1,
      heartbeat: { interval: 30000, timeout: 10000 }, limits: { frameBytes: 16384, messageChars: 1000, roomsPerConnection: 100 }, ...more,
    });
  }

  /** The connection ends; 1006 is what a browser makes of a lost one. */
  async ends(code = 1006, reason = '') {
    this.readyState = 3;
    this.onclose?.({ code, reason });
    await settle();
  }

  of(type) { return this.sent.filter(frame => frame.type === type); }

  /** Answers the last frame of a type. */
  async answers(type, frame) { await this.receives({ id: this.of(type).at(-1).id, ...frame }); }

  async joins(room, { seq = 0, epoch = 'e1', ...more } = {}) {
    const join = this.of('join_room').filter(frame => frame.payload.room === room).at(-1);
    await this.receives({ type: 'room_joined', id: join.id, room, members: 1, seq, epoch, ...more });
  }
}

export const message = (seq, text = `m${seq}`, more = {}) =>
  ({ type: 'chat_message', room: 'lobby', seq, userId: 'bob', username: 'Bob', message: text, timestamp: 1000 + seq, ...more });

/** A client on fake sockets and fake time, with everything it says written down. */
export function client({ token = async () => 'jwt', random = () => 1 } = {}) {
  const chat = new OrleansChat({ url: 'ws://test/ws', token, WebSocket: FakeSocket, random });
  const seen = { states: [], messages: [], holes: [], lost: [] };
  chat.on('state', s => seen.states.push(s));
  chat.on('chat_message', m => seen.messages.push(`${m.epoch}:${m.seq}`));
  chat.on('hole', h => seen.holes.push(h));
  chat.on('room_lost', l => seen.lost.push(`${l.room}: ${l.error.code}`));
  return { chat, seen };
}

/** …connected, and in the lobby. */
export async function inLobby({ seq = 0, history = 0, ...options } = {}) {
  const made = client(options);
  made.chat.connect();
  const joined = made.chat.join('lobby', { history });
  await settle();
  await FakeSocket.last.opens();
  await FakeSocket.last.joins('lobby', { seq });
  await joined;
  return made;
}

/** The next attempt, after the longest wait there is for a first loss (random is 1: 500 ms). */
export async function reconnects() {
  await pass(500);
  await FakeSocket.last.opens();
}

/** A promise that may be rejected before the test looks at it. */
export function held(promise) {
  promise.catch(() => { });
  return promise;
}

/** How a promise ended, without waiting for one that has not. */
export async function outcome(promise) {
  held(promise);
  await settle();
  return Promise.race([promise.then(value => ({ value }), error => ({ code: error.code })), settle().then(() => 'pending')]);
}

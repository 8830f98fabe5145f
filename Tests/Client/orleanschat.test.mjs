// The browser client against a server made of arrays, on fake time. `node --test Tests/Client/orleanschat.test.mjs`
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { OrleansChat } from '../../WebFront/wwwroot/orleanschat.js';
import { client, FakeSocket, held, inLobby, message, outcome, pass, reconnects, settle } from './fake.mjs';

beforeEach(() => {
  FakeSocket.all = [];
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
});
afterEach(() => mock.timers.reset());

describe('connecting', () => {
  test('the token travels in the subprotocol and not in the address', async () => {
    const { chat } = client({ token: async () => 'a.b.c' });
    chat.connect();
    await settle();
    assert.deepEqual(FakeSocket.last.protocols, ['orleanschat.v1', 'bearer.a.b.c']);
    assert.equal(FakeSocket.last.url, 'ws://test/ws');
  });

  test('the state is connected when the connected frame is there, and not before', async () => {
    const { chat, seen } = client();
    chat.connect();
    await settle();
    FakeSocket.last.readyState = 1;
    assert.equal(chat.state, 'connecting');
    await FakeSocket.last.opens();
    assert.equal(chat.state, 'connected');
    assert.equal(chat.session.userId, 'alice');
    assert.deepEqual(seen.states.map(s => s.state), ['connecting', 'connected']);
  });

  test('where there is no WebSocket, it says so at once instead of trying for ever', () => {
    assert.throws(() => new OrleansChat({ url: 'ws://test/ws', token: async () => 'jwt', WebSocket: null }), { name: 'TypeError', message: /WebSocket/ });
  });

  test('an attempt that gets no answer in 15 s is given up for another', async () => {
    const { chat } = client();
    chat.connect();
    await settle();
    await pass(14_999);
    assert.equal(chat.state, 'connecting');
    await pass(1);
    assert.equal(chat.state, 'reconnecting');
    await pass(500);
    assert.equal(FakeSocket.all.length, 2);
  });

  test('without a token the client closes, and with a token that is none too', async () => {
    for (const token of [async () => null, async () => 'line\nbreak']) {
      const { chat, seen } = client({ token });
      chat.connect();
      await settle();
      assert.equal(chat.state, 'closed');
      assert.equal(seen.states.at(-1).code, 4401);
    }
  });

  test('a token provider that fails is asked again later', async () => {
    let calls = 0;
    const { chat } = client({ token: async () => { if (++calls === 1) throw new Error('no network'); return 'jwt'; } });
    chat.connect();
    await settle();
    assert.equal(chat.state, 'reconnecting');
    await pass(500);
    assert.equal(calls, 2);
    assert.equal(FakeSocket.all.length, 1);
  });

  test('a ping is answered with a pong at once', async () => {
    await inLobby();
    await FakeSocket.last.receives({ type: 'ping', timestamp: 5 });
    assert.deepEqual(FakeSocket.last.sent.at(-1), { type: 'pong' });
  });

  test('what is no frame, or an unknown one, disturbs nothing', async () => {
    const { seen } = await inLobby();
    await FakeSocket.last.receives('no json', '[]', 'null', '{"type":7}', '{"type":"from_the_future","room":"lobby"}', message(1));
    assert.deepEqual(seen.messages, ['e1:1']);
  });

  test('a listener that throws stops neither the others nor the client', async () => {
    const { chat, seen } = await inLobby();
    const later = mock.method(globalThis, 'queueMicrotask', () => { });
    chat.on('typing', () => { throw new Error('mine'); });
    const heard = [];
    chat.on('typing', frame => heard.push(frame.username));
    await FakeSocket.last.receives({ type: 'typing', room: 'lobby', userId: 'bob', username: 'Bob', isTyping: true }, message(1));
    assert.throws(later.mock.calls[0].arguments[0], { message: 'mine' });
    later.mock.restore();
    assert.deepEqual(heard, ['Bob']);
    assert.deepEqual(seen.messages, ['e1:1']);
  });
});

describe('order', () => {
  test('each message is delivered once and in order, whatever is repeated', async () => {
    const { seen } = await inLobby();
    await FakeSocket.last.receives(message(1), message(2), message(2), message(1), message(3));
    assert.deepEqual(seen.messages, ['e1:1', 'e1:2', 'e1:3']);
  });

  test('history asked for at the first join begins where the log lets it', async () => {
    const { seen } = await inLobby({ seq: 42, history: 2 });
    assert.deepEqual(FakeSocket.last.of('join_room')[0].payload, { room: 'lobby', history: 2 });
    await FakeSocket.last.receives(message(41, 'a', { replay: true }), message(42, 'b', { replay: true }), message(43));
    assert.deepEqual(seen.messages, ['e1:41', 'e1:42', 'e1:43']);
  });

  test('a gap on a living connection is repaired before anything later is delivered', async () => {
    const { seen } = await inLobby();
    const socket = FakeSocket.last;
    await socket.receives(message(1), message(4), message(5));
    assert.deepEqual(seen.messages, ['e1:1']);
    assert.equal(socket.of('join_room').length, 2);
    assert.deepEqual(socket.of('join_room')[1].payload, { room: 'lobby', since: 1, epoch: 'e1' });
    await socket.joins('lobby', { seq: 5, recovered: true });
    await socket.receives(message(2), message(3), message(4), message(5), message(6));
    assert.deepEqual(seen.messages, ['e1:1', 'e1:2', 'e1:3', 'e1:4', 'e1:5', 'e1:6']);
    assert.deepEqual(seen.holes, []);
  });

  test('a gap that cannot be repaired becomes a hole instead of asking for ever', async () => {
    const { seen } = await inLobby();
    const socket = FakeSocket.last;
    await socket.receives(message(1));
    for (let i = 0; i < 2; i++) {
      await socket.receives(message(3));
      await socket.joins('lobby', { seq: 3, recovered: true });
    }
    await socket.receives(message(3));
    assert.deepEqual(seen.holes, [{ room: 'lobby', epoch: 'e1', sameEpoch: true, after: 1 }]);
    assert.deepEqual(seen.messages, ['e1:1', 'e1:3']);
    assert.equal(socket.of('join_room').length, 3);
  });

  test('messages of a room that was left are not delivered', async () => {
    const { chat, seen } = await inLobby();
    const left = chat.leave('lobby');
    await FakeSocket.last.receives(message(1));
    await FakeSocket.last.answers('leave_room', { type: 'room_left', room: 'lobby' });
    await left;
    assert.deepEqual(seen.messages, []);
    assert.deepEqual(chat.rooms, []);
  });
});

describe('recovery', () => {
  test('after a lost connection each room is joined with the last seq and epoch it saw', async () => {
    const { chat, seen } = await inLobby();
    await FakeSocket.last.receives(message(1), message(2));
    chat.join('quiet');
    await FakeSocket.last.joins('quiet', { seq: 7, epoch: 'q1' });
    await FakeSocket.last.ends();
    await reconnects();
    assert.deepEqual(FakeSocket.last.of('join_room').map(f => f.payload),
      [{ room: 'lobby', since: 2, epoch: 'e1' }, { room: 'quiet', since: 7, epoch: 'q1' }]);
    await FakeSocket.last.joins('lobby', { seq: 4, recovered: true });
    await FakeSocket.last.receives(message(2), message(3, 'c', { replay: true }), message(4));
    assert.deepEqual(seen.messages, ['e1:1', 'e1:2', 'e1:3', 'e1:4']);
    assert.deepEqual(seen.holes, []);
  });

  test('what could not be recovered is told as a hole, and the newest follow', async () => {
    const { seen } = await inLobby();
    await FakeSocket.last.receives(message(1));
    await FakeSocket.last.ends();
    await reconnects();
    await FakeSocket.last.joins('lobby', { seq: 900, recovered: false });
    await FakeSocket.last.receives(message(1), message(899), message(900), message(901));
    assert.deepEqual(seen.holes, [{ room: 'lobby', epoch: 'e1', sameEpoch: true, after: 1 }]);
    assert.deepEqual(seen.messages, ['e1:1', 'e1:899', 'e1:900', 'e1:901']);
  });

  test('a new epoch under a live connection is a hole, and its seqs begin anew', async () => {
    const { chat, seen } = await inLobby();
    await FakeSocket.last.receives(message(1), message(2), message(3));
    await FakeSocket.last.receives({ type: 'room_joined', room: 'lobby', members: 1, seq: 2, epoch: 'e2', recovered: false });
    await FakeSocket.last.receives(message(1), message(2), message(3));
    assert.deepEqual(seen.holes, [{ room: 'lobby', epoch: 'e2', sameEpoch: false, after: 3 }]);
    assert.deepEqual(seen.messages, ['e1:1', 'e1:2', 'e1:3', 'e2:1', 'e2:2', 'e2:3']);
    await FakeSocket.last.ends();
    await reconnects();
    assert.deepEqual(FakeSocket.last.of('join_room')[0].payload, { room: 'lobby', since: 3, epoch: 'e2' });
    assert.deepEqual(chat.rooms, ['lobby']);
  });

  test('a room that refuses at the return is lost, and is told', async () => {
    const { chat, seen } = await inLobby();
    await FakeSocket.last.ends();
    const waiting = held(chat.publish('lobby', 'hello?'));
    await reconnects();
    await FakeSocket.last.answers('join_room', { type: 'error', code: 'banned', error: 'Banned' });
    assert.deepEqual(seen.lost, ['lobby: banned']);
    assert.deepEqual(await outcome(waiting), { code: 'banned' });
    assert.deepEqual(chat.rooms, []);
  });

  test('a join that the cluster did not answer is tried again', async () => {
    const { chat } = client();
    chat.connect();
    const joined = chat.join('lobby');
    await settle();
    await FakeSocket.last.opens();
    await FakeSocket.last.answers('join_room', { type: 'error', code: 'unavailable', error: 'later', retryAfter: 700 });
    await pass(699);
    assert.equal(FakeSocket.last.of('join_room').length, 1);
    await pass(1);
    assert.equal(FakeSocket.last.of('join_room').length, 2);
    await FakeSocket.last.joins('lobby', { seq: 3 });
    assert.equal((await joined).seq, 3);
  });

  test('a kick of this user is not undone by joining again', async () => {
    const { seen } = await inLobby();
    await FakeSocket.last.receives({ type: 'moderation', room: 'lobby', action: 'kick', userId: 'alice', by: 'mod', reason: 'enough' });
    assert.deepEqual(seen.lost, ['lobby: kicked']);
    await FakeSocket.last.ends();
    await reconnects();
    assert.deepEqual(FakeSocket.last.of('join_room'), []);
  });

  test('a hundred rooms come back without running into the rate limit', async () => {
    const { chat } = client();
    for (let i = 0; i < 100; i++) chat.join(`room${i}`);
    chat.connect();
    await settle();
    await FakeSocket.last.opens();
    assert.equal(FakeSocket.last.of('join_room').length, 30);
    await pass(1000);
    assert.equal(FakeSocket.last.of('join_room').length, 45);
    for (let i = 0; i < 4; i++) await pass(1000);
    assert.equal(FakeSocket.last.of('join_room').length, 100);
  });
});

describe('publishing', () => {
  const acked = { type: 'ack', room: 'lobby', seq: 1, timestamp: 9 };

  test('a publish resolves with its ack', async () => {
    const { chat } = await inLobby();
    const published = held(chat.publish('lobby', 'hi'));
    const [frame] = FakeSocket.last.of('chat_message');
    assert.deepEqual(frame.payload, { room: 'lobby', message: 'hi' });
    assert.match(frame.id, /^.{8,64}$/);
    assert.equal(await outcome(published), 'pending');
    await FakeSocket.last.answers('chat_message', acked);
    assert.equal((await published).seq, 1);
  });

  test('ids of two clients and of one client differ', async () => {
    const a = client().chat, b = client().chat;
    assert.equal(new Set([a.newId(), a.newId(), b.newId(), b.newId()]).size, 4);
  });

  test('a message without its ack is repeated under the same id on the next connection, after the room is joined', async () => {
    const { chat } = await inLobby();
    const published = held(chat.publish('lobby', 'once'));
    const { id } = FakeSocket.last.of('chat_message')[0];
    await FakeSocket.last.ends();
    await reconnects();
    assert.deepEqual(FakeSocket.last.of('chat_message'), []);
    await FakeSocket.last.joins('lobby', { recovered: true });
    assert.deepEqual(FakeSocket.last.of('chat_message'), [{ type: 'chat_message', id, payload: { room: 'lobby', message: 'once' } }]);
    await FakeSocket.last.answers('chat_message', { ...acked, duplicate: true });
    assert.equal((await published).duplicate, true);
  });

  test('unavailable is repeated under the same id, and the next message does not overtake it', async () => {
    const { chat } = await inLobby();
    const socket = FakeSocket.last;
    const first = held(chat.publish('lobby', 'first'));
    const second = held(chat.publish('lobby', 'second'));
    await socket.answers('chat_message', { type: 'error', code: 'unavailable', error: '?' });
    await pass(500);
    assert.deepEqual(socket.of('chat_message').map(f => f.payload.message), ['first', 'first']);
    assert.equal(socket.of('chat_message')[0].id, socket.of('chat_message')[1].id);
    await socket.answers('chat_message', acked);
    await socket.answers('chat_message', { ...acked, seq: 2 });
    assert.deepEqual([(await first).seq, (await second).seq], [1, 2]);
    assert.deepEqual(socket.of('chat_message').map(f => f.payload.message), ['first', 'first', 'second']);
  });

  test('a refusal is final, says its code and lets the next message go', async () => {
    const { chat } = await inLobby();
    const refused = held(chat.publish('lobby', 'x'));
    held(chat.publish('lobby', 'y'));
    await FakeSocket.last.answers('chat_message', { type: 'error', code: 'muted', error: 'Muted' });
    assert.deepEqual(await outcome(refused), { code: 'muted' });
    assert.equal(FakeSocket.last.of('chat_message').at(-1).payload.message, 'y');
  });

  test('a rate limit holds everything back for as long as the server says', async () => {
    const { chat } = await inLobby();
    held(chat.publish('lobby', 'x'));
    await FakeSocket.last.answers('chat_message', { type: 'error', code: 'rate_limited', error: 'slow', retryAfter: 2000 });
    held(chat.history('lobby'));
    await pass(1990);
    assert.equal(FakeSocket.last.of('chat_message').length + FakeSocket.last.of('history').length, 1);
    await pass(100);
    assert.equal(FakeSocket.last.of('chat_message').length, 2);
    assert.equal(FakeSocket.last.of('history').length, 1);
  });

  test('no ack for 5 minutes is a timeout, and the same id may be tried again', async () => {
    const { chat } = await inLobby();
    await FakeSocket.last.ends();
    const published = held(chat.publish('lobby', 'x', { id: 'mine' }));
    await pass(299_999);
    assert.equal(await outcome(published), 'pending');
    await pass(1);
    assert.deepEqual(await outcome(published), { code: 'timeout' });
    const again = held(chat.publish('lobby', 'x', { id: 'mine' }));
    await FakeSocket.last.opens();
    await FakeSocket.last.joins('lobby', { recovered: true });
    await FakeSocket.last.answers('chat_message', acked);
    assert.equal((await again).id, 'mine');
  });

  test('at most 100 messages of a room wait', async () => {
    const { chat } = await inLobby();
    await FakeSocket.last.ends();
    const all = Array.from({ length: 101 }, (_, i) => held(chat.publish('lobby', `${i}`)));
    assert.deepEqual(await outcome(all[100]), { code: 'queue_full' });
    assert.equal(await outcome(all[99]), 'pending');
  });

  test('a room that the server forgot is joined again and the message follows', async () => {
    const { chat } = await inLobby({ seq: 5 });
    held(chat.publish('lobby', 'x'));
    await FakeSocket.last.answers('chat_message', { type: 'error', code: 'not_in_room', error: 'Not in room' });
    assert.deepEqual(FakeSocket.last.of('join_room').at(-1).payload, { room: 'lobby', since: 5, epoch: 'e1' });
    assert.equal(FakeSocket.last.of('chat_message').length, 1);
    await FakeSocket.last.joins('lobby', { seq: 5, recovered: true });
    assert.equal(FakeSocket.last.of('chat_message').length, 2);
  });

  test('a lost connection before that does not count as one of its tries', async () => {
    const { chat } = await inLobby();
    const published = held(chat.publish('lobby', 'x'));
    await FakeSocket.last.ends();
    await reconnects();
    await FakeSocket.last.joins('lobby', { recovered: true });
    await FakeSocket.last.answers('chat_message', { type: 'error', code: 'not_in_room', error: 'Not in room' });
    await FakeSocket.last.joins('lobby', { recovered: true });
    await FakeSocket.last.answers('chat_message', acked);
    assert.deepEqual((await outcome(published)).value?.seq, 1);
  });

  test('a message that may be published already is not repeated as somebody else', async () => {
    const { chat } = await inLobby();
    const sent = held(chat.publish('lobby', 'sent'));
    const waiting = held(chat.publish('lobby', 'waiting'));
    await FakeSocket.last.ends();
    await pass(500);
    await FakeSocket.last.opens({ userId: 'alice2' });
    await FakeSocket.last.joins('lobby', { recovered: true });
    assert.deepEqual(await outcome(sent), { code: 'user_changed' });
    assert.equal(await outcome(waiting), 'pending');
    assert.deepEqual(FakeSocket.last.of('chat_message').map(f => f.payload.message), ['waiting']);
  });

  test('closing, leaving and an unjoined room reject with their code', async () => {
    const { chat } = await inLobby();
    assert.deepEqual(await outcome(chat.publish('elsewhere', 'x')), { code: 'not_in_room' });
    chat.join('other');
    await FakeSocket.last.joins('other');
    const inOther = held(chat.publish('other', 'x'));
    held(chat.leave('other'));
    assert.deepEqual(await outcome(inOther), { code: 'left' });
    const inRoom = held(chat.publish('lobby', 'x'));
    const asked = held(chat.history('lobby'));
    chat.close();
    assert.deepEqual(await outcome(inRoom), { code: 'closed' });
    assert.deepEqual(await outcome(asked), { code: 'closed' });
  });
});

describe('requests', () => {
  test('history and members send their page and resolve with the answer', async () => {
    const { chat } = await inLobby();
    const history = held(chat.history('lobby', { before: 50, limit: 20 }));
    assert.deepEqual(FakeSocket.last.of('history')[0].payload, { room: 'lobby', before: 50, limit: 20 });
    await FakeSocket.last.answers('history', { type: 'history', room: 'lobby', epoch: 'e1', messages: [message(49)], more: true });
    assert.equal((await history).messages[0].seq, 49);
    const members = held(chat.members('lobby', { after: 'bob' }));
    assert.deepEqual(FakeSocket.last.of('members')[0].payload, { room: 'lobby', after: 'bob' });
    await FakeSocket.last.answers('members', { type: 'members', room: 'lobby', members: 1, users: [], more: false });
    assert.equal((await members).members, 1);
  });

  test('a request ends with the connection it was sent on, and one without an answer after 15 s', async () => {
    const { chat } = await inLobby();
    const slow = held(chat.history('lobby'));
    await pass(15_000);
    assert.deepEqual(await outcome(slow), { code: 'timeout' });
    const lost = held(chat.members('lobby'));
    await FakeSocket.last.ends();
    assert.deepEqual(await outcome(lost), { code: 'disconnected' });
    assert.deepEqual(await outcome(chat.history('lobby')), { code: 'disconnected' });
  });

  test('typing is sent where it is heard and never waits', async () => {
    const { chat } = await inLobby();
    chat.typing('lobby', true);
    chat.typing('elsewhere', true);
    assert.deepEqual(FakeSocket.last.of('typing'), [{ type: 'typing', payload: { room: 'lobby', isTyping: true } }]);
    await FakeSocket.last.ends();
    chat.typing('lobby', true);
    await reconnects();
    await FakeSocket.last.joins('lobby', { recovered: true });
    assert.deepEqual(FakeSocket.last.of('typing'), []);
  });
});

describe('coming back', () => {
  test('waits double up to 30 s, and jitter takes any part of them', async () => {
    const { chat, seen } = client();
    chat.connect();
    await settle();
    const waits = [];
    for (let i = 0; i < 9; i++) {
      await FakeSocket.last.ends();
      waits.push(seen.states.at(-1).retryIn);
      await pass(waits.at(-1));
    }
    assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    assert.equal(FakeSocket.all.length, 10);

    const half = client({ random: () => 0.5 });
    half.chat.connect();
    await settle();
    await FakeSocket.last.ends();
    assert.equal(half.seen.states.at(-1).retryIn, 250);
  });

  test('only a connection that lasted takes the back-off back to its beginning', async () => {
    const { chat, seen } = client();
    chat.connect();
    await settle();
    await FakeSocket.last.ends();
    await reconnects();
    await FakeSocket.last.ends();
    assert.equal(seen.states.at(-1).retryIn, 1000);
    await pass(1000);
    await FakeSocket.last.opens();
    await pass(10_000);
    await FakeSocket.last.ends();
    assert.equal(seen.states.at(-1).retryIn, 500);
  });

  for (const code of [1002, 1003, 1007, 1009, 4403]) {
    test(`${code} is final`, async () => {
      const { chat, seen } = await inLobby();
      await FakeSocket.last.ends(code, 'why');
      assert.deepEqual(seen.states.at(-1), { state: 'closed', code, reason: 'why' });
      await pass(3_600_000);
      assert.equal(FakeSocket.all.length, 1);
      assert.equal(chat.state, 'closed');
    });
  }

  for (const code of [1000, 1001, 1006, 1011, 1013, 4408]) {
    test(`${code} is not: the client comes back`, async () => {
      const { chat } = await inLobby();
      await FakeSocket.last.ends(code);
      await reconnects();
      assert.equal(chat.state, 'connected');
    });
  }

  test('1008 is answered with a long wait that waking does not shorten', async () => {
    const { chat, seen } = await inLobby({ random: () => 0 });
    await FakeSocket.last.ends(1008);
    assert.equal(seen.states.at(-1).retryIn, 30_000);
    chat.wake();
    await pass(29_999);
    assert.equal(FakeSocket.all.length, 1);
    await pass(1);
    assert.equal(FakeSocket.all.length, 2);
  });

  test('4401 comes back at once, with a new token', async () => {
    const asked = [];
    await inLobby({ token: async ({ renew }) => { asked.push(renew); return renew ? 'new' : 'old'; } });
    await FakeSocket.last.ends(4401);
    await pass(0);
    assert.deepEqual(asked, [false, true]);
    assert.equal(FakeSocket.last.protocols[1], 'bearer.new');
    await FakeSocket.last.opens();
    await FakeSocket.last.ends(1006);
    await pass(1000);
    assert.deepEqual(asked, [false, true, false]);
  });

  test('a token that is never let in is suspected, since a browser does not see the 401', async () => {
    const asked = [];
    const { chat } = client({ token: async ({ renew }) => { asked.push(renew); return 'jwt'; } });
    chat.connect();
    await settle();
    await FakeSocket.last.ends();
    await pass(500);
    await FakeSocket.last.ends();
    await pass(1000);
    assert.deepEqual(asked, [false, false, true]);
  });

  test('a reconnect frame names the time: the client leaves by itself, and not before', async () => {
    const { chat } = await inLobby();
    const old = FakeSocket.last;
    await old.receives({ type: 'reconnect', after: 3000, reason: 'drain' });
    await pass(2999);
    assert.equal(FakeSocket.all.length, 1);
    await pass(1);
    assert.equal(old.closedWith, 1000);
    assert.equal(FakeSocket.all.length, 2);
    await FakeSocket.last.opens();
    assert.equal(chat.state, 'connected');
  });

  test('a server that closes before the time it named is not come back to earlier', async () => {
    const { chat } = await inLobby();
    await FakeSocket.last.receives({ type: 'reconnect', after: 3000, reason: 'drain' });
    await FakeSocket.last.ends(1001);
    chat.wake();
    await pass(2999);
    assert.equal(FakeSocket.all.length, 1);
    await pass(1);
    assert.equal(FakeSocket.all.length, 2);
  });

  test('a device that comes online tries at once; offline shows in the state', async () => {
    const { chat, seen } = await inLobby();
    await FakeSocket.last.ends();
    chat.setOnline(false);
    assert.equal(chat.state, 'offline');
    const before = FakeSocket.all.length;
    chat.setOnline(true);
    await settle();
    assert.equal(FakeSocket.all.length, before + 1);
    await FakeSocket.last.opens();
    assert.equal(seen.states.at(-1).state, 'connected');
  });

  test('closing ends it, and connecting again recovers', async () => {
    const { chat, seen } = await inLobby({ seq: 4 });
    chat.close();
    assert.equal(FakeSocket.last.closedWith, 1000);
    assert.deepEqual(seen.states.at(-1), { state: 'closed', code: 1000, reason: '' });
    await pass(3_600_000);
    assert.equal(FakeSocket.all.length, 1);
    chat.connect();
    await settle();
    await FakeSocket.last.opens();
    assert.deepEqual(FakeSocket.last.of('join_room')[0].payload, { room: 'lobby', since: 4, epoch: 'e1' });
  });
});

describe('a dead connection', () => {
  test('silence for interval and timeout is a dead connection', async () => {
    const { chat } = await inLobby();
    await pass(30_000);
    assert.deepEqual(FakeSocket.last.sent.at(-1), { type: 'ping' });
    await pass(9_999);
    assert.equal(chat.state, 'connected');
    await pass(1);
    assert.equal(chat.state, 'reconnecting');
    assert.equal(FakeSocket.last.closedWith, 1000);
  });

  test('any frame in that time is a sign of life', async () => {
    const { chat } = await inLobby();
    for (let i = 0; i < 10; i++) {
      await pass(39_000);
      await FakeSocket.last.receives({ type: 'pong', timestamp: 1 });
    }
    assert.equal(chat.state, 'connected');
    assert.equal(FakeSocket.all.length, 1);
  });

  test('a dead connection that wakes up later is not listened to any more', async () => {
    const { seen } = await inLobby();
    const dead = FakeSocket.last;
    await pass(30_000);
    await pass(10_000);
    await dead.receives(message(1));
    await dead.ends(4403);
    assert.deepEqual(seen.messages, []);
    assert.equal(seen.states.at(-1).state, 'reconnecting');
  });

  test('a device that wakes up finds out within 4 s', async () => {
    const { chat } = await inLobby();
    chat.wake();
    await pass(3_999);
    assert.equal(chat.state, 'connected');
    await pass(1);
    assert.equal(chat.state, 'reconnecting');
  });
});

describe('the token', () => {
  test('is renewed on the living connection when the server says that it runs out', async () => {
    const { chat } = await inLobby({ token: async ({ renew }) => renew ? 'new' : 'old' });
    await FakeSocket.last.receives({ type: 'token_expiring', expiresAt: 1 });
    assert.deepEqual(FakeSocket.last.of('refresh_token')[0].payload, { token: 'new' });
    await FakeSocket.last.answers('refresh_token', { type: 'token_refreshed', expiresAt: 99 });
    await pass(20_000);
    assert.equal(FakeSocket.last.of('refresh_token').length, 1);
    assert.equal(chat.state, 'connected');
  });

  test('a renewal that fails is tried again while the connection lives', async () => {
    let fail = true;
    await inLobby({ token: async ({ renew }) => { if (renew && fail) throw new Error('no network'); return 'jwt'; } });
    await FakeSocket.last.receives({ type: 'token_expiring', expiresAt: 1 });
    fail = false;
    await pass(9_999);
    assert.equal(FakeSocket.last.of('refresh_token').length, 0);
    await pass(1);
    assert.equal(FakeSocket.last.of('refresh_token').length, 1);
  });
});

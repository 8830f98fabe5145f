// orleanschat.js in Node against a real server: `node real.mjs ws://127.0.0.1:PORT/ws HS256-KEY`. NodeClientTests starts both.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { OrleansChat } from '../../WebFront/wwwroot/orleanschat.js';
import { Cable } from './socket.mjs';

const [url, key] = process.argv.slice(2);

/** A token as a client's own server would make it. */
function token(userId, seconds = 3600) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ userId, username: userId, exp: Math.floor(Date.now() / 1000) + seconds })}`;
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
}

/** A client on a cable of its own, with all it says written down. */
function client(userId, tokens = () => token(userId)) {
  const cable = new Cable();
  const seen = { messages: [], holes: [], states: [] };
  const chat = new OrleansChat({ url, token: async why => tokens(why), WebSocket: cable.WebSocket });
  chat.on('chat_message', message => seen.messages.push(message));
  chat.on('hole', hole => seen.holes.push(hole));
  chat.on('state', ({ state }) => seen.states.push(state));
  chat.connect();
  return { chat, seen, cable };
}

/** Waits for an event that fits. */
const next = (chat, type, fits = () => true) => new Promise(resolve => {
  const off = chat.on(type, value => { if (fits(value)) { off(); resolve(value); } });
});
const texts = seen => seen.messages.map(message => message.message);
const numbered = (from, to, word) => Array.from({ length: to - from + 1 }, (_, i) => `${word} ${from + i}`);

async function step(what, run) {
  try { await run(); } catch (error) { console.error(`failed: ${what}`); throw error; }
  console.log(`ok: ${what}`);
}

setTimeout(() => { console.error('no end after 30 s'); process.exit(2); }, 30_000).unref();

/** Messages from a program that does not pace itself as the client does. */
function flood(userId, messages) {
  const socket = new new Cable().WebSocket(url, ['orleanschat.v1', `bearer.${token(userId)}`]);
  const send = (type, payload) => socket.send(JSON.stringify({ type, payload: { room: 'lobby', ...payload } }));
  socket.onopen = () => {
    send('join_room');
    for (const message of messages) send('chat_message', { message });
  };
  return socket;
}

const alice = client('alice');
const bob = client('bob');

await step('two clients talk', async () => {
  const joined = await alice.chat.join('lobby', { history: 50 });
  assert.deepEqual([joined.members, joined.seq], [1, 0]);
  await bob.chat.join('lobby', { history: 50 });
  const heard = next(bob.chat, 'chat_message');
  const ack = await alice.chat.publish('lobby', 'Hello, "Bob" 😀');
  const message = await heard;
  assert.deepEqual([message.seq, message.userId, message.message], [ack.seq, 'alice', 'Hello, "Bob" 😀']);
});

await step('an id cannot make two messages, nor two different ones', async () => {
  const id = alice.chat.newId();
  const { seq } = await alice.chat.publish('lobby', 'once', { id });
  const again = await alice.chat.publish('lobby', 'once', { id });
  assert.deepEqual([again.seq, again.duplicate], [seq, true]);
  await assert.rejects(alice.chat.publish('lobby', 'otherwise', { id }), { code: 'id_conflict' });
  await assert.rejects(alice.chat.publish('lobby', 'x'.repeat(1001)), { code: 'message_too_long' });
});

await step('history and members answer in pages', async () => {
  const page = await bob.chat.history('lobby', { before: 3, limit: 1 });
  assert.deepEqual([page.messages.map(m => m.message), page.more], [['once'], true]);
  const first = await bob.chat.members('lobby', { limit: 1 });
  assert.deepEqual([first.members, first.users.map(u => u.userId), first.more], [2, ['alice'], true]);
});

await step('who typed is told to the others', async () => {
  const told = next(bob.chat, 'typing');
  alice.chat.typing('lobby', true);
  assert.deepEqual(await told, { type: 'typing', room: 'lobby', userId: 'alice', username: 'alice', isTyping: true });
});

await step('a cut connection misses nothing, and what was written meanwhile follows once and in order', async () => {
  const gone = next(bob.chat, 'state', ({ state }) => state === 'reconnecting');
  const left = next(alice.chat, 'user_left');
  bob.seen.messages.length = alice.seen.messages.length = 0;
  bob.cable.unplug();
  await gone;
  await left;
  const waiting = numbered(1, 3, 'from bob').map(text => bob.chat.publish('lobby', text));
  const written = next(alice.chat, 'chat_message', m => m.message === 'from alice 120');
  const program = flood('alice', numbered(1, 120, 'from alice'));
  await written;
  program.close();

  bob.cable.plug();
  bob.chat.wake();
  const acks = await Promise.all(waiting);
  await Promise.all([alice, bob].map(({ chat, seen }) => texts(seen).includes('from bob 3') || next(chat, 'chat_message', m => m.message === 'from bob 3')));
  const all = [...numbered(1, 120, 'from alice'), ...numbered(1, 3, 'from bob')];
  assert.deepEqual(texts(bob.seen), all);
  assert.deepEqual(texts(alice.seen), all);
  assert.deepEqual(acks.map(ack => ack.seq), bob.seen.messages.slice(-3).map(m => m.seq));
  assert.deepEqual(bob.seen.holes, []);
});

await step('a message whose ack was lost is repeated, and is there once', async () => {
  bob.seen.messages.length = alice.seen.messages.length = 0;
  const heard = next(alice.chat, 'chat_message');
  bob.cable.deaf = true;
  const published = bob.chat.publish('lobby', 'said once');
  await heard;
  bob.cable.unplug();
  bob.cable.plug();
  assert.equal((await published).duplicate, true);
  const on = next(bob.chat, 'chat_message', m => m.message === 'and on'); // comes before its ack or after it
  await bob.chat.publish('lobby', 'and on');
  await on;
  assert.deepEqual(texts(bob.seen), ['said once', 'and on']);
});

await step('a token that runs out is renewed on the living connection', async () => {
  const asked = [];
  const carol = client('carol', ({ renew }) => { asked.push(renew); return token('carol', renew ? 3600 : 30); });
  const { expiresAt } = await next(carol.chat, 'token_refreshed');
  assert.ok(expiresAt > Date.now() + 3_000_000);
  assert.deepEqual(asked, [false, true]);
  assert.deepEqual(carol.seen.states, ['connecting', 'connected']);
  carol.chat.close();
});

for (const { chat } of [alice, bob]) chat.close();

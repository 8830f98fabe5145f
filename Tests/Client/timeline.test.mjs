// What a room shows, without a page. `node --test Tests/Client/timeline.test.mjs`
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeline } from '../../WebFront/wwwroot/page/timeline.js';

const me = 'alice';
const message = (seq, text = `m${seq}`, userId = 'bob', epoch = 'e1') =>
  ({ type: 'chat_message', room: 'lobby', epoch, seq, userId, username: userId, message: text, timestamp: seq });
const page = (seqs, more, epoch = 'e1') => ({ epoch, more, messages: seqs.map(seq => message(seq)) });

/** A room that was joined with these messages as history. */
function joined(...seqs) {
  const timeline = new Timeline();
  timeline.joined({ epoch: 'e1', seq: seqs.at(-1) ?? 0 });
  for (const seq of seqs) timeline.receive(message(seq), me);
  return timeline;
}

test('a room is caught up when all is here that its room_joined spoke of', () => {
  const timeline = new Timeline();
  timeline.joined({ epoch: 'e1', seq: 3 });
  assert.equal(timeline.isCaughtUp, true); // nothing is on its way, for all one knows
  const states = [2, 3, 4].map(seq => (timeline.receive(message(seq), me), timeline.isCaughtUp));
  assert.deepEqual(states, [false, true, true]);
  timeline.joined({ epoch: 'e2', seq: 9 });
  assert.equal(timeline.isCaughtUp, true); // another log: what is here belongs to the old one
  timeline.hole({ epoch: 'e2' });
  timeline.receive(message(8, 'm8', 'bob', 'e2'), me);
  assert.equal(timeline.isCaughtUp, false);
});

const shown = timeline => timeline.segments.map(segment => segment.messages.map(m => m.message));
const waiting = timeline => timeline.pending.map(own => `${own.text}: ${own.state}`);

test('an own message is shown once when the ack comes first', () => {
  const timeline = joined(1);
  timeline.send('a', 'hi', 0);
  timeline.acknowledged('a', 2);
  assert.deepEqual(waiting(timeline), ['hi: sent']);
  timeline.receive(message(2, 'hi', me), me);
  assert.deepEqual(waiting(timeline), []);
  assert.deepEqual(shown(timeline), [['m1', 'hi']]);
  assert.equal(timeline.last.messages[1].key, 'own:a');
});

test('an own message is shown once when the message comes first', () => {
  const timeline = joined(1);
  timeline.send('a', 'hi', 0);
  timeline.receive(message(2, 'hi', me), me);
  assert.deepEqual(waiting(timeline), []);
  timeline.acknowledged('a', 2);
  assert.deepEqual(waiting(timeline), []);
  assert.deepEqual(shown(timeline), [['m1', 'hi']]);
});

test('the same text from another tab is not taken for this one for longer than until the ack', () => {
  const timeline = joined(1);
  timeline.send('a', 'hi', 0);
  timeline.receive(message(2, 'hi', me), me);
  timeline.acknowledged('a', 3);
  assert.deepEqual(waiting(timeline), ['hi: sent']);
  timeline.receive(message(3, 'hi', me), me);
  assert.deepEqual(waiting(timeline), []);
  assert.deepEqual(shown(timeline), [['m1', 'hi', 'hi']]);
});

test('the same text of somebody else is nobody’s but theirs', () => {
  const timeline = joined();
  timeline.send('a', 'hi', 0);
  timeline.receive(message(1, 'hi', 'bob'), me);
  assert.deepEqual(waiting(timeline), ['hi: sending']);
});

test('a message that failed can be tried again or discarded, and one that appears after all is not failed', () => {
  const timeline = joined();
  timeline.send('a', 'x', 0);
  timeline.failed('a', { code: 'muted' });
  assert.deepEqual(waiting(timeline), ['x: failed']);
  timeline.retry('a');
  assert.deepEqual(waiting(timeline), ['x: sending']);
  timeline.failed('a', { code: 'timeout' });
  timeline.receive(message(1, 'x', me), me);
  assert.deepEqual(waiting(timeline), []);
  timeline.send('b', 'y', 0);
  timeline.failed('b', { code: 'muted' });
  timeline.discard('b');
  assert.deepEqual(waiting(timeline), []);
});

test('older messages go in front, and what is there already is not doubled', () => {
  const timeline = joined(51, 52);
  timeline.older(timeline.segments[0], page([49, 50, 51], true), me);
  assert.deepEqual(shown(timeline), [['m49', 'm50', 'm51', 'm52']]);
  assert.equal(timeline.segments[0].more, true);
  timeline.older(timeline.segments[0], page([48], false), me);
  assert.equal(timeline.segments[0].more, false);
});

test('history of another epoch is not mixed in', () => {
  const timeline = joined(51);
  timeline.older(timeline.segments[0], page([49, 50], true, 'e2'), me);
  assert.deepEqual(shown(timeline), [['m51']]);
  assert.equal(timeline.segments[0].more, false);
});

test('a hole closes when what is loaded below it reaches what is above', () => {
  const timeline = joined(1, 2);
  timeline.hole({ epoch: 'e1' });
  timeline.receive(message(8), me);
  timeline.older(timeline.segments[1], page([6, 7], true), me);
  assert.deepEqual(shown(timeline), [['m1', 'm2'], ['m6', 'm7', 'm8']]);
  timeline.older(timeline.segments[1], page([1, 2, 3, 4, 5], true), me);
  assert.deepEqual(shown(timeline), [['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8']]);
});

test('a hole that was none closes with the first message', () => {
  const timeline = joined(1, 2);
  timeline.hole({ epoch: 'e1' });
  timeline.receive(message(3), me);
  assert.deepEqual(shown(timeline), [['m1', 'm2', 'm3']]);
});

test('an epoch that began anew stays apart from the one before', () => {
  const timeline = joined(1, 2);
  timeline.send('a', 'lost in the hole', 0);
  timeline.acknowledged('a', 3);
  timeline.hole({ epoch: 'e2' });
  timeline.receive(message(3, 'n3', 'bob', 'e2'), me);
  assert.deepEqual(shown(timeline), [['m1', 'm2'], ['n3']]);
  assert.deepEqual(waiting(timeline), []);
});

test('a long evening is trimmed to the newest 500, and what is gone can be loaded again', () => {
  const timeline = joined(...Array.from({ length: 700 }, (_, i) => i + 1));
  timeline.older(timeline.segments[0], page([], false), me);
  timeline.trim(true);
  assert.equal(timeline.last.messages.length, 700);
  timeline.trim(false);
  assert.equal(timeline.last.messages.length, 500);
  assert.equal(timeline.last.messages[0].seq, 201);
  assert.equal(timeline.segments[0].more, true);
});

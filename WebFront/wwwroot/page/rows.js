import { dayKey, dayName } from './format.js';

const GroupGap = 300_000; // ms between two messages of one user that still read as one

/**
 * What stands in the message list, top to bottom: the beginning or a place for older messages, days, holes, the line above
 * what is new, messages. Each row has a key that stays, and a `look` that changes when it must be drawn again.
 * @param {import('./room.js').OpenRoom} room
 * @param {{userId: string, username: string}} me
 * @param {number} now Unix ms
 */
export function rowsOf(room, me, now) {
  const rows = [];
  let before = null; // the message above, if it can be grouped with
  let day = null;

  const separate = row => { rows.push(row); before = null; };
  const message = row => {
    if (dayKey(row.at) !== day) {
      day = dayKey(row.at);
      const name = dayName(row.at, now);
      // Named for the message it stands above: a day may come back after a hole.
      separate({ kind: 'day', key: `day:${row.key}`, look: name, name });
    }
    row.head = !before || before.userId !== row.userId || row.at - before.at > GroupGap;
    row.look = `${row.state}|${row.head}|${row.error?.code}|${row.seq}`;
    if (before) before.foot = row.head;
    row.foot = true;
    rows.push(row);
    before = row;
  };

  room.timeline.segments.forEach((segment, i) => {
    if (i > 0) separate({ kind: 'hole', key: `hole:${segment.epoch}:${room.timeline.segments[i - 1].messages.at(-1)?.key}`, look: `${segment.more}|${room.loading === segment}`, segment });
    else if (segment.more) separate({ kind: 'older', key: 'older', look: '', segment });
    else separate({ kind: 'beginning', key: 'beginning', look: '', room: room.name, empty: segment.messages.length === 0 && room.timeline.pending.length === 0 });
    for (const m of segment.messages) {
      if (room.newFrom?.epoch === m.epoch && room.newFrom.seq === m.seq) separate({ kind: 'new', key: 'new', look: '' });
      message({ kind: 'message', key: m.key, seq: m.seq, epoch: m.epoch, userId: m.userId, username: m.username, text: m.message, at: m.timestamp, own: m.own, state: 'sent' });
    }
  });
  for (const own of room.timeline.pending)
    message({ kind: 'message', key: own.key, seq: own.seq, id: own.id, userId: me.userId, username: me.username, text: own.text, at: own.at, own: true, state: own.state, error: own.error });
  for (const row of rows) if (row.kind === 'message') row.look += `|${row.foot}`;
  return rows;
}

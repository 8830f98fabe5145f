// The tables of bench/RESULTS.md: what a goal is held against, and what a run that went wrong looks like.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const script = join(import.meta.dirname, '../../bench/results.mjs');

function report(deliveredPerSecond, faults = 0, cpuShare = 0.98) {
  const times = { p50: 1, p99: 2, p999: 3 };
  const servers = [{ cpuShare, cpuMicrosPerDelivery: 1, kibPerConnection: 1 }];
  return { workload: 'lockstep', window: 0, deliveredPerSecond, publishedPerSecond: 1, seconds: 1, acks: 0, latencyMs: times, ackMs: times, generatorCpuShare: 0.5, servers, faults: { total: faults } };
}

/** @param runs {Record<string, (object | null)[]>} the reports of each server's turns; null: none came */
function tables(t, runs, workload = 'lockstep') {
  const folder = mkdtempSync(join(tmpdir(), 'results-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, workload));
  for (const [server, turns] of Object.entries(runs)) {
    turns.forEach((turn, i) => {
      writeFileSync(join(folder, workload, `${server}-${i + 1}.log`), '');
      if (turn) writeFileSync(join(folder, workload, `${server}-${i + 1}.json`), JSON.stringify(turn));
    });
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' });
  return { status, lines: stdout.split('\n'), stderr };
}

const goals = (lines) => lines.filter((line) => line.startsWith('| Lockstep of 32 |'));

test('a goal is held against the ratio of the medians', (t) => {
  const { status, lines } = tables(t, { ours: [report(100), report(950), report(5_000)], bun: [report(1_000), report(900), report(9_000)] });
  assert.deepEqual(goals(lines), ['| Lockstep of 32 | **ours, one process** | ≥ 0.9 × Bun publish/subscribe, deliveries/s | 0.95 × | yes |']);
  assert.equal(status, 0);
});

test('a goal that is missed says so, and does not fail the run', (t) => {
  const { status, lines } = tables(t, { ours: [report(899)], bun: [report(1_000)] });
  assert.match(goals(lines)[0], /0\.90 × \| \*\*no\*\* \|$/);
  assert.equal(status, 0);
});

test('a goal of which one side was not run is not measured', (t) => {
  for (const runs of [{ ours: [report(1_000)] }, { bun: [report(1_000)] }]) assert.match(goals(tables(t, runs).lines)[0], /\| – \| not measured \|$/);
});

test('the other server of a name that begins alike is another', (t) => {
  const { lines } = tables(t, { signalr: [report(2_000)], 'signalr-redis': [report(1_000)] });
  assert.equal(lines.filter((line) => line.startsWith('| SignalR |') && line.includes('| 2,000 |')).length, 1);
});

test('a fault of ours, or a run that ended without a report, fails the run; a fault of a peer is told', (t) => {
  assert.equal(tables(t, { ours: [report(1, 3)] }).status, 1);
  const failed = tables(t, { bun: [report(1), null] });
  assert.equal(failed.status, 1);
  assert.ok(failed.lines.some((line) => line.endsWith('| 1 of 2 runs failed |')));
  const peer = tables(t, { bun: [report(1, 3)] });
  assert.equal(peer.status, 0);
  assert.ok(peer.lines.some((line) => line.startsWith('| Bun') && line.endsWith('| 3 |')));
});

test('a closed loop whose server did not have its core measures nothing', (t) => {
  const { status, lines } = tables(t, { ours: [report(1_000)], bun: [report(100, 0, 0.04)] });
  assert.match(goals(lines)[0], /\| – \| not measured \|$/);
  assert.ok(lines.some((line) => line.startsWith('| Bun') && line.endsWith('| 0; the core was shared in 1 of 1 runs |')));
  assert.equal(status, 1);
});

test('what is asked for without a peer is reached on a shared core too, and not missed there', (t) => {
  for (const [acks, found] of [[50_000, '50,000 | yes |'], [30_000, '– | not measured |']]) {
    const { lines } = tables(t, { cluster: [{ ...report(1, 0, 0.7), acks }] }, 'hot-room');
    assert.ok(lines.some((line) => line.startsWith('| One hot room') && line.endsWith(found)), lines.join('\n'));
  }
});

// The tables of RESULTS.md out of the generator's reports: node bench/results.mjs FOLDER, where FOLDER/<workload>/<server>-<turn>.json is one, and .log beside it what was said.
// Exit code 1: a run of ours had faults, or any run ended without a report, or did not have its core to itself.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const names = {
  ours: '**ours, one process**',
  bun: 'Bun publish/subscribe',
  deno: "the tutorial's, on Deno",
  ws: 'ws on Node',
  socketio: 'Socket.IO',
  signalr: 'SignalR',
  cluster: '**ours, cluster**',
  'signalr-redis': 'SignalR + Redis',
  'socketio-redis': 'Socket.IO + Redis',
};

const deliveries = { unit: 'deliveries/s', of: (report) => report.deliveredPerSecond };
const p99 = { unit: 'ms p99', of: (report) => report.latencyMs.p99 };
const stored = { unit: 'acknowledged messages/s', of: (report) => report.acks / report.seconds };
const connects = { unit: 'connects/s', of: (report) => report.connectsPerSecond };
const memory = { unit: 'KiB per connection', of: (report) => sum(report, 'kibPerConnection') };

const atLeast = (server, limit, than, measure = deliveries) => ({ server, limit, than, measure, sign: '≥', holds: (value) => value >= limit });
const atMost = (server, limit, than, measure) => ({ server, limit, than, measure, sign: '≤', holds: (value) => value <= limit });

const workloads = {
  '16-in-flight': { title: '100 members, 4 publishers, 16 in flight each', goals: [atLeast('ours', 1, 'bun'), atLeast('cluster', 4, 'signalr-redis')] },
  '1-in-flight': { title: '100 members, 4 publishers, 1 in flight each', goals: [atLeast('ours', 1, 'bun'), atLeast('cluster', 2, 'signalr-redis')] },
  '1000-members': { title: '1,000 members, 4 publishers, 4 in flight each', goals: [atLeast('ours', 1, 'bun'), atLeast('cluster', 4, 'signalr-redis')] },
  '200-rooms': {
    title: '200 rooms of 5, 1 publisher each, 1 in flight',
    goals: [atLeast('ours', 0.8, 'bun'), atLeast('ours', 2.5, 'signalr'), atLeast('cluster', 1.5, 'signalr-redis')],
  },
  lockstep: { title: 'Lockstep of 32', goals: [atLeast('ours', 0.9, 'bun'), atLeast('cluster', 2, 'signalr-redis')] },
  '500-a-second': { title: '500 messages/s into 100 members, 10 publishers', goals: [atMost('ours', 1, 'bun', p99), atMost('cluster', 1, 'signalr-redis', p99)] },
  'hot-room': { title: 'One hot room: 4 members, all publish, 64 in flight each', goals: [atLeast('cluster', 40_000, undefined, stored)] },
  idle: { title: 'Idle: 19,000 connections in 100 rooms', goals: [atMost('ours', 10, undefined, memory), atLeast('ours', 3_000, undefined, connects)] },
};

const number = (value, digits = 0) => value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const sum = (report, field) => report.servers.reduce((total, server) => total + server[field], 0);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

/** In a closed loop the server is what is waited for: one that left a fifth of its core unused had to share it. */
const isStarved = (report) => (report.window > 0 || report.workload === 'lockstep') && sum(report, 'cpuShare') < 0.8;

const share = (name, of) => [name, (reports) => `${number(100 * median(reports.map(of)))} %`];
const column = (name, of, digits) => [name, (reports) => number(median(reports.map(of)), digits)];
const times = (name, field, percentiles) =>
  [name, (reports) => (reports[0].acks === 0 && field === 'ackMs' ? '–' : percentiles.map((percentile) => number(median(reports.map((report) => report[field][percentile])), 2)).join(' / '))];
const cpu = [share('server CPU', (report) => sum(report, 'cpuShare')), share('generator CPU', (report) => report.generatorCpuShare)];

const columns = [
  column('messages/s', (report) => report.publishedPerSecond),
  column('deliveries/s', deliveries.of),
  ['least – most', (reports) => [Math.min, Math.max].map((end) => number(end(...reports.map(deliveries.of)))).join(' – ')],
  times('p50 / p99 / p99.9 ms', 'latencyMs', ['p50', 'p99', 'p999']),
  times('ack p50 / p99 ms', 'ackMs', ['p50', 'p99']),
  column('CPU-µs per delivery', (report) => sum(report, 'cpuMicrosPerDelivery'), 2),
  ...cpu,
];
const idleColumns = [
  column('connects/s', connects.of),
  column('KiB per connection', memory.of, 1),
  column('frames while they came in', (report) => report.otherFramesWhileConnecting),
  ...cpu,
];

const folder = process.argv[2];
const row = (...cells) => console.log(`| ${cells.join(' | ')} |`);
const header = (...cells) => [cells, cells.map(() => '---')].forEach((line) => row(...line));

/** How often a server was run under a workload, and the reports that came of it. */
function runsOf(workload, server) {
  const path = join(folder, workload);
  const logs = existsSync(path) ? readdirSync(path).filter((file) => file.endsWith('.log') && file.slice(0, file.lastIndexOf('-')) === server) : [];
  const files = logs.map((log) => join(path, log.replace(/log$/, 'json'))).filter(existsSync);
  return { count: logs.length, reports: files.map((file) => JSON.parse(readFileSync(file))) };
}

function goalRow(workload, { server, limit, than, measure, sign, holds }) {
  const [ours, theirs] = [runsOf(workload, server), runsOf(workload, than)];
  if (ours.count + theirs.count === 0) return;
  const goal = than ? `${sign} ${limit} × ${names[than]}, ${measure.unit}` : `${sign} ${number(limit)} ${measure.unit}`;
  const middle = ({ reports }) => median(reports.map(measure.of));
  const isRun = ours.reports.length > 0 && (!than || theirs.reports.length > 0);
  const value = isRun ? middle(ours) / (than ? middle(theirs) : 1) : undefined;
  // Who reaches what is asked for on a shared core reaches it; a ratio says nothing then.
  const isMeasured = isRun && (![...ours.reports, ...theirs.reports].some(isStarved) || (!than && holds(value)));
  const found = isMeasured ? [than ? `${number(value, 2)} ×` : number(value, value < 100 ? 1 : 0), holds(value) ? 'yes' : '**no**'] : ['–', 'not measured'];
  row(workloads[workload].title, names[server], goal, ...found);
}

function faultsOf(server, { count, reports }) {
  const lost = count - reports.length;
  const faults = reports.reduce((total, report) => total + report.faults.total, 0);
  const starved = reports.filter(isStarved).length;
  if (lost > 0 || starved > 0 || (faults > 0 && ['ours', 'cluster'].includes(server))) process.exitCode = 1;
  if (lost > 0) return `${lost} of ${count} runs failed`;
  return starved > 0 ? `${faults}; the core was shared in ${starved} of ${count} runs` : number(faults);
}

function table(workload, title, shown) {
  const runs = Object.keys(names).map((server) => [server, runsOf(workload, server)]).filter(([, { count }]) => count > 0);
  if (runs.length === 0) return;
  console.log(`\n## ${title}\n`);
  header('server', ...shown.map(([name]) => name), 'faults');
  for (const [server, run] of runs) row(names[server], ...shown.map(([, cell]) => (run.reports.length > 0 ? cell(run.reports) : '–')), faultsOf(server, run));
}

console.log('## Goals\n');
header('workload', 'server', 'goal', 'measured', 'holds');
for (const [workload, { goals }] of Object.entries(workloads)) goals.forEach((goal) => goalRow(workload, goal));
for (const [workload, { title }] of Object.entries(workloads)) table(workload, title, workload === 'idle' ? idleColumns : columns);

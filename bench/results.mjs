// The tables of RESULTS.md out of the generator's reports: node bench/results.mjs FOLDER, where FOLDER/<workload>/<server>-<turn>.json.
// Exit code 1: a run of ours had faults, or none at all came of a run.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const names = {
  ours: "**ours, one process**",
  bun: "Bun publish/subscribe",
  deno: "the tutorial's, on Deno",
  ws: "ws on Node",
  socketio: "Socket.IO",
  signalr: "SignalR",
  cluster: "**ours, cluster**",
  "signalr-redis": "SignalR + Redis",
  "socketio-redis": "Socket.IO + Redis",
};

const deliveries = { unit: "deliveries/s", of: (report) => report.deliveredPerSecond };
const p99 = { unit: "ms p99", of: (report) => report.latencyMs.p99 };
const stored = { unit: "acknowledged messages/s", of: (report) => report.acks / report.seconds };
const connects = { unit: "connects/s", of: (report) => report.connectsPerSecond };
const memory = { unit: "KiB per connection", of: (report) => sum(report, "kibPerConnection") };

const atLeast = (server, factor, than, measure = deliveries) => ({ server, factor, than, measure, holds: (value) => value >= factor, sign: "≥" });
const atMost = (server, factor, than, measure) => ({ server, factor, than, measure, holds: (value) => value <= factor, sign: "≤" });

const workloads = {
  "16-in-flight": { title: "100 members, 4 publishers, 16 in flight each", goals: [atLeast("ours", 1, "bun"), atLeast("cluster", 4, "signalr-redis")] },
  "1-in-flight": { title: "100 members, 4 publishers, 1 in flight each", goals: [atLeast("ours", 1, "bun"), atLeast("cluster", 2, "signalr-redis")] },
  "1000-members": { title: "1,000 members, 4 publishers, 4 in flight each", goals: [atLeast("ours", 1, "bun"), atLeast("cluster", 4, "signalr-redis")] },
  "200-rooms": {
    title: "200 rooms of 5, 1 publisher each, 1 in flight",
    goals: [atLeast("ours", 0.8, "bun"), atLeast("ours", 2.5, "signalr"), atLeast("cluster", 1.5, "signalr-redis")],
  },
  lockstep: { title: "Lockstep of 32", goals: [atLeast("ours", 0.9, "bun"), atLeast("cluster", 2, "signalr-redis")] },
  "500-a-second": { title: "500 messages/s into 100 members, 10 publishers", goals: [atMost("ours", 1, "bun", p99), atMost("cluster", 1, "signalr-redis", p99)] },
  "hot-room": { title: "One hot room: 4 members, all publish, 64 in flight each", goals: [atLeast("cluster", 40_000, undefined, stored)] },
  idle: { title: "Idle: 19,000 connections in 100 rooms", goals: [atMost("ours", 10, undefined, memory), atLeast("ours", 3_000, undefined, connects)] },
};

const folder = process.argv[2];
const sum = (report, field) => report.servers.reduce((total, server) => total + server[field], 0);
const number = (value, digits = 0) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`);
const header = (...cells) => (row(...cells), row(...cells.map(() => "---")));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

/** The reports of a server under a workload; null for a run of which none came. */
function reportsOf(workload, server) {
  const path = join(folder, workload);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((file) => file.endsWith(".log") && file.slice(0, file.lastIndexOf("-")) === server)
    .map((log) => join(path, log.replace(/log$/, "json")))
    .map((file) => (existsSync(file) ? JSON.parse(readFileSync(file)) : null));
}

const middle = (reports, measure) => median(reports.filter(Boolean).map(measure));

function faultsOf(server, reports) {
  const lost = reports.filter((report) => !report).length;
  const faults = reports.reduce((total, report) => total + (report?.faults.total ?? 0), 0);
  if (lost > 0 || (faults > 0 && (server === "ours" || server === "cluster"))) process.exitCode = 1;
  return lost > 0 ? `${lost} of ${reports.length} runs failed` : faults;
}

function goalRow(title, { server, factor, than, measure, holds, sign }) {
  const ours = reportsOf(this, server);
  const theirs = than ? reportsOf(this, than) : [];
  const isMissing = !ours.some(Boolean) || (than && !theirs.some(Boolean));
  if (isMissing && ours.length + theirs.length === 0) return;
  const goal = `${sign} ${than ? `${factor} × ${names[than]}` : number(factor)} ${measure.unit}`;
  if (isMissing) return row(title, names[server], goal, "–", "not measured");
  const value = middle(ours, measure.of) / (than ? middle(theirs, measure.of) : 1);
  row(title, names[server], goal, than ? `${number(value, 2)} ×` : number(value, value < 100 ? 1 : 0), holds(value) ? "yes" : "**no**");
}

console.log("## Goals\n");
header("workload", "server", "goal", "measured", "holds");
for (const [key, { title, goals }] of Object.entries(workloads)) goals.forEach((goal) => goalRow.call(key, title, goal));

for (const [key, { title }] of Object.entries(workloads)) {
  const measured = Object.keys(names).map((server) => [server, reportsOf(key, server)]).filter(([, reports]) => reports.length > 0);
  if (measured.length === 0) continue;
  console.log(`\n## ${title}\n`);
  if (key === "idle") header("server", "connects/s", "KiB per connection", "frames while they came in", "server CPU", "generator CPU", "faults");
  else header("server", "messages/s", "deliveries/s", "(least – most)", "p50 / p99 / p99.9 ms", "ack p50 / p99 ms", "CPU-µs per delivery", "server CPU", "generator CPU", "faults");
  for (const [server, reports] of measured) {
    const faults = faultsOf(server, reports);
    const whole = reports.filter(Boolean);
    if (whole.length === 0) {
      row(names[server], ...Array(key === "idle" ? 5 : 8).fill("–"), faults);
      continue;
    }
    const of = (measure, digits) => number(middle(whole, measure), digits);
    const cpu = [`${of((report) => 100 * sum(report, "cpuShare"))} %`, `${of((report) => 100 * report.generatorCpuShare)} %`];
    if (key === "idle") {
      row(names[server], of(connects.of), of(memory.of, 1), of((report) => report.otherFramesWhileConnecting), ...cpu, faults);
      continue;
    }
    const rates = whole.map(deliveries.of);
    const times = ["p50", "p99", "p999"].map((name) => of((report) => report.latencyMs[name], 2)).join(" / ");
    const acks = whole[0].acks > 0 ? ["p50", "p99"].map((name) => of((report) => report.ackMs[name], 2)).join(" / ") : "–";
    row(
      names[server],
      of((report) => report.publishedPerSecond),
      of(deliveries.of),
      `${number(Math.min(...rates))} – ${number(Math.max(...rates))}`,
      times,
      acks,
      of((report) => sum(report, "cpuMicrosPerDelivery"), 2),
      ...cpu,
      faults,
    );
  }
}

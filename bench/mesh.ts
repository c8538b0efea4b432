/**
 * What a mesh of real processes does on this machine: what a start and a peer at rest cost, and broadcast over 16 peers.
 * `node bench/mesh.ts --help`
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, type StarlingClient } from '@starling/client';
import { LocalMesh, type PeerProcess, peerScript } from '../e2e/support/local-mesh.ts';
import { until } from '../e2e/support/poll.ts';
import { cpuMs, residentMiB, youngForMs } from './processes.ts';
import { quantile, row, section, spread } from './report.ts';

const usage = `node bench/mesh.ts [options]
  --rounds N       rounds of everything but the start (3)
  --peers N        peers of the mesh (16)
  --messages N     messages of a saturated run (3000)
  --rest SECONDS   how long the mesh is left alone before its memory and its idle CPU are read (5)
  --against FILE   the main.js of another build of the peer: a second mesh, that takes turns with this one; prints the ratios
  --security       meshes in plain, with signatures, with TLS and with both take turns: the price of each, as ratios`;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    peers: { type: 'string', default: '16' },
    messages: { type: 'string', default: '3000' },
    rest: { type: 'string', default: '5' },
    against: { type: 'string' },
    security: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const peers = Number(values.peers);
const messages = Number(values.messages);

/** What takes turns: builds of the peer, or ways to run it. The first is what others are compared with. */
interface Entrant {
  readonly name: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Without TLS: what it costs is measured by bench/link.ts and by --security, and a build to compare with may not know it. */
const plain = { STARLING_INSECURE: 'true' };
const signed = { STARLING_SIGNATURES: 'signed' };

const entrants: readonly Entrant[] = values.security
  ? [
      { name: 'plain', script: peerScript, env: plain },
      { name: 'signed', script: peerScript, env: { ...plain, ...signed } },
      { name: 'TLS', script: peerScript, env: {} },
      { name: 'TLS, signed', script: peerScript, env: signed },
    ]
  : [
      { name: 'this build', script: peerScript, env: plain },
      ...(values.against === undefined ? [] : [{ name: 'against', script: resolve(values.against), env: plain }]),
    ];

/** For the compiler, of each size: a delivery costs half of what it does after 4,000, and hardly less after more (measured). */
const warmUpMessages = 20_000;

/** The same of lone messages, which take other ways through the code: the worst percentile is five times as late in the first ten seconds (measured). */
const warmUpSeconds = 20;

/** Bytes of the payloads of saturated runs. */
const sizes = [1_024, 100] as const;

interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly digits: number;
}

const figures: readonly Figure[] = [
  { name: 'start of a peer', unit: 'CPU ms', digits: 0 },
  { name: 'resident memory of an idle peer', unit: 'MiB', digits: 1 },
  { name: 'an idle peer', unit: 'CPU ms per s', digits: 2 },
  { name: 'paced: ratio', unit: 'delivered', digits: 4 },
  { name: 'paced: p50', unit: 'ms', digits: 1 },
  { name: 'paced: p99', unit: 'ms', digits: 1 },
  { name: 'paced: cost', unit: 'CPU µs per delivery to a subscriber', digits: 0 },
  { name: 'paced: verifications', unit: 'per delivery', digits: 3 },
  ...sizes.flatMap((bytes) => [
    { name: `saturated ${bytes} B: ratio`, unit: 'delivered', digits: 4 },
    { name: `saturated ${bytes} B: rate`, unit: 'messages/s to all', digits: 0 },
    { name: `saturated ${bytes} B: cost`, unit: 'CPU µs per delivery, API included', digits: 1 },
    { name: `saturated ${bytes} B: delivered`, unit: 'per CPU s', digits: 0 },
    { name: `saturated ${bytes} B: bytes on links`, unit: 'per payload byte delivered', digits: 2 },
    { name: `saturated ${bytes} B: messages per frame`, unit: '', digits: 1 },
    { name: `saturated ${bytes} B: verifications`, unit: 'per delivery', digits: 3 },
  ]),
];

const meshCpuMs = (all: readonly PeerProcess[]) =>
  all.reduce((sum, { process }) => sum + cpuMs(process.pid as number), 0);

/** Sums of counters of a peer, over their labels; `name{label="x"` means those that begin so. */
async function counters({ http }: PeerProcess, ...names: readonly string[]): Promise<number[]> {
  const lines = (await (await fetch(`http://${http}/metrics`)).text()).split('\n');
  return names.map((name) =>
    lines
      .filter((line) => line.startsWith(name) && /[ {,}]/.test(line[name.length] ?? ''))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0),
  );
}

async function total(all: readonly PeerProcess[], ...names: readonly string[]): Promise<number[]> {
  const each = await Promise.all(all.map((peer) => counters(peer, ...names)));
  return names.map((_, i) => each.reduce((sum, values) => sum + (values[i] as number), 0));
}

const deliveredTotal = 'starling_messages_delivered_total';
/** First sights of others' messages whose signature had to be verified, and that had been. */
const checks = [
  'starling_signature_checks_total{result="verified"',
  'starling_signature_checks_total{result="cached"',
] as const;
const traffic = [
  deliveredTotal,
  'starling_link_bytes_total{direction="out"',
  'starling_gossip_messages_total{direction="out",kind="gossip"',
  'starling_link_frames_total{direction="out"',
  ...checks,
] as const;

/** Waits until every peer has delivered `count` more than it had. A peer that has is asked no more: asking costs it CPU. */
async function allDelivered(all: readonly PeerProcess[], count: number, had: ReadonlyMap<PeerProcess, number>) {
  let behind = [...all];
  await until('all deliveries', 60_000, async () => {
    const now = await Promise.all(behind.map((peer) => counters(peer, deliveredTotal)));
    behind = behind.filter((peer, i) => (now[i]?.[0] as number) - (had.get(peer) ?? 0) < count);
    return behind.length === 0;
  });
}

/** The mesh alone: one publisher, nobody subscribed; deliveries are counted by the peers themselves. */
async function saturated(
  mesh: LocalMesh,
  publisher: StarlingClient,
  bytes: number,
  messages: number,
  note: Note,
): Promise<void> {
  const had = new Map<PeerProcess, number>();
  for (const peer of mesh.peers) had.set(peer, (await counters(peer, deliveredTotal))[0] as number);
  const before = await total(mesh.peers, ...traffic);
  const cpuBefore = meshCpuMs(mesh.peers);
  const began = performance.now();
  const stream = publisher.publishStream();
  const payload = new Uint8Array(bytes).fill(42);
  const receipts: Promise<unknown>[] = [];
  for (let i = 0; i < messages; i++) {
    receipts.push(stream.publish({ topic: 'bench.load', payload }));
    if (receipts.length >= 512) await receipts.shift();
  }
  await Promise.all(receipts);
  await stream.close();
  await allDelivered(mesh.peers, messages, had).catch(() => {});
  const seconds = (performance.now() - began) / 1_000;
  const cpu = meshCpuMs(mesh.peers) - cpuBefore;
  const after = await total(mesh.peers, ...traffic);
  const [count, sent, gossips, frames, verified, cached] = after.map((value, i) => value - (before[i] as number)) as [
    ...[number, number, number, number],
    ...[number, number],
  ];
  const name = `saturated ${bytes} B`;
  note(`${name}: ratio`, count / (messages * peers));
  note(`${name}: rate`, messages / seconds);
  note(`${name}: cost`, (cpu * 1_000) / count);
  note(`${name}: delivered`, count / (cpu / 1_000));
  note(`${name}: bytes on links`, sent / (count * bytes));
  note(`${name}: messages per frame`, gossips / frames);
  if (verified > 0) note(`${name}: verifications`, verified / (verified + cached));
}

/** Fifty messages a second, heard by a subscriber at every peer. */
async function paced(mesh: LocalMesh, publisher: StarlingClient, rate: number, seconds: number, note: Note) {
  const clients = await Promise.all(
    mesh.peers.map(({ api }) => connect({ addresses: [api], ...mesh.access, learnAddresses: false })),
  );
  const stop = new AbortController();
  const latencies: number[] = [];
  await Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const listen = async () => {
            for await (const event of client.subscribe({ topics: ['bench.paced'], signal: stop.signal })) {
              if (event.kind === 'live') resolve();
              if (event.kind === 'message') latencies.push(performance.now() - Number(event.headers.sent));
            }
          };
          listen().catch(reject);
        }),
    ),
  );
  const payload = new Uint8Array(1_024);
  const count = rate * seconds;
  const checksBefore = await total(mesh.peers, ...checks);
  const cpuBefore = meshCpuMs(mesh.peers);
  const began = performance.now();
  const all: Promise<unknown>[] = [];
  for (let i = 0; i < count; i++) {
    const wait = began + (i * 1_000) / rate - performance.now();
    if (wait > 0) await new Promise((done) => setTimeout(done, wait));
    const headers = { sent: String(performance.now()) };
    // One that fails is missing from the ratio.
    all.push(publisher.publish({ topic: 'bench.paced', payload, headers }).catch(() => {}));
  }
  await Promise.all(all);
  await until('all messages', 10_000, () => latencies.length >= count * peers).catch(() => {});
  const cpu = meshCpuMs(mesh.peers) - cpuBefore;
  stop.abort();
  for (const client of clients) client.close();
  note('paced: ratio', latencies.length / (count * peers));
  note('paced: p50', quantile(latencies, 0.5));
  note('paced: p99', quantile(latencies, 0.99));
  note('paced: cost', (cpu * 1_000) / latencies.length);
  const [verified = 0, cached = 0] = (await total(mesh.peers, ...checks)).map(
    (value, i) => value - (checksBefore[i] ?? 0),
  );
  if (verified > 0) note('paced: verifications', verified / (verified + cached));
}

type Note = (name: string, value: number) => void;

/** A mesh of an entrant, and what was measured. */
interface Contender {
  readonly name: string;
  readonly mesh: LocalMesh;
  readonly publisher: StarlingClient;
  readonly figures: Map<string, number[]>;
  readonly note: Note;
}

async function contender({ name, script, env }: Entrant): Promise<Contender> {
  const mesh = await LocalMesh.start(peers, env, 120_000, script);
  const figures = new Map<string, number[]>();
  const note: Note = (name, value) => void figures.set(name, [...(figures.get(name) ?? []), value]);
  for (const { process } of mesh.peers) note('start of a peer', cpuMs(process.pid as number));
  const publisher = await connect({ addresses: [mesh.peers[0]?.api ?? ''], ...mesh.access, learnAddresses: false });
  return { name, mesh, publisher, figures, note };
}

/** Leaves a mesh that is young no more alone for a while, then looks what that cost, and what it takes. */
async function atRest({ mesh, note }: Contender): Promise<void> {
  const cpuBefore = meshCpuMs(mesh.peers);
  const began = performance.now();
  await new Promise((done) => setTimeout(done, Number(values.rest) * 1_000));
  note('an idle peer', (meshCpuMs(mesh.peers) - cpuBefore) / peers / ((performance.now() - began) / 1_000));
  for (const { process } of mesh.peers) note('resident memory of an idle peer', residentMiB(process.pid as number));
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(usage);
    return;
  }
  section(`mesh of ${peers}, ${values.rounds} rounds: median (least … most)`);
  const contenders: Contender[] = [];
  try {
    for (const entrant of entrants) contenders.push(await contender(entrant));
    await new Promise((done) => setTimeout(done, youngForMs));
    for (const each of contenders) await atRest(each);
    for (const bytes of sizes) {
      for (const { mesh, publisher } of contenders) await saturated(mesh, publisher, bytes, warmUpMessages, () => {});
    }
    for (const { mesh, publisher } of contenders) await paced(mesh, publisher, 50, warmUpSeconds, () => {});
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const bytes of sizes) {
        for (const { mesh, publisher, note } of contenders) await saturated(mesh, publisher, bytes, messages, note);
      }
      for (const { mesh, publisher, note } of contenders) await paced(mesh, publisher, 50, 5, note);
    }
  } finally {
    for (const { mesh, publisher } of contenders) {
      publisher.close();
      mesh.stop();
    }
  }
  print(contenders);
}

/** The first entrant, and each other with the ratio of its median to the first one's. */
function print([first, ...others]: readonly Contender[]): void {
  for (const { name, unit, digits } of figures) {
    const base = first?.figures.get(name) ?? [];
    const all = [first, ...others].flatMap((each) => {
      const seen = each?.figures.get(name);
      if (each === undefined || seen === undefined) return [];
      const ratio = quantile(seen, 0.5) / quantile(base, 0.5);
      const isBase = each === first || Number.isNaN(ratio);
      const label = others.length === 0 ? '' : `${each.name} `;
      return [`${label}${spread(seen, digits)}${isBase ? '' : `, ratio ${ratio.toFixed(2)}`}`];
    });
    if (all.length > 0) row(`${name}, ${unit}`, all);
  }
}

await main();

/**
 * What one link carries: two processes on loopback, `GrpcTransport` at both ends, in plain text and with mutual TLS, against
 * grpc-js with one gRPC message per mesh message (pass-through Buffers, nothing decoded) in the same run. CPU is user + system of both processes.
 *
 *   node bench/link.ts --help
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import type { TransportHandler } from '@starling/host';
import {
  Authority,
  createIdentity,
  createRequest,
  NamePolicy,
  namesOf,
  readPeerCertificateDer,
} from '@starling/identity';
import type { PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import { defaultGrpcTransportConfig, GrpcTransport, type LinkKeys, MutualTls } from '@starling/transport-grpc';
import { row as print, quantile, section, spread } from './report.ts';

/** `up`: from the dialler to the acceptor. */
type Direction = 'up' | 'down';
const kinds = ['starling', 'starling+tls', 'grpc-js'] as const;
type Kind = (typeof kinds)[number];

interface Task {
  readonly kind: Kind;
  readonly direction: Direction;
  readonly bytes: number;
  readonly ms: number;
}

/** What one process says at the end of a task. */
interface Report {
  readonly received: number;
  readonly cpuMicros: number;
}

interface Result extends Omit<Task, 'ms'> {
  readonly messagesPerSecond: number;
  readonly megabytesPerSecond: number;
  readonly cpuMicrosPerMessage: number;
}

const usage = `node bench/link.ts [options]
  --rounds N    rounds (3): each measures every row, Starling, Starling with TLS and grpc-js in turn
  --seconds S   how long each is measured (2), after a second to warm up
  --json        every measurement, as JSON`;

const path = '/bench.Link/Exchange';
const passThrough = (bytes: Buffer): Buffer => bytes;
const peerOf = (name: string, port: number, id = name.repeat(52)): PeerInfo => ({
  id,
  address: `127.0.0.1:${port}`,
  apiAddress: '',
  incarnation: 1,
  zone: '',
  name,
});

/** Sends and counts over one kind of link. */
interface End {
  readonly port: number;
  /** Sends as much as is taken, for a moment. */
  pump(bytes: number): Promise<void>;
  received(): number;
  connect(port: number): Promise<void>;
}

/** What one side of an encrypted link needs. */
interface Secured {
  readonly id: string;
  readonly keys: LinkKeys;
}

async function securedBy(authority: Authority): Promise<Secured> {
  const identity = createIdentity();
  const policy = { names: new NamePolicy([]), lifetimeMs: 3_600_000 };
  const issued = await authority.issue(await createRequest(identity, namesOf([])), policy);
  if (!issued.ok) throw new Error(issued.problem);
  const key = identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { id: identity.id, keys: { key, certificate: issued.certificate, authorities: authority.bundle } };
}

async function starlingEnd(name: string, secured: Secured | undefined): Promise<End> {
  const config = { ...defaultGrpcTransportConfig, host: '127.0.0.1', port: 0 };
  const tls = secured && new MutualTls(config.mesh, secured.keys, readPeerCertificateDer);
  const transport = new GrpcTransport(config, tls);
  const port = await transport.listen();
  let received = 0;
  let other = '';
  let seq = 0;
  const handler: TransportHandler<Uint8Array> = {
    linkUp: (peer) => {
      other = peer.id;
    },
    message: () => {
      received++;
    },
    batch: (deliver) => deliver(),
    linkDown: () => {},
  };
  await transport.start(peerOf(name, port, secured?.id), handler);
  // One string, as a peer has it: the name of a stream is read once for each link.
  const stream = `${'o'.repeat(52)}~1700000000000`;
  const gossip = (body: Uint8Array): MeshMessage<Uint8Array> => ({
    area: 'broadcast',
    swarm: 0,
    message: {
      kind: 'gossip',
      stream,
      seq: ++seq,
      round: 3,
      publishedAt: 1_700_000_000_000.25,
      wantHeld: false,
      repair: false,
      tree: 0,
      entry: 0,
      signature: null,
      body,
    },
  });
  return {
    port,
    received: () => received,
    pump: async (bytes) => {
      const body = Buffer.alloc(bytes, 1);
      while ((transport.stats(other)?.queuedBytes ?? Number.POSITIVE_INFINITY) < 2_000_000) {
        for (let i = 0; i < 64; i++) transport.send(other, gossip(body));
      }
      // Two megabytes last longer than this; spinning would be counted as the link's work.
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    connect: async (to) => {
      await transport.contact(`127.0.0.1:${to}`);
    },
  };
}

async function grpcEnd(): Promise<End> {
  let received = 0;
  let stream: { write(bytes: Buffer): boolean; once(event: 'drain', listener: () => void): unknown } | undefined;
  const server = new Server({ 'grpc.max_receive_message_length': -1 });
  const method = {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  };
  const count = (): void => {
    received++;
  };
  server.addService(
    { exchange: method },
    {
      exchange: (call: ServerDuplexStream<Buffer, Buffer>) => {
        stream = call.on('data', count).on('error', () => {});
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    received: () => received,
    pump: async (bytes) => {
      const body = Buffer.alloc(bytes, 1);
      let writable = true;
      for (let i = 0; i < 64 && writable; i++) writable = stream?.write(body) ?? false;
      await new Promise<void>((resolve) => {
        if (writable || stream === undefined) setImmediate(resolve);
        else stream.once('drain', resolve);
      });
    },
    connect: async (to) => {
      const client = new Client(`127.0.0.1:${to}`, credentials.createInsecure());
      const call = client.makeBidiStreamRequest<Buffer, Buffer>(path, passThrough, passThrough);
      call.on('data', count).on('error', () => {});
      call.write(Buffer.alloc(1));
      stream = call;
    },
  };
}

const endOf = (kind: Kind, name: string, secured?: Secured): Promise<End> =>
  kind === 'grpc-js' ? grpcEnd() : starlingEnd(name, secured);

async function run(end: End, task: Task, isSender: boolean): Promise<Report> {
  const until = performance.now() + task.ms;
  const before = end.received();
  const cpu = process.cpuUsage();
  while (performance.now() < until) {
    if (isSender) await end.pump(task.bytes);
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { user, system } = process.cpuUsage(cpu);
  return { received: end.received() - before, cpuMicros: user + system };
}

/** The acceptor's process: serves one kind of link, then runs its half of a task. */
function serve(): void {
  let end: End;
  process.on('disconnect', () => process.exit(0));
  process.on('message', async (message: { kind?: Kind; secured?: Secured; task?: Task }) => {
    if (message.kind !== undefined) {
      end = await endOf(message.kind, 'b', message.secured);
      process.send?.(end.port);
    }
    if (message.task !== undefined) process.send?.(await run(end, message.task, message.task.direction === 'down'));
  });
}

async function measure(task: Task): Promise<Result> {
  const child = fork(fileURLToPath(import.meta.url), ['--serve'], { stdio: 'inherit' });
  const ask = async <T>(message: object): Promise<T> => {
    child.send(message);
    const [answer] = (await once(child, 'message')) as [T];
    return answer;
  };
  const authority = task.kind === 'starling+tls' ? await Authority.create(defaultGrpcTransportConfig.mesh) : null;
  const [ours, theirs] = authority === null ? [] : [await securedBy(authority), await securedBy(authority)];
  const end = await endOf(task.kind, 'a', ours);
  await end.connect(await ask<number>({ kind: task.kind, secured: theirs }));
  // The first second is for warming up.
  await Promise.all([
    ask<Report>({ task: { ...task, ms: 1_000 } }),
    run(end, { ...task, ms: 1_000 }, task.direction === 'up'),
  ]);
  const [there, here] = await Promise.all([ask<Report>({ task }), run(end, task, task.direction === 'up')]);
  await stop(child);
  const received = task.direction === 'up' ? there.received : here.received;
  const perSecond = received / (task.ms / 1_000);
  return {
    kind: task.kind,
    direction: task.direction,
    bytes: task.bytes,
    messagesPerSecond: Math.round(perSecond),
    megabytesPerSecond: Math.round((perSecond * task.bytes) / 1e6),
    cpuMicrosPerMessage: Number(((there.cpuMicros + here.cpuMicros) / received).toFixed(2)),
  };
}

async function stop(child: ChildProcess): Promise<void> {
  child.disconnect();
  await once(child, 'exit');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const ms = Number(values.seconds) * 1_000;
  const rows: readonly Omit<Task, 'kind' | 'ms'>[] = [
    { bytes: 100, direction: 'up' },
    { bytes: 1_024, direction: 'up' },
    { bytes: 65_536, direction: 'up' },
    { bytes: 65_536, direction: 'down' },
  ];
  const results: Result[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const row of rows) {
      for (const kind of kinds) results.push(await measure({ ...row, kind, ms }));
    }
  }
  if (values.json) {
    console.log(JSON.stringify(results, null, 2));
    return;
  }
  section(`link, ${values.rounds} rounds of ${values.seconds} s: median (least … most); "up" is from the dialler`);
  for (const { bytes, direction } of rows) {
    const of = (kind: Kind, figure: 'messagesPerSecond' | 'megabytesPerSecond' | 'cpuMicrosPerMessage'): number[] =>
      results
        .filter((result) => result.kind === kind && result.bytes === bytes && result.direction === direction)
        .map((result) => result[figure]);
    for (const kind of kinds) {
      print(`${bytes} B ${direction}, ${kind}`, [
        `${spread(of(kind, 'messagesPerSecond'))} messages/s`,
        `${spread(of(kind, 'megabytesPerSecond'))} MB/s`,
        `${spread(of(kind, 'cpuMicrosPerMessage'), 2)} CPU µs per message, both processes`,
      ]);
    }
    const ratio = (figure: 'messagesPerSecond' | 'cpuMicrosPerMessage'): string =>
      (quantile(of('starling', figure), 0.5) / quantile(of('grpc-js', figure), 0.5)).toFixed(2);
    print(`${bytes} B ${direction}, starling / grpc-js`, [
      `rate ${ratio('messagesPerSecond')}`,
      `CPU ${ratio('cpuMicrosPerMessage')}`,
    ]);
  }
  process.exit(0);
}

if (process.argv.includes('--serve')) serve();
else await main();

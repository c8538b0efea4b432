import { durationMs, timestampDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { fromStatus } from '@starling/client';
import type { LookupCost, LookupHop, Record } from '@starling/wire';
import { CliError, exitCode } from '../exit-codes.ts';
import { counted, json, payloadText, printable, shortId, table } from '../output.ts';
import { milliseconds, type SessionOptions, wholeNumber, withClient } from '../session.ts';

export interface LookupOptions extends SessionOptions {
  readonly paths: string;
  readonly trace: boolean;
}

export interface LookupGetOptions extends LookupOptions {
  readonly publisher: string;
  readonly answers: string;
}

export interface LookupPutOptions extends LookupOptions {
  readonly ttl: string;
  readonly recordVersion?: string;
}

export interface LookupFindOptions extends LookupOptions {
  readonly limit: string;
}

/** What every lookup takes. The peer ends it in time to say why; the client waits a little longer. */
function common({ paths, trace, timeout }: LookupOptions) {
  const timeoutMs = milliseconds('--timeout', timeout);
  const lookup = { paths: wholeNumber('--paths', paths, 0, 8), trace, timeout: toDuration(timeoutMs) };
  return { lookup, call: { timeoutMs: timeoutMs + 2_000 } };
}

function toDuration(ms: number) {
  return { seconds: BigInt(Math.floor(ms / 1_000)), nanos: Math.round((ms % 1_000) * 1e6) };
}

/** Exit code 1 when there is no such record. */
export function lookupGet(key: string, options: LookupGetOptions): Promise<number> {
  const { lookup, call } = common(options);
  const answers = wholeNumber('--answers', options.answers, 1, 20);
  return withClient(options, 'client', async (client) => {
    const request = { key: Buffer.from(key), publisher: options.publisher, answers, ...lookup };
    try {
      const { records, holderCount, cost } = await client.getRecord(request, call);
      if (options.output === 'json') {
        console.log(
          json({ records: records.map(recordRow), holders: holderCount, cost: costRow(cost, options.trace) }, 2),
        );
        return exitCode.ok;
      }
      console.log(
        table(
          ['VALUE', 'VERSION', 'EXPIRES', 'PUBLISHER'],
          records.map((record) => [
            payloadText(record.value).text,
            String(record.version),
            expiry(record),
            shortId(record.publisher),
          ]),
        ),
      );
      sayCost(cost, options.trace);
      return exitCode.ok;
    } catch (error) {
      const { reason, lookupCost } = fromStatus(error);
      if (reason !== 'RECORD_NOT_FOUND') return failed(error, options);
      const cost = lookupCost ?? undefined;
      if (options.output === 'json') console.log(json({ records: [], cost: costRow(cost, options.trace) }, 2));
      else {
        console.log(`no record of ${printable(key)}`);
        if (options.trace) sayCost(cost, true);
      }
      return exitCode.incomplete;
    }
  });
}

export async function lookupPut(key: string, value: string | undefined, options: LookupPutOptions): Promise<number> {
  const { lookup, call } = common(options);
  const expireTime = timestampFromMs(Math.floor(Date.now() + milliseconds('--ttl', options.ttl)));
  const version = BigInt(
    options.recordVersion === undefined
      ? 0
      : wholeNumber('--record-version', options.recordVersion, 1, Number.MAX_SAFE_INTEGER),
  );
  const bytes = value === undefined || value === '-' ? await readInput() : Buffer.from(value);
  return withClient(options, 'client', async (client) => {
    const record = { key: Buffer.from(key), value: bytes, version, expireTime };
    const put = await client
      .putRecord({ what: { case: 'record', value: record }, ...lookup }, call)
      .catch((error: unknown) => failed(error, options));
    const { holderCount, wantedCount, cost } = put;
    if (options.output === 'json') {
      const stored = put.record === undefined ? null : recordRow(put.record);
      console.log(
        json({ record: stored, holders: holderCount, wanted: wantedCount, cost: costRow(cost, options.trace) }, 2),
      );
      return exitCode.ok;
    }
    console.log(`held by ${holderCount} of ${counted(wantedCount, 'peer')}; version ${put.record?.version ?? 0}`);
    sayCost(cost, options.trace);
    return exitCode.ok;
  });
}

export function lookupFind(name: string, options: LookupFindOptions): Promise<number> {
  const { lookup, call } = common(options);
  const limit = wholeNumber('--limit', options.limit, 1, 256);
  return withClient(options, 'viewer', async (client) => {
    const { providers, cost } = await client
      .findPeers({ name, limit, ...lookup }, call)
      .catch((error: unknown) => failed(error, options));
    const rows = providers.map(({ peer, expireTime }) => ({
      id: peer?.id ?? '',
      name: peer?.name ?? '',
      zone: peer?.zone ?? '',
      apiAddress: peer?.apiAddress ?? '',
      expires: expireTime === undefined ? '' : timestampDate(expireTime).toISOString(),
    }));
    if (options.output === 'json') {
      console.log(json({ peers: rows, cost: costRow(cost, options.trace) }, 2));
      return exitCode.ok;
    }
    const cells = rows.map((row) => [
      row.name || '–',
      shortId(row.id),
      row.zone || '–',
      row.apiAddress || '–',
      row.expires,
    ]);
    console.log(table(['NAME', 'ID', 'ZONE', 'API AT', 'SAYS SO UNTIL'], cells));
    console.log(counted(rows.length, 'peer'));
    sayCost(cost, options.trace);
    return exitCode.ok;
  });
}

/** Shows which way a lookup went that came to nothing; what is wrong with it is said by whoever catches it. */
function failed(error: unknown, { trace, output }: LookupOptions): never {
  const { lookupCost } = fromStatus(error);
  if (trace && output !== 'json' && lookupCost !== null) sayCost(lookupCost, true);
  throw error;
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > valueBytesMax) throw new CliError('standard input: a record has at most 64 KiB', exitCode.usage);
  }
  return Buffer.concat(chunks);
}

/** What a peer takes, and one byte more would be refused there. */
const valueBytesMax = 64 * 1024;

function recordRow(record: Record) {
  const { text, encoding } = payloadText(record.value);
  const key = payloadText(record.key);
  return {
    ...{ key: key.text, keyEncoding: key.encoding, value: text, valueEncoding: encoding },
    ...{ version: record.version, expires: expiry(record), publisher: record.publisher },
  };
}

function expiry({ expireTime }: Record): string {
  return expireTime === undefined ? '' : timestampDate(expireTime).toISOString();
}

function costRow(cost: LookupCost | undefined, withHops: boolean) {
  if (cost === undefined) return null;
  return {
    ...{ calls: cost.callCount, failures: cost.failureCount, rounds: cost.rounds, fullTable: cost.fullTable },
    elapsedMs: cost.elapsed === undefined ? 0 : durationMs(cost.elapsed),
    ...(withHops && { hops: cost.hops.map(hopRow) }),
  };
}

function hopRow(hop: LookupHop) {
  const { peerId, peerName, zone, path, round, sharedBits, outcome, count } = hop;
  const ms = (of: LookupHop['start']) => (of === undefined ? 0 : Number(of.seconds) * 1_000 + of.nanos / 1e6);
  return {
    ...{ peerId, peerName, zone, path, round, sharedBits, outcome, count },
    ...{ startMs: ms(hop.start), elapsedMs: ms(hop.elapsed) },
  };
}

function sayCost(cost: LookupCost | undefined, withHops: boolean): void {
  const row = costRow(cost, true);
  if (row === null) return;
  if (withHops && row.hops !== undefined && row.hops.length > 0) {
    console.log(
      table(
        ['AT MS', 'TOOK MS', 'PATH', 'ROUND', 'BITS', 'PEER', 'ZONE', 'ANSWER'],
        row.hops.map((hop) => [
          ...[hop.startMs.toFixed(1), hop.elapsedMs.toFixed(1), String(hop.path), String(hop.round)],
          ...[String(hop.sharedBits), hop.peerName || shortId(hop.peerId), hop.zone || '–'],
          hop.count > 0 ? `${hop.outcome} (${hop.count})` : hop.outcome,
        ]),
      ),
    );
  }
  const failed = row.failures > 0 ? `, ${row.failures} failed` : '';
  const rounds = row.calls === 0 ? ': nobody had to be asked' : ` in ${counted(row.rounds, 'round')}${failed}`;
  const way = row.fullTable ? '; all peers are known' : '';
  console.log(`${counted(row.calls, 'call')}${rounds}, ${row.elapsedMs.toFixed(1)} ms${way}`);
}

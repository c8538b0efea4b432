import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import {
  LinkRole,
  type PeerReport,
  PeerReportSchema,
  type WatchTopologyResponse,
  WatchTopologyResponseSchema,
} from '@starling/wire';
import { exitCode } from '../exit-codes.ts';
import { json, shortId, table } from '../output.ts';
import { milliseconds, type SessionOptions, withClient } from '../session.ts';

export interface TopologyOptions extends SessionOptions {
  readonly watch: boolean;
}

/** The mesh as it is: every peer with its links. Waits until all known peers were heard, or the timeout; `--watch` goes on with changes. */
export function topology(options: TopologyOptions): Promise<number> {
  return withClient(options, 'viewer', async (client) => {
    const stop = new AbortController();
    const timer = options.watch
      ? undefined
      : setTimeout(() => stop.abort(), milliseconds('--timeout', options.timeout));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
    const picture = new Map<string, PeerReport>();
    let heard = 0;
    let known = 0;
    for await (const response of client.watchTopology({ signal: stop.signal })) {
      apply(picture, response);
      heard = response.peersHeard;
      known = response.peersKnown;
      if (options.watch)
        console.log(
          options.output === 'json'
            ? json(shown(WatchTopologyResponseSchema, response))
            : changeLine(response, picture),
        );
      else if (known > 0 && heard >= known) break;
    }
    clearTimeout(timer);
    if (!options.watch) print(options, [...picture.values()], heard, known);
    return heard >= known ? exitCode.ok : exitCode.incomplete;
  });
}

/** As protobuf's JSON has it, and so any other client: times as text, words for enums, zeros too. */
function shown<D extends DescMessage>(schema: D, message: MessageShape<D>) {
  return toJson(schema, message, { alwaysEmitImplicit: true });
}

function apply(picture: Map<string, PeerReport>, { event }: WatchTopologyResponse): void {
  if (event.case === 'snapshot') picture.clear();
  for (const report of event.value?.reports ?? []) if (report.peer) picture.set(report.peer.id, report);
  if (event.case === 'delta') for (const { id } of event.value.removedPeers) picture.delete(id);
}

function print(options: TopologyOptions, reports: readonly PeerReport[], heard: number, known: number): void {
  const names = new Map(reports.map(({ peer }) => [peer?.id ?? '', peer?.name || shortId(peer?.id ?? '')]));
  const nameOf = (id: string) => names.get(id) ?? shortId(id);
  if (options.output === 'json') {
    const peers = reports.map((report) => shown(PeerReportSchema, report));
    console.log(json({ peersHeard: heard, peersKnown: known, parts: parts(reports), peers }, 2));
    return;
  }
  const rows = reports
    .map(({ peer, links }) => [
      nameOf(peer?.id ?? ''),
      String(links.length),
      links
        .filter(({ role }) => role === LinkRole.EAGER)
        .map(({ peerId }) => nameOf(peerId))
        .join(' '),
      links
        .filter(({ role }) => role !== LinkRole.EAGER)
        .map(({ peerId }) => nameOf(peerId))
        .join(' '),
    ])
    .sort(([a = ''], [b = '']) => a.localeCompare(b, 'en', { numeric: true }));
  console.log(table(['PEER', 'LINKS', 'PUSHES TO', 'ANNOUNCES TO'], rows));
  const sizes = parts(reports);
  const whole = sizes.length === 1 ? 'one mesh' : `${sizes.length} parts of ${sizes.join(', ')} peers`;
  console.log(`${heard} of ${known} peers heard; ${whole}`);
}

/** Sizes of the connected parts, largest first. */
function parts(reports: readonly PeerReport[]): number[] {
  const linksOf = new Map(reports.map(({ peer, links }) => [peer?.id ?? '', links.map(({ peerId }) => peerId)]));
  const left = new Set(linksOf.keys());
  const sizes: number[] = [];
  for (const first of left) {
    left.delete(first);
    const part = [first];
    for (const id of part) for (const other of linksOf.get(id) ?? []) if (left.delete(other)) part.push(other);
    sizes.push(part.length);
  }
  return sizes.sort((a, b) => b - a);
}

function changeLine(
  { event, version, peersHeard, peersKnown }: WatchTopologyResponse,
  picture: ReadonlyMap<string, PeerReport>,
): string {
  const removed =
    event.case === 'delta' ? event.value.removedPeers.map(({ id, reason }) => `${shortId(id)} ${reason}`) : [];
  const changed = event.value?.reports.length ?? 0;
  const links = [...picture.values()].reduce((sum, report) => sum + report.links.length, 0) / 2;
  const gone = removed.length > 0 ? `; gone: ${removed.join(', ')}` : '';
  return `#${version}  ${peersHeard} of ${peersKnown} peers heard, ${links} links, ${changed} reports${gone}`;
}

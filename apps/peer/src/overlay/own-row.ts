import type { PeerRow } from '@starling/query';
import type { Overlay } from './overlay.ts';

/** What a row is read from beside the overlay. */
export interface RowSources {
  readonly version: string;
  deliveryRatio(): number;
  documents(): number;
  subscribers(): number;
  responders(): number;
}

/** What this process knows of itself: the part of its row in questions about peers that the mesh does not know. */
export function ownRow(overlay: Overlay, sources: RowSources): PeerRow {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const uptime = performance.now();
  return {
    version: sources.version,
    state: overlay.state === 'stopped' ? 'draining' : overlay.state,
    uptime,
    ...traffic(overlay),
    dropped: overlay.host.stats.sendsDropped,
    published: overlay.published,
    delivery: sources.deliveryRatio(),
    documents: sources.documents(),
    subscribers: sources.subscribers(),
    responders: sources.responders(),
    memory: rss,
    heap: heapUsed,
    // Both since the start, cpuUsage in µs.
    cpu: (user + system) / (1_000 * uptime),
    loop: performance.eventLoopUtilization().utilization,
  };
}

/** Over the links that are open. */
function traffic({ host, neighbors, mesh }: Overlay): PeerRow {
  const sum = { messages_in: 0, messages_out: 0, bytes_in: 0, bytes_out: 0, queue: 0, duplicates: 0 };
  for (const { id } of neighbors) {
    const stats = host.linkStats(id);
    sum.duplicates += mesh.root.broadcast.duplicatesFrom(id);
    if (stats === undefined) continue;
    sum.messages_in += stats.messagesIn;
    sum.messages_out += stats.messagesOut;
    sum.bytes_in += stats.bytesIn;
    sum.bytes_out += stats.bytesOut;
    sum.queue += stats.queuedBytes;
  }
  return sum;
}

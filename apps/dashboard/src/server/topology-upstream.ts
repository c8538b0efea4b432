import { create } from '@bufbuild/protobuf';
import type * as grpc from '@grpc/grpc-js';
import { pause } from '@starling/client';
import { WatchTopologyRequestSchema, type WatchTopologyResponse } from '@starling/wire';
import { type FailedTry, triesMax, type UpstreamStatus } from '../feed/feed-event.ts';
import { deltaFacts, millisOf, snapshotFacts } from './facts-from-wire.ts';
import { api, type MeshClient } from './mesh-client.ts';
import type { OpenUpstream, UpstreamListener, UpstreamMessage } from './topology-hub.ts';
import { PeerTrouble, troubleOf } from './trouble.ts';

/** A peer sends something at least every 5 s; twice that and a little, and it hangs. */
const silenceMs = 12_000;
/** Pause after all addresses failed: doubles from the first to the second. */
const [pauseMsMin, pauseMsMax] = [250, 2_000];

/** Watches the topology by one peer after another, for ever: whichever of the book's addresses answers. */
export function topologyUpstream(client: MeshClient, metadata: () => Promise<grpc.Metadata>): OpenUpstream {
  return (listener) => {
    const abort = new AbortController();
    void watchForever(client, metadata, listener, abort.signal);
    return { stop: () => abort.abort() };
  };
}

async function watchForever(
  client: MeshClient,
  metadata: () => Promise<grpc.Metadata>,
  listener: UpstreamListener,
  signal: AbortSignal,
): Promise<void> {
  const { book } = client;
  let pauseMs = pauseMsMin;
  let hasBeenLive = false;
  let tries: readonly FailedTry[] = [];
  let status: UpstreamStatus = { phase: 'connecting', servedBy: '', address: '', tries, addresses: book.size };
  listener.onStatus(status);
  while (!signal.aborted) {
    for (const address of book.candidates(Date.now())) {
      if (signal.aborted) return;
      let wasLive = false;
      const { trouble, message } = await watchOnce(client, metadata, address, signal, (heard) => {
        if (!wasLive) {
          tries = [];
          const { servedBy } = heard;
          listener.onStatus({ phase: 'live', servedBy, address, tries, addresses: book.size });
        }
        wasLive = true;
        learnFrom(client, heard);
        listener.onMessage(heard);
      });
      if (signal.aborted) return;
      book.failed(address, Date.now());
      hasBeenLive ||= wasLive;
      const others = tries.filter((failed) => failed.address !== address);
      tries = [...others, { address, trouble, message }].slice(-triesMax);
      status = { ...status, tries, addresses: book.size };
      // One address after another may fail: the viewer hears it once per round, and at once when the live one goes.
      if (wasLive) {
        pauseMs = pauseMsMin;
        listener.onStatus({ ...status, phase: 'lost', address });
        break;
      }
    }
    listener.onStatus({ ...status, phase: hasBeenLive ? 'lost' : 'connecting' });
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMsMax, pauseMs * 2);
  }
}

/** Streams from one peer until it fails, and says why it did. */
async function watchOnce(
  client: MeshClient,
  metadata: () => Promise<grpc.Metadata>,
  address: string,
  signal: AbortSignal,
  onMessage: (message: UpstreamMessage) => void,
): Promise<PeerTrouble> {
  let call: grpc.ClientReadableStream<WatchTopologyResponse>;
  try {
    call = await client.stream(address, api.admin.watchTopology, create(WatchTopologyRequestSchema), await metadata());
  } catch (error) {
    return error instanceof PeerTrouble ? error : new PeerTrouble('unreachable', 'does not answer');
  }
  return await new Promise<PeerTrouble>((resolve) => {
    const end = (trouble: PeerTrouble): void => {
      clearTimeout(watchdog);
      signal.removeEventListener('abort', stop);
      call.cancel();
      resolve(trouble);
    };
    const stop = (): void => end(new PeerTrouble('broken', 'stopped'));
    const watchdog = setTimeout(() => end(new PeerTrouble('silent', 'has fallen silent')), silenceMs);
    signal.addEventListener('abort', stop, { once: true });
    call.on('data', (response: WatchTopologyResponse) => {
      watchdog.refresh();
      onMessage(messageOf(response));
    });
    call.on('error', (error: grpc.ServiceError) => end(troubleOf(error)));
    call.on('end', () => end(new PeerTrouble('broken', 'ended the stream')));
    if (signal.aborted) stop();
  });
}

function messageOf({ event, time, peersKnown, servedBy }: WatchTopologyResponse): UpstreamMessage {
  return {
    at: Math.round(millisOf(time)),
    known: peersKnown,
    servedBy,
    snapshot: event.case === 'snapshot' ? snapshotFacts(event.value) : null,
    delta:
      event.case === 'delta'
        ? deltaFacts(event.value)
        : event.case === undefined
          ? { reports: [], silentPeers: [], removedPeers: [] }
          : null,
  };
}

function learnFrom({ book }: MeshClient, { snapshot, delta }: UpstreamMessage): void {
  const { reports, silentPeers } = snapshot ?? delta ?? { reports: [], silentPeers: [] };
  book.learn(reports.map(({ peer }) => peer.apiAddress));
  book.learn(silentPeers.map((peer) => peer.apiAddress));
}

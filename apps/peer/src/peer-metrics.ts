import type { LookupResult } from '@starling/core-kademlia';
import type { CertificateWatch, MessageSigning } from '@starling/identity';
import type { Millis } from '@starling/kernel';
import { CanaryLedger, type MeshCounters, type MetricSources, MetricsRegistry, type Sample } from '@starling/metrics';
import type { TransportCounters } from '@starling/transport-grpc';
import type { Connections } from './api/connections.ts';
import type { RpcMetrics } from './api/rpc-metrics.ts';
import type { Subscriptions } from './api/subscriptions.ts';
import type { TopologyWatches } from './api/watch-topology.ts';
import type { Access } from './auth/access.ts';
import type { Overlay } from './overlay/overlay.ts';
import type { PeersAnswer } from './overlay/peer-questions.ts';
import type { Publisher } from './overlay/publisher.ts';
import type { Queries, QueryEnd } from './overlay/queries.ts';
import type { Responders } from './responders/responders.ts';
import type { ThreadedIndex } from './search/threaded-index.ts';
import { version } from './version.ts';

/** What is measured. */
export interface MeasuredPeer {
  readonly overlay: Overlay;
  readonly counters: MeshCounters<Uint8Array>;
  readonly publisher: Publisher;
  readonly queries: Queries;
  readonly responders: Responders;
  readonly subscriptions: Subscriptions;
  readonly watches: TopologyWatches;
  readonly index: ThreadedIndex;
  readonly rpc: RpcMetrics;
  readonly access: Access;
  readonly connections: Connections;
  /** Of the links to other peers. */
  readonly links: TransportCounters;
  /** Null: the peer is insecure. */
  readonly certificates: CertificateWatch | null;
  /** Null: messages are not signed. */
  readonly signing: MessageSigning | null;
}

const states = ['starting', 'ready', 'draining', 'stopped'] as const;
const offReasons = ['disabled', 'mesh too large', 'memory'] as const;

/** Connects the metrics, which are data, to what they are read from: plain fields, at each scrape. */
export class PeerMetrics {
  readonly registry: MetricsRegistry;
  readonly #canaries = new CanaryLedger();
  /** By strategy and result, `walk complete`. */
  readonly #queries = new Map<string, number>();
  /** Questions about peers, by result. */
  readonly #questions = { complete: 0, incomplete: 0, cancelled: 0, overloaded: 0, costly: 0 };
  #canariesSent = 0;

  constructor(peer: MeasuredPeer) {
    this.registry = new MetricsRegistry(this.#sources(peer));
    peer.rpc.attach(this.registry);
    const { overlay, counters } = peer;
    overlay.on((event) => {
      counters.heard(overlay.now(), event);
      switch (event.kind) {
        case 'canary':
          this.#canaries.arrived(overlay.now(), event.origin, event.incarnation, event.number);
          this.registry.observe('starling_message_delivery_seconds', event.delayMs / 1_000, { class: 'canary' });
          this.registry.observe('starling_message_hops', event.hops, { class: 'canary' });
          break;
        case 'canarySent':
          this.#canariesSent++;
          break;
        case 'rtt':
          this.registry.observe('starling_neighbor_rtt_seconds', event.rttMs / 1_000);
          break;
        default:
      }
    });
  }

  /** A lookup of this peer's clients ended. */
  lookupEnded(kind: 'get' | 'put', { tookMs, rpcs, rounds }: LookupResult): void {
    this.registry.observe('starling_lookup_duration_seconds', tookMs / 1_000, { kind });
    this.registry.observe('starling_lookup_calls', rpcs, { kind });
    this.registry.observe('starling_lookup_rounds', rounds, { kind });
  }

  /** Share of the other peers' canaries that arrived lately. */
  deliveryRatio(now: Millis): number {
    return this.#canaries.ratio(now);
  }

  /** A query of this peer's clients ended. */
  queryEnded(end: QueryEnd): void {
    const result =
      end.reason === 'cancelled' || end.reason === 'overloaded' ? end.reason : end.complete ? 'complete' : 'incomplete';
    const { strategy } = end;
    const key = `${strategy} ${result}`;
    this.#queries.set(key, (this.#queries.get(key) ?? 0) + 1);
    this.registry.observe('starling_search_duration_seconds', end.elapsedMs / 1_000, { strategy });
    this.registry.observe('starling_search_messages_per_query', end.tally.messages, { strategy });
    this.registry.observe('starling_search_bytes_per_query', end.tally.bytes, { strategy });
    this.registry.observe('starling_search_peers_per_query', end.tally.asked, { strategy });
    this.registry.observe('starling_search_results', end.hits);
  }

  /** A question of this peer's clients about all peers ended. */
  peersAnswered({ result, elapsedMs }: PeersAnswer): void {
    const { reason, complete, tally } = result;
    const isRefused = reason === 'overloaded' || reason === 'budget';
    const word = reason === 'budget' ? 'costly' : reason === 'overloaded' || reason === 'cancelled' ? reason : null;
    this.#questions[word ?? (complete ? 'complete' : 'incomplete')]++;
    if (isRefused) return;
    this.registry.observe('starling_peer_questions_duration_seconds', elapsedMs / 1_000);
    this.registry.observe('starling_peer_questions_messages', tally.messages);
    this.registry.observe('starling_peer_questions_bytes', tally.bytes);
  }

  #sources(peer: MeasuredPeer): MetricSources {
    const { overlay, counters, publisher, queries, subscriptions, watches, index, rpc, access, connections } = peer;
    const { links, certificates, responders, signing } = peer;
    const { host, mesh } = overlay;
    const { lookup } = mesh;
    const { membership, broadcast } = mesh.root;
    const signatures = broadcast.signatureStats;
    let loop = performance.eventLoopUtilization();
    const neighbors = (): Iterable<string> => host.links.keys();
    return {
      starling_build_info: () => [{ labels: { version, protocol: '1' }, value: 1 }],
      starling_peer_state: () => states.map((state) => ({ labels: { state }, value: Number(overlay.state === state) })),
      starling_start_time_seconds: () => performance.timeOrigin / 1_000,

      starling_view_size: () => [
        { labels: { view: 'active' }, value: membership.activeView().length },
        { labels: { view: 'passive' }, value: membership.passiveView().length },
      ],
      starling_view_changes_total: () => counters.viewChanges(),
      starling_alone_seconds_total: () => counters.aloneSeconds(overlay.now()),
      starling_cluster_size_estimate: () => overlay.size,
      starling_directory_changes_total: () => counters.directoryChanges(),
      starling_suspicions_total: () => counters.suspicions(),
      starling_protocol_violations_total: () => counters.violations,
      starling_verdicts_total: () => counters.verdicts(),
      starling_banned_peers: () => [
        { labels: { scope: 'peer' }, value: mesh.reputation.bans(overlay.now()).length },
        { labels: { scope: 'mesh' }, value: mesh.bans.size },
      ],
      starling_ban_records: () => mesh.bans.records().length,
      starling_ban_records_refused_total: () => byReason(mesh.bans.stats.refused),

      starling_connections: () => host.links.size,
      starling_discovery_rounds_total: () => host.discoveryStats?.rounds ?? 0,
      starling_discovery_failures_total: () => [
        { labels: { step: 'find' }, value: host.discoveryStats?.findsFailed ?? 0 },
        { labels: { step: 'dial' }, value: host.discoveryStats?.dialsFailed ?? 0 },
      ],
      starling_link_send_failures_total: () => host.stats.sendsDropped,
      starling_send_queue_bytes: () => sum(neighbors(), (peer) => host.linkStats(peer)?.queuedBytes ?? 0),
      starling_gossip_messages_total: () => counters.messages(),
      starling_link_bytes_total: () => [
        { labels: { direction: 'in' }, value: links.bytesIn },
        { labels: { direction: 'out' }, value: links.bytesOut },
      ],
      starling_link_frames_total: () => [
        { labels: { direction: 'in' }, value: links.framesIn },
        { labels: { direction: 'out' }, value: links.framesOut },
      ],
      starling_dials_failed_total: () => byReason(links.dialsFailed),
      starling_links_refused_total: () => byReason({ ...links.refused, timeout: links.acceptTimeouts }),
      starling_links_renewed_total: () => links.linksRenewed,
      starling_insecure: () => Number(certificates === null),
      ...(certificates !== null && {
        starling_certificate_expiry_timestamp_seconds: () => [
          { labels: { certificate: 'own' }, value: certificates.current.peer.expiresAt / 1_000 },
          { labels: { certificate: 'authority' }, value: certificates.current.authorityExpiresAt / 1_000 },
        ],
        starling_certificate_changes_total: () => [
          { labels: { result: 'renewed' }, value: certificates.stats.renewed },
          { labels: { result: 'rejected' }, value: certificates.stats.rejected },
        ],
      }),
      starling_links_lost_total: () => links.linksLost,
      starling_shed_total: () => [
        { labels: { bound: 'link-control' }, value: links.queueOverflows },
        { labels: { bound: 'link-payload' }, value: links.payloadsDropped },
        { labels: { bound: 'link-oversized' }, value: links.oversized },
        { labels: { bound: 'link-malformed' }, value: links.malformedFrames },
        { labels: { bound: 'announcements' }, value: broadcast.stats.shed },
        { labels: { bound: 'old-payloads' }, value: broadcast.stats.refused },
        { labels: { bound: 'early-payloads' }, value: broadcast.stats.early },
        { labels: { bound: 'own-messages' }, value: broadcast.stats.overpaced },
        { labels: { bound: 'origins' }, value: broadcast.stats.throttled },
        { labels: { bound: 'signature-keys' }, value: signing?.stats.keysEvicted ?? 0 },
        { labels: { bound: 'trees' }, value: broadcast.trees.overflowed },
        { labels: { bound: 'queries' }, value: mesh.search.stats.queriesShed },
        { labels: { bound: 'finished-queries' }, value: mesh.search.seenEvicted },
        { labels: { bound: 'peer-questions' }, value: mesh.aggregate.stats.shed },
        { labels: { bound: 'hits' }, value: mesh.search.stats.hitsDropped + mesh.holders.stats.hitsDropped },
        { labels: { bound: 'summaries' }, value: mesh.summaries.stats.summariesRefused },
        { labels: { bound: 'summary-deltas' }, value: mesh.summaries.stats.deltasDropped },
        { labels: { bound: 'holder-questions' }, value: mesh.holders.stats.refused + mesh.holders.stats.shed },
        { labels: { bound: 'members' }, value: mesh.directory.stats.newcomersRefused },
        { labels: { bound: 'accusations' }, value: mesh.directory.accusations.dropped },
        { labels: { bound: 'member-checks' }, value: mesh.directory.checks.dropped },
        { labels: { bound: 'reports' }, value: mesh.observe.stats.reportsRefused },
        { labels: { bound: 'probes' }, value: mesh.liveness.stats.probesRefused },
        { labels: { bound: 'watched' }, value: mesh.liveness.stats.unwatchable },
        { labels: { bound: 'lookups' }, value: lookup.stats.overloaded },
        { labels: { bound: 'published' }, value: lookup.stats.publishedDropped },
        { labels: { bound: 'streams' }, value: mesh.pubsub.stats.streamsForgotten },
      ],

      starling_messages_published_total: () => counters.published,
      starling_messages_delivered_total: () => mesh.pubsub.stats.delivered,
      starling_messages_duplicate_total: () => broadcast.stats.duplicates,
      starling_messages_lost_total: () => broadcast.stats.lost,
      starling_repair_total: () => [
        { labels: { kind: 'graft' }, value: broadcast.stats.graftsSent + broadcast.stats.graftsReceived },
        { labels: { kind: 'prune' }, value: broadcast.stats.prunesSent + broadcast.stats.prunesReceived },
        { labels: { kind: 'pull' }, value: broadcast.stats.pulled },
      ],
      starling_comparisons_total: () => broadcast.stats.comparisons,
      starling_comparison_messages_total: () => [
        { labels: { direction: 'brought' }, value: broadcast.stats.broughtByOutsiders },
        { labels: { direction: 'lacked' }, value: broadcast.stats.lackedByOutsiders },
      ],
      starling_bypassing: () => (mesh.isBypassing ? 1 : 0),
      starling_tree_links: () => [
        { labels: { role: 'eager' }, value: broadcast.eagerPeers().length },
        { labels: { role: 'lazy' }, value: broadcast.lazyPeers().length },
      ],
      ...(signatures !== null && {
        starling_messages_signed_total: () => signatures.signed,
        starling_signatures_made_total: () => signatures.batches,
        starling_signature_checks_total: () =>
          byResult({
            verified: signatures.verified,
            cached: signatures.cached,
            unsigned: signatures.unsigned,
            'refused-unsigned': signatures.refusedUnsigned,
            'refused-forged': signatures.refusedForged,
            'refused-altered': signatures.refusedAltered,
          }),
        starling_signature_keys: () => signing?.keys ?? 0,
      }),
      starling_trees: () => broadcast.trees.known,
      starling_store_bytes: () => broadcast.store.bytes,
      starling_store_messages: () => broadcast.store.size,

      starling_canary_sent_total: () => this.#canariesSent,
      starling_canary_received_total: () => this.#canaries.received,
      starling_canary_missed_total: () => this.#canaries.missed,
      starling_delivery_ratio: () => this.#canaries.ratio(overlay.now()),

      starling_subscriptions: () => subscriptions.size,
      starling_subscription_messages_total: () => subscriptions.stats.messages,
      starling_subscription_gaps_total: () =>
        Object.entries(subscriptions.stats.gaps).map(([reason, value]) => ({ labels: { reason }, value })),
      starling_backpressure_events_total: () => [
        { labels: { action: 'pause' }, value: subscriptions.pauses + watches.pauses },
        {
          labels: { action: 'refuse' },
          value:
            subscriptions.stats.refused + watches.refused + queries.refused + responders.refused + publisher.refused,
        },
      ],
      starling_publishes_waiting: () => publisher.waiting,
      starling_topology_watches: () => watches.size,

      starling_search_total: () =>
        [...this.#queries].map(([key, value]) => {
          const [strategy = '', result = ''] = key.split(' ');
          return { labels: { strategy, result }, value };
        }),
      starling_peer_questions_total: () => byResult(this.#questions),
      starling_peer_questions_worked: () => mesh.aggregate.activeCount,
      starling_peer_questions_branches_lost_total: () => mesh.aggregate.stats.lost,
      starling_search_cached_total: () => mesh.search.stats.cached,
      starling_search_local_total: () => queries.answered,
      starling_query_choices_total: () =>
        Object.entries(mesh.chosen).map(([strategy, value]) => ({ labels: { strategy }, value })),
      starling_query_fallbacks_total: () =>
        (['exhaustive', 'walk', 'guided'] as const).map((strategy) => ({
          labels: { strategy },
          value: mesh.fellBack[strategy],
        })),
      starling_keywords_standing: () => mesh.keywords.standing,
      starling_keyword_puts_total: () => byResult({ ...mesh.keywords.publishStats }),
      starling_keyword_finds_total: () => {
        const { finds, named, shed } = mesh.keywords.findStats;
        return byResult({ named, shed, unnamed: finds - named - shed });
      },
      starling_keyword_records: () => lookup.store.keywordCount,
      starling_summaries_peers: () => [
        { labels: { state: 'covered' }, value: mesh.summaries.covered },
        { labels: { state: 'stale' }, value: mesh.summaries.stale },
      ],
      starling_summaries_stale_seconds: () => mesh.summaries.staleMs(overlay.now()) / 1_000,
      starling_summaries_bytes: () => mesh.summaries.bytes,
      starling_summaries_false_answer_ratio: () => mesh.summaries.falseShare,
      starling_summaries_off: () =>
        offReasons.map((reason) => ({ labels: { reason }, value: Number(mesh.summaries.off === reason) })),
      starling_summaries_deltas_total: () => [
        { labels: { direction: 'in' }, value: mesh.summaries.stats.deltasApplied },
        { labels: { direction: 'out' }, value: mesh.summaries.stats.deltasSent },
      ],
      starling_summaries_fetched_bytes_total: () => [
        { labels: { direction: 'in' }, value: mesh.summaries.catchUpStats.bytesFetched },
        { labels: { direction: 'out' }, value: mesh.summaries.catchUpStats.bytesServed },
      ],
      starling_holder_answers_total: () => [
        { labels: { result: 'hits' }, value: mesh.holders.stats.fruitful },
        { labels: { result: 'empty' }, value: mesh.holders.stats.empty },
        { labels: { result: 'missing' }, value: mesh.holders.stats.missing },
      ],
      starling_search_local_failed_total: () => queries.failed,
      starling_responders: () => responders.size,
      starling_responder_questions_total: () =>
        Object.entries(responders.outcomes()).map(([result, value]) => ({ labels: { result }, value })),
      starling_responders_cut_off_total: () => byReason(responders.cutOffs()),
      starling_index_documents: () => index.size,
      starling_index_bytes: () => index.bytes,
      starling_index_documents_refused_total: () => index.stats.documentsRefused,

      starling_lookups_total: () =>
        Object.entries({
          found: lookup.stats.found,
          'not-found': lookup.stats.notFound,
          stored: lookup.stats.stored,
          superseded: lookup.stats.superseded,
          'not-stored': lookup.stats.notStored,
          deadline: lookup.stats.deadlines,
          cancelled: lookup.stats.cancelled,
          overloaded: lookup.stats.overloaded,
        }).map(([result, value]) => ({ labels: { result }, value })),
      starling_lookup_calls_total: () =>
        Object.entries({
          made: lookup.stats.rpcs,
          hedged: lookup.stats.hedged,
          timeout: lookup.stats.timeouts,
          'link-down': lookup.stats.linksDown,
          untrue: lookup.stats.untrue,
          served: lookup.stats.served,
        }).map(([call, value]) => ({ labels: { call }, value })),
      starling_records: () => lookup.store.count,
      starling_record_bytes: () => lookup.store.bytes,
      starling_records_published: () => lookup.publishedCount,
      starling_records_stored_total: () => [
        { labels: { result: 'stored' }, value: lookup.stats.storesTaken },
        { labels: { result: 'held' }, value: lookup.stats.storesHeld },
        { labels: { result: 'full' }, value: lookup.stats.storesRefusedFull },
        { labels: { result: 'busy' }, value: lookup.stats.storesRefusedBusy },
        { labels: { result: 'far' }, value: lookup.stats.storesRefusedFar },
        { labels: { result: 'invalid' }, value: lookup.stats.storesRefusedInvalid },
      ],
      starling_records_gone_total: () => [
        { labels: { reason: 'expired' }, value: lookup.stats.expired },
        { labels: { reason: 'evicted' }, value: lookup.store.evicted },
      ],
      starling_records_republished_total: () => lookup.stats.republished,
      starling_records_copied_total: () => [
        { labels: { result: 'sent' }, value: lookup.stats.copies },
        { labels: { result: 'failed' }, value: lookup.stats.copiesFailed },
        { labels: { result: 'dropped' }, value: lookup.stats.copiesDropped },
      ],

      starling_calls_refused_total: () => byReason(access.refused()),
      starling_api_streams: () => access.streams,
      starling_api_connections: () => [
        { labels: { state: 'known' }, value: connections.known },
        { labels: { state: 'new' }, value: connections.newcomers },
      ],
      starling_api_connections_closed_total: () => byReason(connections.closed()),
      grpc_server_handled_total: () => rpc.handled(),

      starling_eventloop_utilization_ratio: () => {
        const now = performance.eventLoopUtilization();
        const { utilization } = performance.eventLoopUtilization(now, loop);
        loop = now;
        return utilization;
      },
      starling_eventloop_late_total: () => host.stats.late,
      process_cpu_seconds_total: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
      process_resident_memory_bytes: () => process.memoryUsage.rss(),
      nodejs_heap_used_bytes: () => process.memoryUsage().heapUsed,
      nodejs_external_memory_bytes: () => process.memoryUsage().external,
    };
  }
}

function byReason(counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([reason, value]) => ({ labels: { reason }, value }));
}

function byResult(counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([result, value]) => ({ labels: { result }, value }));
}

function sum(items: Iterable<string>, of: (item: string) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}

/** One metric, as data. Every label has a closed set of values, or a stated number of them at the most. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence; it ends up in the exposition and in docs/metrics.md. */
  readonly help: string;
  /** Values that a label can take; a number when they are not known beforehand: how many at the most. */
  readonly labels?: Readonly<Record<string, readonly string[] | number>>;
  /** Upper bounds; histograms only. */
  readonly buckets?: readonly number[];
}

/** From a loopback hop to a mesh that is being repaired: 1–2–5 steps, so that a quantile is off by a factor of 2.5 at most. */
const delaySeconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
/** From one neighbour to more hops than a tree of 10,000 peers has. */
const hops = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20];

/** gRPC's canonical codes. */
export const grpcCodes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** Kinds of messages between peers, in the papers' words; `other` stands for what a newer peer may say. */
export const messageKinds = [
  'join',
  'forwardJoin',
  'neighbor',
  'neighborReply',
  'disconnect',
  'shuffle',
  'shuffleReply',
  'gossip',
  'iHave',
  'graft',
  'prune',
  'digest',
  'pull',
  'held',
  'ping',
  'ack',
  'probe',
  'probeReply',
  'directoryDigest',
  'directoryRecords',
  'findNode',
  'findNodeReply',
  'findValue',
  'findValueReply',
  'store',
  'storeReply',
  'query',
  'answer',
  'decline',
  'cancel',
  'summaryDigest',
  'summaryVersions',
  'summaryFetch',
  'summaryRecords',
  'holderQuery',
  'holderAnswer',
  'holderCancel',
  'aggregateQuery',
  'aggregateAnswer',
  'aggregateDecline',
  'aggregateCancel',
  'bansDigest',
  'bansList',
  'bansRecords',
  'other',
] as const;

const direction = ['in', 'out'] as const;
/** How a query asked the mesh. */
const strategy = ['exhaustive', 'walk', 'ring', 'guided', 'summary'] as const;

/** Every metric of a peer. docs/metrics.md is generated from here. */
export const metricDefinitions = {
  starling_build_info: {
    type: 'gauge',
    help: 'Always 1; says what runs. Peers of different versions for longer than an upgrade takes are worth a look.',
    labels: { version: 1, protocol: 1 },
  },
  starling_peer_state: {
    type: 'gauge',
    help: 'What the peer is doing: 1 for the state it is in, else 0.',
    labels: { state: ['starting', 'ready', 'draining', 'stopped'] },
  },
  starling_start_time_seconds: { type: 'gauge', help: 'When the process began, in seconds since 1970.' },

  starling_view_size: {
    type: 'gauge',
    help: 'Peers in a view of the membership. An active view below 2 means that one more loss isolates the peer.',
    labels: { view: ['active', 'passive'] },
  },
  starling_view_changes_total: {
    type: 'counter',
    help: 'Neighbours won (join) and lost, by reason.',
    labels: { view: ['active'], reason: ['join', 'failed', 'suspected', 'left', 'evicted', 'swapped', 'other'] },
  },
  starling_alone_seconds_total: { type: 'counter', help: 'Time without any neighbour since the start.' },
  starling_cluster_size_estimate: {
    type: 'gauge',
    help: 'Peers that the directory believes to be up, this one included. A lasting spread between peers means islands.',
  },
  starling_directory_changes_total: {
    type: 'counter',
    help: 'Peers that came to, or went from, the directory.',
    labels: { change: ['up', 'left', 'dead', 'expired'] },
  },
  starling_neighbor_rtt_seconds: {
    type: 'histogram',
    help: 'Round trip to neighbours, smoothed by the failure detector.',
    buckets: delaySeconds,
  },
  starling_suspicions_total: {
    type: 'counter',
    help: 'Neighbours suspected of being dead, by what came of it. Many cleared ones mean an overloaded peer or network.',
    labels: { outcome: ['dead', 'cleared'] },
  },
  starling_protocol_violations_total: {
    type: 'counter',
    help: 'Messages from neighbours that a protocol forbids. They changed nothing.',
  },
  starling_verdicts_total: {
    type: 'counter',
    help: 'Peers that this one dropped as neighbours or banned for a while, by what they did. Bans by an operator count as well.',
    labels: {
      verdict: ['dropped', 'banned'],
      reason: ['brokenPromise', 'violation', 'flood', 'slow', 'operator'],
    },
  },
  starling_banned_peers: {
    type: 'gauge',
    help: 'Peers that this one neither links with nor names to others now, by who decided that: this peer itself, or an operator for this peer (peer), or an operator for the whole mesh (mesh).',
    labels: { scope: ['peer', 'mesh'] },
  },
  starling_ban_records: {
    type: 'gauge',
    help: 'Records of operators held, of bans that were lifted too. A lasting difference between peers means islands, or other operators’ keys.',
  },
  starling_ban_records_refused_total: {
    type: 'counter',
    help: 'Records of bans that were not taken, by reason. Forged ones are held against who brought them; an unknown key means that this peer trusts other operators than others do.',
    labels: { reason: ['malformed', 'forged', 'unknownKey', 'expired', 'stale', 'full'] },
  },

  starling_connections: { type: 'gauge', help: 'Links that are up: neighbours, and others for a moment.' },
  starling_discovery_rounds_total: { type: 'counter', help: 'Times that all discovery sources were asked.' },
  starling_discovery_failures_total: {
    type: 'counter',
    help: 'Discovery sources that did not answer, and addresses found where no peer did.',
    labels: { step: ['find', 'dial'] },
  },
  starling_link_send_failures_total: {
    type: 'counter',
    help: 'Messages to a neighbour that found no link or no room in its queue. Repair makes up for payloads.',
  },
  starling_send_queue_bytes: { type: 'gauge', help: 'Bytes that wait in the send queues of all links.' },
  starling_gossip_messages_total: {
    type: 'counter',
    help: 'Messages between peers, by kind.',
    labels: { direction, kind: messageKinds },
  },
  starling_link_bytes_total: {
    type: 'counter',
    help: 'Bytes on the links to other peers.',
    labels: { direction },
  },
  starling_link_frames_total: {
    type: 'counter',
    help: 'Frames on the links to other peers: one write each. Messages per frame rise with the load; near 1 under load, the links do not batch.',
    labels: { direction },
  },

  starling_dials_failed_total: {
    type: 'counter',
    help: 'Dials of other peers that came to nothing, by reason.',
    labels: {
      reason: [
        'unreachable',
        'timeout',
        'self',
        'wrong-peer',
        'wrong-mesh',
        'wrong-version',
        'bad-hello',
        'untrusted',
        'not-certified',
        'tls-mismatch',
        'banned',
        'busy',
        'stopped',
      ],
    },
  },
  starling_links_refused_total: {
    type: 'counter',
    help: 'Links of other peers, or of who claimed to be one, that this peer refused, by reason.',
    labels: {
      reason: [
        'wrong-mesh',
        'wrong-version',
        'self',
        'duplicate',
        'busy',
        'bad-hello',
        'untrusted',
        'not-certified',
        'banned',
        'tls-mismatch',
        'handshake',
        'timeout',
      ],
    },
  },
  starling_links_renewed_total: {
    type: 'counter',
    help: 'Links dialled anew before the certificate that the other side had shown expires.',
  },
  starling_insecure: {
    type: 'gauge',
    help: 'Is 1 when the peer was told to run without encryption and without proof of who is who (STARLING_INSECURE), else 0.',
  },
  starling_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    help: "When the peer's certificate, and the first of the authorities that it trusts, expire, in seconds since 1970.",
    labels: { certificate: ['own', 'authority'] },
  },
  starling_certificate_changes_total: {
    type: 'counter',
    help: 'Changes of the TLS directory that were taken (renewed), and those that were not to be used (rejected).',
    labels: { result: ['renewed', 'rejected'] },
  },
  starling_links_lost_total: { type: 'counter', help: 'Links that went without a word from either side.' },
  starling_shed_total: {
    type: 'counter',
    help: 'Work left undone because a bound was reached, by bound (docs/limits.md). Any lasting rate is worth a look.',
    labels: {
      bound: [
        'link-control',
        'link-payload',
        'link-oversized',
        'link-malformed',
        'announcements',
        'old-payloads',
        'early-payloads',
        'own-messages',
        'origins',
        'signature-keys',
        'trees',
        'queries',
        'finished-queries',
        'peer-questions',
        'hits',
        'summaries',
        'summary-deltas',
        'holder-questions',
        'members',
        'accusations',
        'member-checks',
        'reports',
        'probes',
        'watched',
        'lookups',
        'published',
        'streams',
      ],
    },
  },

  starling_messages_published_total: { type: 'counter', help: 'Messages that clients published at this peer.' },
  starling_messages_delivered_total: {
    type: 'counter',
    help: 'Messages of clients that this peer saw for the first time, its own included.',
  },
  starling_messages_duplicate_total: {
    type: 'counter',
    help: 'Payloads that came again over another link. Divided by the delivered ones: the redundancy, near 0 when the tree has formed.',
  },
  starling_messages_lost_total: { type: 'counter', help: 'Messages that no neighbour asked could give any more.' },
  starling_repair_total: {
    type: 'counter',
    help: 'Repairs of the broadcast tree: links made eager (graft) or lazy (prune) by either side, and messages asked for by digest (pull).',
    labels: { kind: ['graft', 'prune', 'pull'] },
  },
  starling_comparisons_total: {
    type: 'counter',
    help: 'Comparisons of what is held, begun with members that are no neighbours.',
  },
  starling_comparison_messages_total: {
    type: 'counter',
    help: "Messages that such a member brought and no neighbour had (brought), and this peer's own that it lacked (lacked): what the neighbours do not pass on.",
    labels: { direction: ['brought', 'lacked'] },
  },
  starling_bypassing: {
    type: 'gauge',
    help: 'Is 1 while members that are no neighbours are asked for what comes, because neighbours were seen not to pass it on, else 0.',
  },
  starling_tree_links: {
    type: 'gauge',
    help: "Links by their role in the broadcast tree of this peer's zone.",
    labels: { role: ['eager', 'lazy'] },
  },
  starling_messages_signed_total: {
    type: 'counter',
    help: "Messages of this peer that it signed, the mesh's own included (STARLING_SIGNATURES). Divided by starling_signatures_made_total: how many share a signature.",
  },
  starling_signatures_made_total: {
    type: 'counter',
    help: 'Signatures begun for them: one for all that is published until the first of it is sent.',
  },
  starling_signature_checks_total: {
    type: 'counter',
    help: "Messages of others, when first seen: with a signature that had to be verified, with one that had been (cached), taken without one (unsigned), or refused for having none, for another than its origin's (forged), or for not being what was signed (altered). verified / (verified + cached): verifications per delivery.",
    labels: {
      result: ['verified', 'cached', 'unsigned', 'refused-unsigned', 'refused-forged', 'refused-altered'],
    },
  },
  starling_signature_keys: { type: 'gauge', help: 'Public keys of publishers that this peer keeps to verify by.' },
  starling_trees: {
    type: 'gauge',
    help: 'Broadcast trees that this peer keeps links for: one per zone of senders, and those of busy senders.',
  },
  starling_store_bytes: {
    type: 'gauge',
    help: 'Bytes of messages held for repair and replay, 1 KiB for each beside its body.',
  },
  starling_store_messages: { type: 'gauge', help: 'Messages held for repair and replay.' },

  starling_message_delivery_seconds: {
    type: 'histogram',
    help: "Time from a canary's publication to its arrival here, by both peers' clocks. One that was repaired may be seconds late: announcements of canaries wait for other traffic.",
    labels: { class: ['canary'] },
    buckets: delaySeconds,
  },
  starling_message_hops: {
    type: 'histogram',
    help: 'Links that a canary crossed to get here.',
    labels: { class: ['canary'] },
    buckets: hops,
  },
  starling_canary_sent_total: { type: 'counter', help: 'Canaries sent by this peer.' },
  starling_canary_received_total: { type: 'counter', help: 'Canaries of other peers that arrived.' },
  starling_canary_missed_total: {
    type: 'counter',
    help: 'Canaries of other peers that did not arrive though later ones of the same peer did.',
  },
  starling_delivery_ratio: {
    type: 'gauge',
    help: 'Share of the canaries of the last ten minutes that arrived; 1 until one was missed.',
  },

  starling_subscriptions: { type: 'gauge', help: 'Subscribe calls being served.' },
  starling_subscription_messages_total: { type: 'counter', help: 'Messages written to subscribers.' },
  starling_subscription_gaps_total: {
    type: 'counter',
    help: 'Gaps told to subscribers, by reason. "slow": the subscriber fell behind what is held.',
    labels: { reason: ['evicted', 'lost', 'slow'] },
  },
  starling_backpressure_events_total: {
    type: 'counter',
    help: 'Times that a stream waited for its client (pause), or a call was refused because a bound was reached (refuse).',
    labels: { action: ['pause', 'refuse'] },
  },
  starling_publishes_waiting: { type: 'gauge', help: 'Messages that wait to be held by neighbours.' },
  starling_topology_watches: { type: 'gauge', help: 'WatchTopology calls being served.' },

  starling_search_total: {
    type: 'counter',
    help: "Queries of this peer's clients that ended, by how.",
    labels: { strategy, result: ['complete', 'incomplete', 'cancelled', 'overloaded'] },
  },
  starling_search_duration_seconds: {
    type: 'histogram',
    help: "How long queries of this peer's clients took.",
    labels: { strategy },
    buckets: delaySeconds,
  },
  starling_search_messages_per_query: {
    type: 'histogram',
    help: 'Messages between peers that a query cost.',
    labels: { strategy },
    buckets: [1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000],
  },
  starling_search_bytes_per_query: {
    type: 'histogram',
    help: 'Bytes between peers that a query cost, estimated.',
    labels: { strategy },
    buckets: [1e3, 1e4, 1e5, 1e6, 1e7, 1e8],
  },
  starling_search_peers_per_query: {
    type: 'histogram',
    help: 'Peers that a query was handed to.',
    labels: { strategy },
    buckets: [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000],
  },
  starling_search_results: {
    type: 'histogram',
    help: 'Hits that a query gave.',
    buckets: [0, 1, 5, 10, 20, 50, 100, 200, 500, 1_000],
  },
  starling_peer_questions_total: {
    type: 'counter',
    help: "Questions of this peer's clients about all peers that ended, by how. costly: refused for the budget.",
    labels: { result: ['complete', 'incomplete', 'cancelled', 'overloaded', 'costly'] },
  },
  starling_peer_questions_duration_seconds: {
    type: 'histogram',
    help: "How long questions of this peer's clients about all peers took.",
    buckets: delaySeconds,
  },
  starling_peer_questions_messages: {
    type: 'histogram',
    help: 'Messages between peers that a question about all peers cost. Above two for each peer: it was asked twice.',
    buckets: [1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000],
  },
  starling_peer_questions_bytes: {
    type: 'histogram',
    help: 'Bytes between peers that a question about all peers cost, estimated.',
    buckets: [1e3, 1e4, 1e5, 1e6, 1e7, 1e8],
  },
  starling_peer_questions_worked: {
    type: 'gauge',
    help: 'Questions about all peers, of anybody, that this peer works on.',
  },
  starling_peer_questions_branches_lost_total: {
    type: 'counter',
    help: 'Neighbours asked about peers that did not answer: broken, late, or with an answer that cannot be.',
  },
  starling_search_cached_total: {
    type: 'counter',
    help: "Queries of this peer's clients that were answered from memory, at no cost.",
  },
  starling_search_local_total: { type: 'counter', help: 'Queries, of anybody, that the local index answered.' },
  starling_query_choices_total: {
    type: 'counter',
    help: 'Queries of which the way was left open (AUTO, SUMMARY), by the way they went.',
    labels: { strategy: ['summary', 'exhaustive', 'walk', 'guided', 'keywords'] },
  },
  starling_query_fallbacks_total: {
    type: 'counter',
    help: 'Queries that went on another way because the first found too little, by the way they went on.',
    labels: { strategy: ['exhaustive', 'walk', 'guided'] },
  },
  starling_keywords_standing: {
    type: 'gauge',
    help: 'Rare words of this peer that have a record in the key space. 0 in a mesh that is small enough for summaries.',
  },
  starling_keyword_puts_total: {
    type: 'counter',
    help: 'Keyword records that this peer published or renewed: stored, or not (failed: tried again later); dropped: not renewed, because the word has gone from the index or has become common.',
    labels: { result: ['stored', 'failed', 'dropped'] },
  },
  starling_keyword_finds_total: {
    type: 'counter',
    help: 'Queries whose rare words were looked up: holders were named, records did not tell (unnamed), or too many waited (shed).',
    labels: { result: ['named', 'unnamed', 'shed'] },
  },
  starling_keyword_records: {
    type: 'gauge',
    help: 'Keyword records that this peer holds for the mesh, of `starling_records`.',
  },
  starling_summaries_peers: {
    type: 'gauge',
    help: "Peers whose summaries are held (covered), and of those how many are known to be older than what their peer has told (stale). Covered below the mesh's size for long: peers of an older version, or summaries are off.",
    labels: { state: ['covered', 'stale'] },
  },
  starling_summaries_stale_seconds: {
    type: 'gauge',
    help: 'For how long the oldest summary that this peer lacks has been lacking; 0: none. Above 5 for long, questions straight to holders may miss what was put lately.',
  },
  starling_summaries_bytes: { type: 'gauge', help: 'Memory of the summaries of all peers.' },
  starling_summaries_false_answer_ratio: {
    type: 'gauge',
    help: 'Of the peers that do not have a word, the mean share that summaries say may have it. It rises when memory is short.',
  },
  starling_summaries_off: {
    type: 'gauge',
    help: 'Why this peer holds no summaries: 1 for the reason in force. Then queries go along the tree.',
    labels: { reason: ['disabled', 'mesh too large', 'memory'] },
  },
  starling_summaries_deltas_total: {
    type: 'counter',
    help: 'Changes of what peers have, told by broadcast: sent by this peer, and applied from others.',
    labels: { direction },
  },
  starling_summaries_fetched_bytes_total: {
    type: 'counter',
    help: 'Summaries brought from neighbours (in) and given to them (out): what broadcast missed, and all of it for a joiner.',
    labels: { direction },
  },
  starling_holder_answers_total: {
    type: 'counter',
    help: "Answers of holders to this peer's questions. The share of empty ones is that of peers asked for nothing.",
    labels: { result: ['hits', 'empty', 'missing'] },
  },
  starling_search_local_failed_total: {
    type: 'counter',
    help: 'Queries, of anybody, that the local index could not answer: their askers count this peer as missing.',
  },
  starling_responders: { type: 'gauge', help: 'Search engines of one’s own that are attached to this peer.' },
  starling_responder_questions_total: {
    type: 'counter',
    help: 'Questions put to attached engines, by how that ended. Many late or shed ones mean that an engine is too slow for what it is asked.',
    labels: { result: ['answered', 'late', 'failed', 'gone', 'shed', 'withdrawn'] },
  },
  starling_responders_cut_off_total: {
    type: 'counter',
    help: 'Engines whose stream was ended because they broke the rules.',
    labels: { reason: ['stalled', 'unasked', 'flood'] },
  },
  starling_index_documents: { type: 'gauge', help: 'Documents in the local index.' },
  starling_index_bytes: { type: 'gauge', help: 'Bytes of the documents in the local index, as JSON.' },
  starling_index_documents_refused_total: {
    type: 'counter',
    help: 'Documents that the local index did not take: a quota is reached, or its disk is full.',
  },

  starling_lookups_total: {
    type: 'counter',
    help: "Lookups of this peer's clients that ended, by result.",
    labels: {
      result: ['found', 'not-found', 'stored', 'superseded', 'not-stored', 'deadline', 'cancelled', 'overloaded'],
    },
  },
  starling_lookup_duration_seconds: {
    type: 'histogram',
    help: 'How long lookups took.',
    labels: { kind: ['get', 'put'] },
    buckets: delaySeconds,
  },
  starling_lookup_calls: {
    type: 'histogram',
    help: 'Calls to other peers of one lookup.',
    labels: { kind: ['get', 'put'] },
    buckets: [0, 1, 2, 3, 5, 10, 20, 50, 100, 200],
  },
  starling_lookup_rounds: {
    type: 'histogram',
    help: 'Calls one after another of one lookup.',
    labels: { kind: ['get', 'put'] },
    buckets: [0, 1, 2, 3, 4, 5, 6, 8, 10],
  },
  starling_lookup_calls_total: {
    type: 'counter',
    help: 'Calls between peers for lookups: made by this peer, of those hedged (beside a slow one), without an answer in time, with a link that broke, with an answer that cannot be; and served to others.',
    labels: { call: ['made', 'hedged', 'timeout', 'link-down', 'untrue', 'served'] },
  },
  starling_records: { type: 'gauge', help: 'Records that this peer holds for the mesh.' },
  starling_record_bytes: { type: 'gauge', help: 'Bytes of them.' },
  starling_records_published: { type: 'gauge', help: 'Records that this peer publishes again and again.' },
  starling_records_stored_total: {
    type: 'counter',
    help: 'Records that others asked this peer to hold: stored, held (the same or a newer one), or refused: no room (full), too many at once (busy), too many nearer peers (far), expired or not signed by its publisher (invalid).',
    labels: { result: ['stored', 'held', 'full', 'busy', 'far', 'invalid'] },
  },
  starling_records_gone_total: {
    type: 'counter',
    help: 'Records that this peer no longer holds: expired, or made room for nearer ones.',
    labels: { reason: ['expired', 'evicted'] },
  },
  starling_records_republished_total: { type: 'counter', help: 'Records that this peer published again.' },
  starling_records_copied_total: {
    type: 'counter',
    help: 'Copies of records handed to other peers, because the membership changed or an hour was over: sent, of those failed; dropped for want of room in the queue.',
    labels: { result: ['sent', 'failed', 'dropped'] },
  },

  starling_calls_refused_total: {
    type: 'counter',
    help: 'Calls of the API that were refused before they were served, and streams that were ended, by reason.',
    labels: {
      reason: [
        'token-missing',
        'token-unknown',
        'token-expired',
        'issuer-unreachable',
        'role-too-low',
        'too-many-calls',
        'too-many-streams',
        'metadata-too-large',
        'request-stalled',
      ],
    },
  },
  starling_api_streams: { type: 'gauge', help: 'Streams of clients that are open.' },
  starling_api_connections: {
    type: 'gauge',
    help: 'Connections of clients: those over which a call was let in (known), and those that have yet to make one (new).',
    labels: { state: ['known', 'new'] },
  },
  starling_api_connections_closed_total: {
    type: 'counter',
    help: 'Connections of clients that this peer broke off, by reason: too many at all (full), or of those that have not called (crowded), no call in time, nothing but calls that were refused (refused), a stream whose end is not taken (stalled).',
    labels: { reason: ['full', 'crowded', 'no-call', 'refused', 'stalled'] },
  },
  grpc_server_handled_total: {
    type: 'counter',
    help: 'Calls of the API that ended, by method and code (streams too).',
    labels: { grpc_service: 8, grpc_method: 26, grpc_code: grpcCodes },
  },
  grpc_server_handling_seconds: {
    type: 'histogram',
    help: 'How long unary calls of the API took.',
    labels: { grpc_service: 8, grpc_method: 26 },
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
  },

  starling_eventloop_utilization_ratio: {
    type: 'gauge',
    help: 'Share of the time since the last scrape that the event loop was busy. Above 0.9 the peer is saturated.',
  },
  starling_eventloop_late_total: {
    type: 'counter',
    help: 'Times that the mesh got its turn more than 100 ms late; it then doubts itself before others.',
  },
  process_cpu_seconds_total: { type: 'counter', help: 'CPU time, user and system.' },
  process_resident_memory_bytes: { type: 'gauge', help: 'Resident memory.' },
  nodejs_heap_used_bytes: { type: 'gauge', help: 'Bytes of the JavaScript heap in use.' },
  nodejs_external_memory_bytes: { type: 'gauge', help: 'Bytes of buffers outside the JavaScript heap.' },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof metricDefinitions;
type NamesOfType<T> = { [N in MetricName]: (typeof metricDefinitions)[N]['type'] extends T ? N : never }[MetricName];
export type HistogramName = NamesOfType<'histogram'>;
/** Metrics that are read at scrape time. */
export type ScrapedName = Exclude<MetricName, HistogramName>;

/** A definition without its literal type. */
export function definitionOf(name: MetricName): MetricDefinition {
  return metricDefinitions[name];
}

import { assert, type Millis } from '@starling/kernel';
import type { RecordKind } from './record.ts';

/** Every bound and period of lookups. Spans in ms. */
export interface KademliaConfig {
  /** Peers that hold a record, and peers in a bucket. 20: Kademlia §2.3 and IPFS. */
  readonly k: number;
  /** Calls under way on the one path of a lookup that has no disjoint ones. 3: Kademlia §2.3. */
  readonly alpha: number;
  /** The same once all members are known: each further miss allows two more, up to this. 8: `guess`. */
  readonly fullTableParallelMax: number;
  /** Disjoint paths of a put. 4: `measured` (dht/adversaries), S/Kademlia suggests 4 to 8. */
  readonly putPaths: number;
  /** Most disjoint paths of a lookup. 8: S/Kademlia §5. */
  readonly pathsMax: number;
  /** Up to so many members all are held, and no lookup has to ask for the way. 5,000: `computed`, about 1 MB; the directory keeps them anyway. */
  readonly fullTableMax: number;
  /** The table of all comes back below this share of it. 0.8: `guess`, so that a mesh at the limit does not change its mind all the time. */
  readonly fullTableShare: number;
  /** Peers that wait for a place in one bucket. 20: as many as places. */
  readonly replacementsMax: number;
  /** A peer that did not answer comes last for so long, unless it is heard. 30 s: `guess`. */
  readonly suspectMs: Millis;
  /** Peers of which that is remembered; the oldest is forgotten first. 1,024: `guess`. */
  readonly suspectsMax: number;
  /** A call that is not answered for so long has failed, dial included. 1.5 s: above the transport's 1 s for a connection. */
  readonly rpcTimeoutMs: Millis;
  /** Another peer is asked beside one that is slower than this share of the calls before it. 0.9: the tail at scale, Dean and Barroso (CACM 2013). */
  readonly hedgePercentile: number;
  /** … and before enough calls were seen to tell, after so long. 50 ms: `guess`, a far zone. */
  readonly hedgeFirstMs: Millis;
  /** … and never sooner: on a LAN a slow garbage collection is no reason. 3 ms: `guess`. */
  readonly hedgeMinMs: Millis;
  /** Lookups of this peer under way; more end at once as `overloaded`. 256: `guess`. */
  readonly lookupsMax: number;
  /** Calls of one lookup; then it ends with what it has. 256: `guess`, eight paths and as many dead peers. */
  readonly rpcsPerLookupMax: number;
  /** Calls of this peer under way; further lookups wait for a place. 1,024: `guess`. */
  readonly rpcsMax: number;
  /** Longest that a lookup may take. 60 s: `guess`. */
  readonly timeoutMaxMs: Millis;
  /** Peers in one answer, also the most that is taken of others. 32: k, and room for another's k. */
  readonly peersPerReplyMax: number;
  /** Bytes of records in one answer; one record always fits. 256 KiB: `guess`. */
  readonly replyBytesMax: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** The same for what a provider says beside that it is one. 1 KiB: `guess`. */
  readonly providerBytesMax: number;
  /** Bytes of a key and of a signature. 512: `guess`, above RSA's; P-256 has 91 and 72. */
  readonly signatureBytesMax: number;
  /** Records held for the mesh; at the limit a nearer one takes the place of the farthest, else it is refused. 20,000: `guess`. */
  readonly recordsMax: number;
  /** The same in bytes. 64 MiB: `guess`. */
  readonly recordBytesMax: number;
  /** The same for one publisher: nobody fills all. 0.25: `guess`. */
  readonly publisherShareMax: number;
  /** Publishers of one value. 16: `guess`. */
  readonly publishersPerValueMax: number;
  /** Peers that offer the same. 256: `guess`, a page. */
  readonly providersPerKeyMax: number;
  /** Peers that hold a keyword record, instead of k. 3: `computed`, of two that crash within its life one in 10^4 at 1 % a day; and its publisher renews it. */
  readonly keywordCopies: number;
  /** Peers that have the same keyword; more are refused: a word that so many have is not rare. 64: `guess`, what asking them straight may cost. */
  readonly holdersPerKeywordMax: number;
  /** What a keyword record says beside that. 16: `guess`. */
  readonly keywordBytesMax: number;
  /** Share of the records held that keywords may take. 0.5: `guess`; what people put comes first. */
  readonly keywordShareMax: number;
  /** A record that lives longer than this from now on is refused. 7 days: `guess`. */
  readonly lifeMaxMs: Millis;
  /** Stores that are judged in a second, since a signature costs about 0.1 ms; more are refused as busy. 1,000: `computed`, a tenth of a core. */
  readonly storesPerSecondMax: number;
  /** A record is refused when more peers than so many times k are known to be nearer to it. 2: views differ. */
  readonly farFactor: number;
  /** A holder hands its records to the nearest peers again after so long, unless one of them did just now. 1 h: Kademlia §2.5. */
  readonly republishMs: Millis;
  /** Share by which that varies, so that the holders of a record do not do it at once. 0.2: `guess`. */
  readonly republishJitter: number;
  /** A copy that nobody confirmed is made again after so long. A record that this peer published and that one of those who are to hold it did not take is published again, too: after twice as long each further time, up to `republishMs`. 35 s: `computed`, when it is not suspected any more. */
  readonly repairMs: Millis;
  /** Records that this peer published and publishes again; more are stored once. 4,096: `guess`. */
  readonly publishedMax: number;
  /** Changes of the membership are gathered for so long before records move. 2 s: `guess`, above a refutation. */
  readonly sweepDelayMs: Millis;
  /** Records that one turn looks at when the membership changed. 128: `measured`, under 5 ms. */
  readonly sweepRecords: number;
  /** Between two such turns. 20 ms: `guess`. */
  readonly sweepIntervalMs: Millis;
  /** Copies that this peer makes for others in a second. 50: `guess`, 3 MB/s of the largest values. */
  readonly copiesPerSecond: number;
  /** … and that may be under way. 8: `guess`. */
  readonly copiesAtOnce: number;
  /** … and that may wait; more are dropped and counted, the next republication brings them. 20,000: as many as records. */
  readonly copiesMax: number;
  /** How often a copy is tried that nobody confirms. 4: `guess`, two minutes: the directory knows by then who is gone. */
  readonly copyTriesMax: number;
  /** Of the peers nearest to a record so many make copies when one of the others goes. 2: one may be gone too. */
  readonly copiers: number;
  /** Between two looks for what has expired. 10 s: `guess`. */
  readonly housekeepingMs: Millis;
}

export const defaultKademliaConfig: KademliaConfig = Object.freeze({
  k: 20,
  alpha: 3,
  fullTableParallelMax: 8,
  putPaths: 4,
  pathsMax: 8,
  fullTableMax: 5_000,
  fullTableShare: 0.8,
  replacementsMax: 20,
  suspectMs: 30_000,
  suspectsMax: 1_024,
  rpcTimeoutMs: 1_500,
  hedgePercentile: 0.9,
  hedgeFirstMs: 50,
  hedgeMinMs: 3,
  lookupsMax: 256,
  rpcsPerLookupMax: 256,
  rpcsMax: 1_024,
  timeoutMaxMs: 60_000,
  peersPerReplyMax: 32,
  replyBytesMax: 256 * 1024,
  keyBytesMax: 512,
  valueBytesMax: 64 * 1024,
  providerBytesMax: 1_024,
  signatureBytesMax: 512,
  recordsMax: 20_000,
  recordBytesMax: 64 * 1024 * 1024,
  publisherShareMax: 0.25,
  publishersPerValueMax: 16,
  providersPerKeyMax: 256,
  keywordCopies: 3,
  holdersPerKeywordMax: 64,
  keywordBytesMax: 16,
  keywordShareMax: 0.5,
  lifeMaxMs: 7 * 86_400_000,
  storesPerSecondMax: 1_000,
  farFactor: 2,
  republishMs: 3_600_000,
  republishJitter: 0.2,
  repairMs: 35_000,
  publishedMax: 4_096,
  sweepDelayMs: 2_000,
  sweepRecords: 128,
  sweepIntervalMs: 20,
  copiesPerSecond: 50,
  copiesAtOnce: 8,
  copiesMax: 20_000,
  copyTriesMax: 4,
  copiers: 2,
  housekeepingMs: 10_000,
});

/** Peers that are to hold a record of this kind. */
export function copiesOf({ k, keywordCopies }: KademliaConfig, kind: RecordKind): number {
  return kind === 'keyword' ? Math.min(k, keywordCopies) : k;
}

/** Throws when values contradict each other. What a person typed was refused, with a sentence, at the edge. */
export function assertKademliaConfig(config: KademliaConfig): void {
  assert(config.k >= 1 && config.k <= config.peersPerReplyMax, 'an answer has room for k peers');
  assert(config.keywordCopies >= 1, 'a keyword record has a holder');
  assert(config.keywordShareMax >= 0 && config.keywordShareMax <= 1, 'keywordShareMax is in [0, 1]');
  assert(config.alpha >= 1, 'alpha is at least 1');
  assert(config.putPaths >= 1 && config.putPaths <= config.pathsMax, 'putPaths is at most pathsMax');
  assert(config.fullTableShare > 0 && config.fullTableShare <= 1, 'fullTableShare is in (0, 1]');
  assert(config.hedgePercentile > 0 && config.hedgePercentile < 1, 'hedgePercentile is in (0, 1)');
  assert(config.hedgeMinMs <= config.hedgeFirstMs, 'hedgeMinMs is at most hedgeFirstMs');
  assert(
    config.repairMs > config.suspectMs,
    'who did not take a record is not suspected any more when it is put again',
  );
  assert(config.republishJitter >= 0 && config.republishJitter < 1, 'republishJitter is in [0, 1)');
}

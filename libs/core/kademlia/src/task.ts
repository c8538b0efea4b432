import type { Millis, Rng } from '@starling/kernel';
import type { Caller, Out } from './caller.ts';
import { copiesOf, type KademliaConfig } from './config.ts';
import { type Contact, sortByDistance } from './contact.ts';
import type { HopLog } from './hop-log.ts';
import { Lookup } from './lookup.ts';
import type { LookupOutcome, LookupResult } from './messages.ts';
import type { Position } from './position.ts';
import type { LookupRecord, RecordKind, RecordVerifier } from './record.ts';
import type { RecordStore } from './record-store.ts';
import type { RoutingTable } from './routing-table.ts';
import type { KademliaStats } from './stats.ts';

/** What every lookup of a peer shares. */
export interface Shared {
  readonly config: KademliaConfig;
  readonly rng: Rng;
  readonly table: RoutingTable;
  readonly caller: Caller;
  readonly store: RecordStore;
  readonly stats: KademliaStats;
  readonly verify: RecordVerifier;
}

/** One lookup under way. */
export interface Task {
  readonly deadline: Millis;
  /** There may be room for further calls. */
  advance(now: Millis, out: Out): void;
  onTime(now: Millis, out: Out): void;
  /** Ends it with what it has. */
  end(now: Millis, outcome: 'deadline' | 'cancelled', out: Out): void;
  nextDeadline(): Millis;
}

export type Finish = (result: LookupResult, now: Millis, out: Out) => void;

/** Of what has few copies a lookup looks at so many times as many peers, since views differ. */
const widthInCopies = 2;

export interface Wanted {
  readonly target: Position;
  readonly kind: RecordKind;
  readonly paths: number;
  readonly answers: number;
}

/** A lookup that begins with whom this peer knows. */
export function beginLookup(now: Millis, shared: Shared, { target, kind, paths, answers }: Wanted): Lookup {
  const { config, table, caller, rng } = shared;
  const { alpha } = config;
  const copies = copiesOf(config, kind);
  const k = Math.min(config.k, copies * widthInCopies);
  const isNear = ({ info }: Contact): number => (table.isNear(info) ? 0 : 2) + (caller.isLinked(info.id) ? 0 : 1);
  const lookup = new Lookup(
    table.isFull
      ? {
          ...{ target, k, paths: 1, parallel: Math.max(1, answers) },
          ...{ rampUp: 2, parallelMax: Math.max(answers, config.fullTableParallelMax) },
          // Any of the holders will do, so chance spreads the readers of a key over those that are equally near. Of a keyword only
          // the nearest few are holders.
          areAllEqual: copies === k,
          rank: (contact) => isNear(contact) + rng.float() / 2,
        }
      : {
          ...{ target, k, paths, parallel: paths === 1 ? alpha : 1 },
          ...{ rampUp: 0, parallelMax: alpha, areAllEqual: false, rank: isNear },
        },
  );
  lookup.begin(table.closest(now, target, config.k));
  return lookup;
}

/** Peers that an answer names, as contacts; null when there are more than may be in one. */
export function contactsOf({ config, table }: Shared, peers: readonly Contact['info'][]): Contact[] | null {
  if (peers.length > config.peersPerReplyMax) return null;
  return peers.filter(({ id }) => id !== table.self.info.id).map((info) => table.contactOf(info));
}

/** The `count` peers nearest to a point, this one among them when it is. */
export function nearestWithSelf(others: readonly Contact[], self: Contact, target: Position, count: number): Contact[] {
  return sortByDistance(target, [...others, self]).slice(0, count);
}

/** Whether a record may be held or believed: its bounds first, for its signature costs most. */
export function isValid(now: Millis, { config, verify }: Shared, record: LookupRecord): boolean {
  return isWithinBounds(now, config, record) && verify(record);
}

export function isWithinBounds(now: Millis, config: KademliaConfig, record: LookupRecord): boolean {
  const { kind, key, value, version, expiresAt, publicKey, signature } = record;
  const valueMax = { value: config.valueBytesMax, provider: config.providerBytesMax, keyword: config.keywordBytesMax }[
    kind
  ];
  if (key.length === 0 || key.length > config.keyBytesMax || value.length > valueMax) return false;
  if (publicKey.length > config.signatureBytesMax || signature.length > config.signatureBytesMax) return false;
  if (!Number.isSafeInteger(version) || version < 0) return false;
  return expiresAt > now && expiresAt <= now + config.lifeMaxMs;
}

export function resultOf(
  now: Millis,
  outcome: LookupOutcome,
  log: HopLog,
  isFullTable: boolean,
  got: Pick<LookupResult, 'records' | 'holders' | 'wanted'>,
): LookupResult {
  const { rpcs, failures, rounds, hops } = log;
  return { outcome, ...got, rpcs, failures, rounds, tookMs: log.tookMs(now), isFullTable, hops };
}

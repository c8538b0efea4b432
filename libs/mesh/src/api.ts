import type { AggregateResult } from '@starling/core-aggregate';
import type { Choice } from '@starling/core-auto';
import type { Ban, BanRefusal, SignedBan } from '@starling/core-bans';
import type { KademliaCommand, LookupResult } from '@starling/core-kademlia';
import type { PeerReport } from '@starling/core-observe';
import type { ReputationEvent as Verdict } from '@starling/core-reputation';
import type { FinishReason, Hit, QueryCost, ResponderTally, SpanList, Strategy } from '@starling/core-search';
import type { OffReason } from '@starling/core-summaries';
import type { Millis, Outbox, PeerId, PeerInfo } from '@starling/kernel';
import type { PeerRow, TermStatistics } from '@starling/query';
import type { MeshMessage } from './messages.ts';

/** How a question is asked. `auto`: as what is known advises. `summary`: straight to who may have it, where that fits. */
export type QueryStrategy = 'auto' | 'summary' | Strategy;

/** What the layer above asks of a mesh. Wrong input is refused at the edge, before it gets here. */
export type MeshCommand =
  /** Peers that discovery found. */
  | { readonly kind: 'contacts'; readonly peers: readonly PeerInfo[] }
  /** Answered by `published` or `publishRefused` in the same `handle`, then by one `held` for each neighbour when `wantHeld`. */
  | {
      readonly kind: 'publish';
      readonly requestId: number;
      readonly topic: string;
      readonly payload: Uint8Array;
      readonly headers: Readonly<Record<string, string>>;
      readonly wantHeld: boolean;
    }
  /** Answered by `queryHits` and one `queryFinished`. `queryId` is unique at this peer. */
  | {
      readonly kind: 'query';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly timeoutMs: number;
      /** What is known of the whole mesh. */
      readonly statistics?: TermStatistics;
      /** Left out: `auto`. */
      readonly strategy?: QueryStrategy;
      /** Messages between peers that it may cost where the strategy knows a budget; 0 or left out: the default. */
      readonly budget?: number;
      /**
       * Words that a document must have, whatever else the text asks: all of one of the lists. It is what peers are chosen by;
       * left out, or with an empty list, nothing is known and everybody may have an answer.
       */
      readonly words?: readonly (readonly string[])[];
      /** Answered by `queryTrace`, too: for each wave, or each round of a seek. */
      readonly trace?: boolean;
    }
  | { readonly kind: 'cancelQuery'; readonly queryId: string }
  /** The local index, and engines that are attached here, answer `queryLocal`; `more`: the rest comes later; `failed`: the index cannot. */
  | {
      readonly kind: 'localHits';
      readonly queryId: string;
      readonly hits: readonly Hit[];
      readonly statistics?: TermStatistics;
      readonly failed?: boolean;
      readonly more?: boolean;
      readonly responders?: ResponderTally;
    }
  /** This peer's index is not what it was; `indexSnapshot` will ask for its terms. Also to be said once when it is there. */
  | { readonly kind: 'indexChanged' }
  /** The answer to `indexSnapshot`: fingerprints of all its terms, ascending, each once; null: too many. */
  | {
      readonly kind: 'indexTerms';
      readonly fingerprints: Uint32Array | null;
      readonly documents: number;
      readonly words: number;
    }
  /** At least one client of this peer watches the topology, or none any more. */
  | { readonly kind: 'watchTopology'; readonly active: boolean }
  /** The numbers that `measure` asked for; the mesh adds the links' roles, round trips and views itself. */
  | { readonly kind: 'measured'; readonly report: Omit<PeerReport, 'number'> }
  /** The driver was late by so much: the failure detector doubts itself first. */
  | { readonly kind: 'selfLate'; readonly lateMs: number }
  /** An operator bans a peer at this peer, Infinity: until pardoned; or pardons it. Neither is told to anybody. */
  | { readonly kind: 'ban'; readonly peer: PeerId; readonly forMs: number }
  | { readonly kind: 'pardon'; readonly peer: PeerId }
  /** A record that an operator signed, for the whole mesh. Answered by `banSubmitted` in the same `handle`. */
  | { readonly kind: 'submitBan'; readonly requestId: number; readonly record: SignedBan }
  /** Records that this peer kept since an earlier life. */
  | { readonly kind: 'restoreBans'; readonly records: readonly SignedBan[] }
  /** Other operators' keys count from now on. */
  | { readonly kind: 'operatorKeysChanged' }
  /** Looks for the records of a key. Answered by one `lookupFinished`, like the next. `lookupId` is unique at this peer. */
  | ({ readonly kind: 'getRecord' } & Omit<Extract<KademliaCommand, { readonly kind: 'get' }>, 'kind'>)
  | ({ readonly kind: 'putRecord' } & Omit<Extract<KademliaCommand, { readonly kind: 'put' }>, 'kind'>)
  | { readonly kind: 'cancelLookup'; readonly lookupId: string }
  /**
   * Asks all peers about themselves. Answered by one `peersAnswered`; `text` is one that `parsePeersQuery` understands, `queryId`
   * is unique at this peer, and `messagesMax` 0 is any number.
   */
  | {
      readonly kind: 'queryPeers';
      readonly queryId: string;
      readonly text: string;
      readonly timeoutMs: number;
      readonly messagesMax: number;
    }
  | { readonly kind: 'cancelQueryPeers'; readonly queryId: string }
  /** The answer to `rowWanted`; the mesh adds what it knows itself. */
  | { readonly kind: 'peerRow'; readonly queryId: string; readonly row: PeerRow }
  /** Leave for good. */
  | { readonly kind: 'leave' };

export type MeshEvent =
  | { readonly kind: 'neighborUp'; readonly peer: PeerInfo }
  | { readonly kind: 'neighborDown'; readonly peer: PeerInfo; readonly reason: string }
  /** No neighbour and nobody to ask: run discovery now. */
  | { readonly kind: 'contactsNeeded' }
  | {
      readonly kind: 'published';
      readonly requestId: number;
      readonly stream: string;
      readonly seq: number;
      readonly publishedAt: number;
      /** Neighbours at that moment; 0 means that the peer is alone. */
      readonly neighbors: number;
    }
  /** Nothing was published: this peer publishes more than the mesh takes of one origin. */
  | { readonly kind: 'publishRefused'; readonly requestId: number; readonly retryAfterMs: number }
  /** A neighbour holds this peer's message `seq`. */
  | { readonly kind: 'held'; readonly seq: number; readonly by: PeerId }
  /** Something new can be read by subscriptions: call their `read`. Said at most once per `handle`. */
  | { readonly kind: 'readable' }
  /** A first neighbour's backlog is here (or the peer is alone): the peer may report ready. Said once. */
  | { readonly kind: 'caughtUp' }
  /** A canary of another peer came, `delayMs` after it was sent; `number` counts that origin's canaries from 1 in each incarnation. */
  | {
      readonly kind: 'canary';
      readonly origin: PeerId;
      readonly incarnation: number;
      readonly number: number;
      readonly delayMs: number;
      readonly hops: number;
    }
  | { readonly kind: 'canarySent'; readonly number: number }
  /**
   * Answer with `localHits` within `timeoutMs`, from the beginning when it is said again for the same query; without a time by the
   * index alone, as a whole.
   */
  | {
      readonly kind: 'queryLocal';
      readonly queryId: string;
      readonly text: string;
      readonly limit: number;
      readonly statistics?: TermStatistics;
      readonly timeoutMs?: number;
    }
  /** Nobody waits for that answer any more. */
  | { readonly kind: 'queryLocalOver'; readonly queryId: string }
  /** The way that a wave took or, of a walk, a ring or a guided walk, a round (from 1). A query may go several ways, one after another. */
  | {
      readonly kind: 'queryTrace';
      readonly queryId: string;
      readonly strategy: Strategy | 'summary';
      readonly wave: number;
      readonly trace: SpanList;
    }
  | { readonly kind: 'queryHits'; readonly queryId: string; readonly hits: readonly Hit[] }
  | {
      readonly kind: 'queryFinished';
      readonly queryId: string;
      readonly strategy: Strategy | 'summary';
      readonly tally: QueryCost;
      readonly complete: boolean;
      readonly reason: FinishReason;
      /** The budget in force; 0: none. */
      readonly budget: number;
      /** Age of an answer that was remembered rather than asked for; left out: it was asked for. */
      readonly cacheAgeMs?: Millis;
      /** When overloaded: there may be room again after so long. */
      readonly retryAfterMs?: Millis;
      /** How it was asked and why, when that was left open. */
      readonly choice?: Choice;
      /** Of holders that were asked straight, those that had nothing. */
      readonly holdersEmpty?: number;
    }
  /** Answer with `indexTerms`, soon. */
  | { readonly kind: 'indexSnapshot' }
  /** This peer holds no summaries of others' terms from now on, and why; null: it does. */
  | { readonly kind: 'summariesSwitched'; readonly off: OffReason | null }
  /** Somebody asks about peers: answer with `peerRow`, soon. */
  | { readonly kind: 'rowWanted'; readonly queryId: string }
  | { readonly kind: 'peersAnswered'; readonly queryId: string; readonly result: AggregateResult }
  | { readonly kind: 'lookupFinished'; readonly lookupId: string; readonly result: LookupResult }
  /** A report of this peer is due: answer with `measured`. */
  | { readonly kind: 'measure' }
  /** The topology as this peer hears it changed. */
  | { readonly kind: 'reportChanged'; readonly id: PeerId; readonly report: PeerReport | null }
  | { readonly kind: 'memberUp'; readonly info: PeerInfo }
  /** What a peer that is up runs has become known. */
  | { readonly kind: 'memberChanged'; readonly info: PeerInfo }
  | { readonly kind: 'memberDown'; readonly info: PeerInfo; readonly state: 'left' | 'dead' | 'expired' }
  /** This peer's own info changed (incarnation): later hellos must say so. */
  | { readonly kind: 'selfChanged'; readonly self: PeerInfo }
  | { readonly kind: 'rtt'; readonly peer: PeerId; readonly rttMs: number }
  | { readonly kind: 'suspicion'; readonly peer: PeerId; readonly outcome: 'dead' | 'cleared' }
  /** What a peer did was too much. `dropped`: its link ends. `banned`: nor is it linked with again before `until`. `pardoned`: that is over. */
  | { readonly kind: 'judged'; readonly verdict: Verdict }
  /** Neighbours were seen not to pass messages on, to this peer or from it, and are bypassed from now on; or no longer. */
  | { readonly kind: 'bypass'; readonly isOn: boolean }
  /** An operator banned a peer, which may be this one, in the whole mesh, or changed the terms. */
  | { readonly kind: 'banned'; readonly ban: Ban }
  | { readonly kind: 'banLifted'; readonly peer: PeerId }
  /** The mesh's records (`Mesh.bans`) are others than before: keep them. */
  | { readonly kind: 'bansChanged' }
  /** `from` is null when it came from this peer's own client or disk. */
  | { readonly kind: 'banRefused'; readonly from: PeerId | null; readonly reason: BanRefusal }
  | {
      readonly kind: 'banSubmitted';
      readonly requestId: number;
      readonly outcome: 'taken' | 'known' | BanRefusal;
      /** The record about that peer that counts now. */
      readonly ban: Ban | null;
    }
  | { readonly kind: 'protocolViolation'; readonly peer: PeerId; readonly rule: string };

export type MeshOutbox<B> = Outbox<MeshMessage<B>, MeshEvent>;

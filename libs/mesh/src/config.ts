import { type AggregateConfig, defaultAggregateConfig } from '@starling/core-aggregate';
import { type ChoiceConfig, defaultChoiceConfig } from '@starling/core-auto';
import { type BansConfig, defaultBansConfig } from '@starling/core-bans';
import { type DirectoryConfig, defaultDirectoryConfig } from '@starling/core-directory';
import { defaultHyParViewConfig, type HyParViewConfig } from '@starling/core-hyparview';
import { defaultKademliaConfig, type KademliaConfig } from '@starling/core-kademlia';
import { defaultKeywordsConfig, type KeywordsConfig } from '@starling/core-keywords';
import { defaultLivenessConfig, type LivenessConfig } from '@starling/core-liveness';
import { defaultObserveConfig, type ObserveConfig } from '@starling/core-observe';
import { defaultPlumtreeConfig, type PlumtreeConfig } from '@starling/core-plumtree';
import { defaultPubSubConfig, type PubSubConfig } from '@starling/core-pubsub';
import { defaultReputationConfig, type ReputationConfig } from '@starling/core-reputation';
import { defaultSearchConfig, type SearchConfig } from '@starling/core-search';
import {
  defaultHolderSearchConfig,
  defaultSummariesConfig,
  type HolderSearchConfig,
  type SummariesConfig,
} from '@starling/core-summaries';
import type { Millis } from '@starling/kernel';
import { type AntiEntropyConfig, defaultAntiEntropyConfig } from './anti-entropy.ts';
import { type CanaryConfig, defaultCanaryConfig } from './canary.ts';

/** The configuration of one peer's brain: that of each core, and what joins them. */
export interface MeshConfig {
  readonly hyparview: HyParViewConfig;
  readonly plumtree: PlumtreeConfig;
  readonly pubsub: PubSubConfig;
  readonly liveness: LivenessConfig;
  readonly directory: DirectoryConfig;
  readonly search: SearchConfig;
  readonly auto: ChoiceConfig;
  readonly summaries: SummariesConfig;
  readonly holders: HolderSearchConfig;
  readonly observe: ObserveConfig;
  readonly canary: CanaryConfig;
  readonly antiEntropy: AntiEntropyConfig;
  readonly reputation: ReputationConfig;
  readonly bans: BansConfig;
  readonly lookup: KademliaConfig;
  readonly keywords: KeywordsConfig;
  readonly aggregate: AggregateConfig;
  /** A link that no core needs is closed after so long without traffic. 5 s: a guess, above every reply deadline. */
  readonly linkLingerMs: Millis;
  /** Messages other than bodies and what answers them that a link may bring in a second; more are shed, and held against the neighbour. 5,000: a guess, above what questions to the whole mesh make at their limit. */
  readonly controlPerSecondMax: number;
}

export const defaultMeshConfig: MeshConfig = {
  hyparview: defaultHyParViewConfig,
  plumtree: defaultPlumtreeConfig,
  pubsub: defaultPubSubConfig,
  liveness: defaultLivenessConfig,
  directory: defaultDirectoryConfig,
  search: defaultSearchConfig,
  auto: defaultChoiceConfig,
  summaries: defaultSummariesConfig,
  holders: defaultHolderSearchConfig,
  observe: defaultObserveConfig,
  canary: defaultCanaryConfig,
  antiEntropy: defaultAntiEntropyConfig,
  reputation: defaultReputationConfig,
  bans: defaultBansConfig,
  lookup: defaultKademliaConfig,
  keywords: defaultKeywordsConfig,
  aggregate: defaultAggregateConfig,
  linkLingerMs: 5_000,
  controlPerSecondMax: 5_000,
};

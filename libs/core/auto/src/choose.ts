/** How a question may be asked, of those that `chooseStrategy` chooses from. */
export type ChosenStrategy = 'summary' | 'exhaustive' | 'walk';

/** All that a choice depends on. */
export interface ChoiceInputs {
  /** `summary`: somebody wants that way, where it can be gone. */
  readonly wanted: 'auto' | 'summary';
  /** Peers in the mesh, this one included. */
  readonly peers: number;
  /** Hits wanted. */
  readonly limit: number;
  /** Messages that it may cost at most; 0: nobody said. */
  readonly budget: number;
  /** The question names whole words that an answer must have. */
  readonly hasWords: boolean;
  /** What the summaries say; or why this peer holds none. */
  readonly summaries: { readonly holders: number; readonly unknown: number } | { readonly off: string };
  /** Hits for each peer asked, as earlier questions like this one found; null: nothing is remembered. */
  readonly remembered: { readonly hitsPerPeer: number; readonly isAtLeast: boolean } | null;
}

export interface Choice {
  readonly strategy: ChosenStrategy;
  /** Messages that a walk may cost; 0: the strategy has no budget. */
  readonly budget: number;
  /** For people: a sentence without its capital and full stop. */
  readonly why: string;
}

/** Thresholds, each with its provenance. */
export interface ChoiceConfig {
  /** In a mesh of so many peers or fewer everybody is asked: it costs little, and misses nothing, also not what was put a moment ago. */
  readonly smallMesh: number;
  /** Straight to the holders when they are at most this share of the mesh: a link that must be opened costs more than one of the tree. */
  readonly holderShareMax: number;
  /** … and at most so many. */
  readonly holdersMax: number;
  /** In a mesh of fewer peers a walk saves too little for giving any hits instead of the best. */
  readonly walkMeshMin: number;
  /** A walk is given so many times the messages that it needs on average. */
  readonly walkSlack: number;
  /** … and is worth it when that is at most this share of what the tree costs. */
  readonly walkShareMax: number;
}

export const defaultChoiceConfig: ChoiceConfig = {
  smallMesh: 64, // guess: some 130 messages a question; summaries learn of a document within 5 s
  holderShareMax: 0.25, // guess: opening a link is four frames and a handshake, against two messages along one that is there
  holdersMax: 512, // guess: sixteen rounds of 32 links
  walkMeshMin: 64, // guess
  walkSlack: 4, // computed: with four times the mean, 1 − e^−4 = 98 % of walks for one hit find it
  walkShareMax: 0.25, // guess
};

/** Chooses by what is known. The same inputs, the same choice. */
export function chooseStrategy(config: ChoiceConfig, inputs: ChoiceInputs): Choice {
  const choice = freely(config, inputs);
  const { budget, summaries } = inputs;
  if (budget === 0) return choice;
  // The tree knows no budget: everybody would be asked.
  const isPaid =
    choice.strategy === 'summary' && 'holders' in summaries && 2 * (summaries.holders + summaries.unknown) <= budget;
  return isPaid ? choice : { strategy: 'walk', budget, why: `within ${budget} messages, because ${choice.why}` };
}

function freely(config: ChoiceConfig, inputs: ChoiceInputs): Choice {
  const { wanted, peers, hasWords, summaries } = inputs;
  const tree = (why: string): Choice => ({ strategy: 'exhaustive', budget: 0, why });
  if (wanted === 'auto' && peers <= config.smallMesh) return tree(`the mesh is small: ${peers} peers`);
  if (!hasWords) return tree('no whole word is asked for, and digests know no others');
  if ('off' in summaries) {
    const without = `no summaries are held here: ${summaries.off}`;
    return wanted === 'summary'
      ? tree(without)
      : (walkIfPopular(config, inputs, null) ?? tree(rareness(inputs, without)));
  }
  const { holders, unknown } = summaries;
  const asked = holders + unknown;
  if (wanted === 'auto' && asked === 0) return tree('no peer is known to have it, and it may be new');
  if (asked <= Math.min(config.holdersMax, Math.max(1, peers * config.holderShareMax))) {
    const more = unknown === 0 ? '' : `, and ${unknown} of whom nothing is known`;
    return { strategy: 'summary', budget: 0, why: `${holders} of ${peers} peers may have it${more}` };
  }
  if (unknown > holders) return tree(`of ${unknown} of ${peers} peers nothing is known yet`);
  const walk = wanted === 'auto' ? walkIfPopular(config, inputs, holders / peers) : null;
  return walk ?? tree(`${asked} of ${peers} peers may have it: the tree is cheaper`);
}

function walkIfPopular(config: ChoiceConfig, inputs: ChoiceInputs, holderShare: number | null): Choice | null {
  const { peers, limit, remembered } = inputs;
  const hitsPerPeer = holderShare ?? remembered?.hitsPerPeer ?? 0;
  if (peers < config.walkMeshMin || hitsPerPeer <= 0) return null;
  const budget = Math.ceil((config.walkSlack * 2 * limit) / hitsPerPeer);
  if (budget > config.walkShareMax * 2 * (peers - 1)) return null;
  const found =
    holderShare === null
      ? `earlier questions found ${hitsPerPeer.toPrecision(2)} hits a peer`
      : `${Math.round(holderShare * 100)} % of the peers may have it`;
  return { strategy: 'walk', budget, why: `popular: ${found}, and ${limit} hits are enough` };
}

function rareness({ remembered }: ChoiceInputs, without: string): string {
  if (remembered === null) return without;
  const { hitsPerPeer, isAtLeast } = remembered;
  if (hitsPerPeer === 0) return `${without}; earlier questions found nothing`;
  const rate = hitsPerPeer >= 0.001 ? hitsPerPeer.toPrecision(2) : 'less than 0.001';
  return `${without}; earlier questions found ${isAtLeast ? 'at least ' : ''}${rate} hits a peer`;
}

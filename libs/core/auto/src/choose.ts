import { cheapestSeek, type Popularity, popularityOf, type Remembered, type Sight } from './popularity.ts';

/** How a question may be asked, of those that `chooseStrategy` chooses from. `keywords`: straight to those whom keyword records name. */
export type ChosenStrategy = 'summary' | 'exhaustive' | 'walk' | 'guided' | 'keywords';

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
  readonly remembered: Remembered | null;
  /** What digests say within two links; null: there are none. */
  readonly sight: Sight | null;
  /** Rare words have records in the key space. */
  readonly hasKeywords: boolean;
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
  /** A walk is given so many times the messages that it needs on average … */
  readonly walkSlack: number;
  /** … at most this share of what the tree costs … */
  readonly walkShareMax: number;
  /** … and is not begun with less than so many times. */
  readonly walkSlackMin: number;
  /** With less of its budget left a question that found too little is over. */
  readonly restMin: number;
}

export const defaultChoiceConfig: ChoiceConfig = {
  smallMesh: 64, // guess: some 130 messages a question; summaries learn of a document within 5 s
  holderShareMax: 0.25, // guess: opening a link is four frames and a handshake, against two messages along one that is there
  holdersMax: 512, // guess: sixteen rounds of 32 links
  walkMeshMin: 64, // guess
  walkSlack: 4, // computed: with four times the mean, 1 − e^−4 = 98 % of walks for one hit find it
  walkShareMax: 0.25, // guess: what the tree costs more, when it has to come after
  walkSlackMin: 2, // computed: 86 % of walks for one hit find it; for the others there is the tree
  restMin: 8, // computed: two peers, there and back, and what their answers may cost
};

/** Chooses by what is known. The same inputs, the same choice. */
export function chooseStrategy(config: ChoiceConfig, inputs: ChoiceInputs): Choice {
  const choice = freely(config, inputs);
  const { budget, summaries } = inputs;
  if (budget === 0) return choice;
  // The tree knows no budget: everybody would be asked. Nor do the lookups of keyword records.
  const isPaid =
    choice.strategy === 'summary' && 'holders' in summaries && 2 * (summaries.holders + summaries.unknown) <= budget;
  return isPaid ? choice : { ...seekWithin(inputs, budget), why: `within ${budget} messages, because ${choice.why}` };
}

/** How far a question has come by one way. */
export interface Progress {
  readonly strategy: ChosenStrategy;
  /** Documents found so far, and messages spent, by all ways together. */
  readonly hits: number;
  readonly spent: number;
  /** Everybody was asked. */
  readonly isComplete: boolean;
}

/** How a question goes on that found too little one way; null: it is over. */
export function fallBack(config: ChoiceConfig, inputs: ChoiceInputs, progress: Progress): Choice | null {
  const { strategy, hits, spent, isComplete } = progress;
  const { budget, limit, wanted } = inputs;
  if (wanted !== 'auto' || strategy === 'exhaustive') return null;
  const isStraight = strategy === 'summary' || strategy === 'keywords';
  // Who was named was asked, and what they have is all there is, as far as is known. Named in vain they prove nothing.
  if (isStraight ? hits > 0 : isComplete || hits >= limit) return null;
  const found = `${names[strategy]} found ${isStraight ? 'nothing' : `${hits} of ${limit} hits`}`;
  const cost = spent === 0 ? found : `${found} for ${spent} messages`;
  if (budget === 0) return { strategy: 'exhaustive', budget: 0, why: `${cost}: everybody is asked` };
  const left = budget - spent;
  // Walkers that spent their budget by digests will not do better without them.
  if (left < config.restMin || strategy === 'guided') return null;
  const seek = seekWithin(inputs, left);
  if (seek.strategy === strategy) return null;
  return { ...seek, why: `${cost}: ${names[seek.strategy]} has the other ${left}` };
}

const names: Readonly<Record<ChosenStrategy, string>> = {
  summary: 'those whom summaries name',
  keywords: 'those whom keyword records name',
  walk: 'a walk',
  guided: 'a guided walk',
  exhaustive: 'the tree',
};

function freely(config: ChoiceConfig, inputs: ChoiceInputs): Choice {
  const { wanted, peers, hasWords, summaries } = inputs;
  const tree = (why: string): Choice => ({ strategy: 'exhaustive', budget: 0, why });
  if (wanted === 'auto' && peers <= config.smallMesh) return tree(`the mesh is small: ${peers} peers`);
  if (!hasWords) return tree('no whole word is asked for, and digests know no others');
  if ('off' in summaries) {
    const without = `no summaries are held here: ${summaries.off}`;
    return wanted === 'summary'
      ? tree(without)
      : (seekIfPopular(config, inputs) ?? recordsIfRare(inputs) ?? tree(rareness(inputs, without)));
  }
  const { holders, unknown } = summaries;
  const asked = holders + unknown;
  if (wanted === 'auto' && asked === 0) return tree('no peer is known to have it, and it may be new');
  if (asked <= Math.min(config.holdersMax, Math.max(1, peers * config.holderShareMax))) {
    const more = unknown === 0 ? '' : `, and ${unknown} of whom nothing is known`;
    return { strategy: 'summary', budget: 0, why: `${holders} of ${peers} peers may have it${more}` };
  }
  if (unknown > holders) return tree(`of ${unknown} of ${peers} peers nothing is known yet`);
  const seek = wanted === 'auto' ? seekIfPopular(config, inputs) : null;
  return seek ?? tree(`${asked} of ${peers} peers may have it: the tree is cheaper`);
}

/** A walk, blind or guided, whichever is cheaper, when that is much cheaper than asking everybody. */
function seekIfPopular(config: ChoiceConfig, inputs: ChoiceInputs): Choice | null {
  const { peers, limit } = inputs;
  const popularity = popularityOf(inputs);
  if (peers < config.walkMeshMin || popularity === null) return null;
  const { strategy, messages } = cheapestSeek(popularity.hitsPerPeer, limit, inputs.sight !== null);
  const budget = Math.floor(Math.min(Math.ceil(config.walkSlack * messages), config.walkShareMax * 2 * (peers - 1)));
  if (budget < config.walkSlackMin * messages) return null;
  const means = strategy === 'guided' ? ': digests lead there' : '';
  return { strategy, budget, why: `popular: ${popularity.why}, and ${limit} hits are enough${means}` };
}

/** What nobody nearby has, and no earlier question found to be common. */
function recordsIfRare({ hasKeywords, sight, remembered }: ChoiceInputs): Choice | null {
  if (!hasKeywords || sight === null || sight.seen > 0) return null;
  const why = remembered === null ? '' : `, and earlier questions found ${rate(remembered)} hits a peer`;
  return {
    strategy: 'keywords',
    budget: 0,
    why: `rare: none of ${sight.peers} peers nearby has it${why}; keyword records say who does`,
  };
}

function rate({ hitsPerPeer }: Remembered): string {
  return hitsPerPeer === 0 || hitsPerPeer >= 0.001 ? hitsPerPeer.toPrecision(2) : 'less than 0.001';
}

/** Blind or guided, within a given budget. */
function seekWithin(inputs: ChoiceInputs, budget: number): Pick<Choice, 'budget'> & { strategy: 'walk' | 'guided' } {
  const popularity: Popularity | null = inputs.hasWords ? popularityOf(inputs) : null;
  const canGuide = inputs.hasWords && inputs.sight !== null;
  // Of what is not known to be common digests find more: they see some fifty peers at each step.
  const strategy =
    popularity === null
      ? canGuide
        ? 'guided'
        : 'walk'
      : cheapestSeek(popularity.hitsPerPeer, inputs.limit, canGuide).strategy;
  return { strategy, budget };
}

function rareness({ remembered }: ChoiceInputs, without: string): string {
  if (remembered === null) return without;
  const { hitsPerPeer, isAtLeast } = remembered;
  if (hitsPerPeer === 0) return `${without}; earlier questions found nothing`;
  return `${without}; earlier questions found ${isAtLeast ? 'at least ' : ''}${rate(remembered)} hits a peer`;
}

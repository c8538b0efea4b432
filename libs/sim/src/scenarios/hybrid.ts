import type { QueryStrategy } from '@starling/mesh';
import { newWay, note, type Way } from './auto.ts';
import { documentConfig } from './document-world.ts';
import { meshOf } from './mesh.ts';
import type { Scenario } from './scenario.ts';
import { mean, randomOf, type Setting, sampleOf, settled } from './summaries.ts';

const stock = { documentsEach: 4, wordsEach: 12 };
const wordsPerHour = 3_600;

/** As in a mesh that is too large for summaries and for a table of everybody. */
const config = {
  ...documentConfig,
  summaries: { ...documentConfig.summaries, peersMax: 1 },
  lookup: { ...documentConfig.lookup, fullTableMax: 1 },
  auto: { ...documentConfig.auto, smallMesh: 8, walkMeshMin: 8 },
  keywords: { ...documentConfig.keywords, peersMin: 2, wordsPerHour },
};

const ways = ['auto', 'exhaustive', 'guided', 'walk'] as const satisfies readonly QueryStrategy[];
/** Words by how many documents have them: of rare ones a few, of popular ones one peer in twenty. */
const kinds = ['rare', 'popular'] as const;
const wanted = { rare: 10, popular: 3 } as const;

function wordsOf({ documents, peers, tags }: Setting, each: number): Record<(typeof kinds)[number], string[]> {
  const { rng } = documents.harness.world;
  const holders = new Map<string, number>();
  for (const peer of peers) {
    const words = new Set(documents.documentsOf(peer).flatMap((document) => [...document.words]));
    for (const word of words) holders.set(word, (holders.get(word) ?? 0) + 1);
  }
  const popular = [...holders].filter(([, count]) => count >= peers.length / 20).map(([word]) => word);
  return {
    rare: rng.sample(
      tags.map(({ word }) => word),
      each,
    ),
    popular: Array.from({ length: each }, () => randomOf(rng, popular.sort())),
  };
}

export const hybrid: Scenario = {
  name: 'search/hybrid',
  about:
    'AUTO where summaries do not fit: keyword records for rare words, guided walks for popular ones, the tree when these find too little',
  engine: 'event',
  setup: `three zones; no summaries and no table of all members, as above 5,000 peers; each peer has ${stock.documentsEach} documents of ${stock.wordsEach} words by Zipf's law; peers publish ${wordsPerHour} rare words an hour, for 90 s (the product: 120, for days); 30 questions for a tag that one peer has, 0.1 % or 1 %, and as many for a word that at least one in twenty has, ${wanted.rare} and ${wanted.popular} hits wanted, each asked in all ways; the guided and the blind walk have the default budget; messages of lookups count`,
  peers: 300,
  seeds: 1,
  cpuSeconds: 80,
  reduced: { peers: 16, seeds: 1 },
  goals: [
    ...kinds.flatMap((kind) =>
      ways.flatMap((way) => [
        {
          id: `${kind}.${way}.found`,
          what: `${kind}, ${way}: hits of those wanted`,
          unit: '',
          paper: '–',
          goal: way === 'auto' ? ({ is: '≥', value: 0.95 } as const) : null,
          judgedBy: 'worst' as const,
        },
        {
          id: `${kind}.${way}.messages`,
          what: `${kind}, ${way}: messages`,
          unit: '',
          paper: '–',
          goal: null,
          judgedBy: 'mean' as const,
        },
        {
          id: `${kind}.${way}.took`,
          what: `${kind}, ${way}: until the answer`,
          unit: 'ms',
          paper: '–',
          goal: null,
          judgedBy: 'mean' as const,
        },
      ]),
    ),
    {
      id: 'share',
      what: 'AUTO: messages of what asking everybody costs',
      unit: '%',
      paper: '–',
      goal: { is: '≤', value: 30 },
      peersMin: 200,
      judgedBy: 'worst',
    },
    { id: 'byRecords', what: 'rare: ended with keyword records', unit: '%', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'fellBack', what: 'went on another way', unit: '%', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'standing',
      what: 'keyword records that each peer published',
      unit: '',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
    { id: 'held', what: '… and that each holds', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'publish', what: 'messages for one published', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
  ],
  run(peers, seed) {
    const setting = settled(peers, seed, config, stock);
    const { documents, peers: living } = setting;
    const isSmall = peers < 100;
    // What hours do in the product.
    const publishMs = isSmall ? 20_000 : 90_000;
    const { world } = documents.harness;
    let lookups = 0;
    world.observe({
      sent: (_from, _to, message) => {
        if (message.area === 'lookup') lookups++;
      },
    });
    const stored = (): number => living.reduce((sum, peer) => sum + meshOf(peer).keywords.publishStats.stored, 0);
    const before = stored();
    world.runUntil(world.now + publishMs);
    const publish = lookups / Math.max(1, stored() - before);
    const words = wordsOf(setting, isSmall ? 4 : 30);
    const values: Record<string, number> = {};
    const spent = { auto: 0, exhaustive: 0, guided: 0, walk: 0 };
    let byRecords = 0;
    for (const kind of kinds) {
      const limit = wanted[kind];
      const notes: Record<(typeof ways)[number], Way> = {
        ...{ auto: newWay(), exhaustive: newWay(), guided: newWay(), walk: newWay() },
      };
      for (const word of words[kind]) {
        const asker = randomOf(world.rng, living);
        const truth = documents.oracle([word]);
        for (const strategy of ways) {
          const answer = documents.ask(asker, [word], { strategy, limit });
          note(notes[strategy], answer, truth, limit);
          spent[strategy] += answer.finished.tally.messages;
          if (kind === 'rare' && answer.finished.choice?.strategy === 'keywords') byRecords++;
        }
      }
      for (const way of ways) {
        values[`${kind}.${way}.found`] = mean(notes[way].found);
        values[`${kind}.${way}.messages`] = mean(notes[way].messages);
        values[`${kind}.${way}.took`] = mean(notes[way].took);
      }
    }
    const fellBack = living.reduce(
      (sum, peer) => sum + Object.values(meshOf(peer).fellBack).reduce((a, b) => a + b),
      0,
    );
    return sampleOf(documents, seed, {
      ...values,
      share: (100 * spent.auto) / spent.exhaustive,
      byRecords: (100 * byRecords) / words.rare.length,
      fellBack: (100 * fellBack) / (2 * words.rare.length),
      standing: mean(living.map((peer) => meshOf(peer).keywords.standing)),
      held: mean(living.map((peer) => meshOf(peer).lookup.store.keywordCount)),
      publish,
    });
  },
};

import type { Asked } from './document-world.ts';
import type { Scenario } from './scenario.ts';
import { mean, randomOf, recallOf, type Setting, sampleOf, settled } from './summaries.ts';

const limit = 10;
const questions = 60;

export interface Way {
  readonly messages: number[];
  readonly found: number[];
  readonly top: number[];
  readonly took: number[];
}

/** A word of some document: common words come as often as documents have them, so most are common. Every third is a tag. */
function wordOf({ documents, tags, peers }: Setting, number: number): string {
  const { rng } = documents.harness.world;
  if (number % 3 === 0) return randomOf(rng, tags).word;
  return randomOf(rng, [...randomOf(rng, documents.documentsOf(randomOf(rng, peers))).words].sort());
}

export function note(way: Way, answer: Asked, truth: readonly { readonly id: string }[], limit: number): void {
  const wanted = Math.min(limit, truth.length);
  way.messages.push(answer.finished.tally.messages);
  way.found.push(wanted === 0 ? 1 : Math.min(1, new Set(answer.hits.map(({ id }) => id)).size / wanted));
  way.top.push(recallOf(answer, truth, limit));
  way.took.push(answer.tookMs);
}

export const newWay = (): Way => ({ messages: [], found: [], top: [], took: [] });

export const auto: Scenario = {
  name: 'search/auto',
  about: 'questions that leave the way open, popular and rare words mixed, beside asking everybody',
  engine: 'event',
  setup: `as search/summaries; ${questions} questions of one word for ${limit} hits, every third for a tag, the others for words as often as documents have them; each asked by AUTO and by EXHAUSTIVE`,
  peers: 400,
  seeds: 1,
  cpuSeconds: 110,
  reduced: { peers: 66, seeds: 1 },
  goals: [
    {
      id: 'found',
      what: 'AUTO: hits of those wanted',
      unit: '',
      paper: '–',
      goal: { is: '≥', value: 0.95 },
      judgedBy: 'worst',
    },
    {
      id: 'share',
      what: 'AUTO: messages of what asking everybody costs',
      unit: '%',
      paper: '–',
      goal: { is: '≤', value: 50 },
      peersMin: 100,
      judgedBy: 'worst',
    },
    { id: 'messages', what: 'AUTO: messages per question', unit: '', paper: '–', goal: null, judgedBy: 'mean' },
    {
      id: 'messagesAll',
      what: 'EXHAUSTIVE: messages per question',
      unit: '',
      paper: '–',
      goal: null,
      judgedBy: 'mean',
    },
    { id: 'top10', what: 'AUTO: of the best ten', unit: '', paper: '–', goal: null, judgedBy: 'worst' },
    {
      id: 'topRare',
      what: 'AUTO: of the best ten, where it did not walk, guided or not',
      unit: '',
      paper: '–',
      goal: { is: '≥', value: 0.99 },
      judgedBy: 'worst',
    },
    { id: 'topAll', what: 'EXHAUSTIVE: of the best ten', unit: '', paper: '–', goal: null, judgedBy: 'worst' },
    { id: 'took', what: 'AUTO: until the answer', unit: 'ms', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'tookAll', what: 'EXHAUSTIVE: until the answer', unit: 'ms', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'straight', what: 'went to holders', unit: '%', paper: '–', goal: null, judgedBy: 'mean' },
    { id: 'walked', what: 'walked, guided or not', unit: '%', paper: '–', goal: null, judgedBy: 'mean' },
  ],
  run(size, seed) {
    const setting = settled(size, seed);
    const { documents, peers } = setting;
    const { rng } = documents.harness.world;
    const [open, all, rare] = [newWay(), newWay(), newWay()];
    const chosen = { summary: 0, walk: 0, exhaustive: 0, guided: 0, keywords: 0 };
    for (let i = 0; i < questions; i++) {
      const word = wordOf(setting, i);
      const asker = randomOf(rng, peers);
      const truth = documents.oracle([word]);
      const answer = documents.ask(asker, [word], { strategy: 'auto', limit });
      const strategy = answer.finished.choice?.strategy ?? 'exhaustive';
      chosen[strategy]++;
      note(open, answer, truth, limit);
      if (strategy !== 'walk' && strategy !== 'guided') note(rare, answer, truth, limit);
      note(all, documents.ask(asker, [word], { strategy: 'exhaustive', limit }), truth, limit);
    }
    return sampleOf(documents, seed, {
      found: mean(open.found),
      share: (100 * mean(open.messages)) / mean(all.messages),
      messages: mean(open.messages),
      messagesAll: mean(all.messages),
      top10: mean(open.top),
      topRare: mean(rare.top),
      topAll: mean(all.top),
      took: mean(open.took),
      tookAll: mean(all.took),
      straight: (100 * chosen.summary) / questions,
      walked: (100 * (chosen.walk + chosen.guided)) / questions,
    });
  },
};

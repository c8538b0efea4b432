import type { PeerView } from './mesh-picture.ts';

/** What a comparison in a find expression may name. */
export type FindField =
  | 'name'
  | 'id'
  | 'zone'
  | 'state'
  | 'health'
  | 'version'
  | 'condition'
  | 'degree'
  | 'rtt'
  | 'delivered'
  | 'dropped';

/** A peer with the one figure that its view lacks. */
export interface FindSubject {
  readonly view: PeerView;
  /** Median round trip over its links; null when none is measured. */
  readonly rttMs: number | null;
}

type Test = (subject: FindSubject) => boolean;

/** A parsed expression: `matches` is true for peers that satisfy all its terms; `problem` says what was not understood. */
export interface FindQuery {
  readonly matches: Test;
  readonly isEmpty: boolean;
  readonly problem: string | null;
}

const texts: Readonly<Record<string, (subject: FindSubject) => string | readonly string[]>> = {
  name: ({ view }) => view.peer.name,
  id: ({ view }) => view.peer.id,
  zone: ({ view }) => view.peer.zone,
  state: ({ view }) => view.peer.state,
  health: ({ view }) => view.verdict.health,
  version: ({ view }) => view.peer.version,
  condition: ({ view }) => view.report?.conditions ?? [],
};

const numbers: Readonly<Record<string, (subject: FindSubject) => number | null>> = {
  degree: ({ view }) => view.degree,
  rtt: ({ rttMs }) => rttMs,
  delivered: ({ view }) => view.report?.deliveredPerSecond ?? null,
  dropped: ({ view }) => view.report?.droppedPerSecond ?? null,
};

/** The fields, for help texts. */
export const findFields: readonly string[] = [...Object.keys(texts), ...Object.keys(numbers)];

/**
 * Parses terms separated by spaces, all of which must hold: a word is looked for in name, id and zone; `field=value` and
 * `field!=value` compare text (a prefix is enough for `id`); `field<n`, `field>n`, `=`, `!=` compare numbers, a unit behind
 * them is ignored. Never throws: a term that makes no sense is left out and named in `problem`.
 */
export function parseFind(text: string): FindQuery {
  const tests: Test[] = [];
  let problem: string | null = null;
  for (const term of text.trim().toLowerCase().split(/\s+/).slice(0, 16)) {
    if (term === '') continue;
    const parts = /^([a-z]+)(!=|=|<|>)(.+)$/.exec(term);
    if (parts === null) {
      const dangling = /^([a-z]+)(!=|=|<|>)$/.test(term);
      // Half-typed ("zone="): wait for the rest rather than hide everything.
      if (!dangling) tests.push(containsWord(term));
      continue;
    }
    const [, field = '', operator = '', value = ''] = parts;
    const test = compare(field, operator, value);
    if (test === null) problem ??= `“${term}” is not understood`;
    else tests.push(test);
  }
  return { matches: (subject) => tests.every((test) => test(subject)), isEmpty: tests.length === 0, problem };
}

function containsWord(word: string): Test {
  return ({ view: { peer } }) =>
    peer.name.toLowerCase().includes(word) ||
    peer.id.toLowerCase().startsWith(word) ||
    peer.zone.toLowerCase().includes(word);
}

function compare(field: string, operator: string, value: string): Test | null {
  const number = Object.hasOwn(numbers, field) ? numbers[field] : undefined;
  if (number !== undefined) {
    const wanted = Number.parseFloat(value);
    if (Number.isNaN(wanted)) return null;
    return (subject) => {
      const actual = number(subject);
      if (actual === null) return false;
      if (operator === '<') return actual < wanted;
      if (operator === '>') return actual > wanted;
      return (actual === wanted) === (operator === '=');
    };
  }
  const read = Object.hasOwn(texts, field) ? texts[field] : undefined;
  if (read === undefined || operator === '<' || operator === '>') return null;
  return (subject) => {
    const isEqual = [read(subject)].flat().some((text) => {
      const actual = text.toLowerCase();
      return field === 'id' ? actual.startsWith(value) : actual === value;
    });
    return isEqual === (operator === '=');
  };
}

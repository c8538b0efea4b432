import { type Parsed, problem } from './parsed.ts';

/** Bounds of topics and patterns. They are part of the public API, not settings. */
export const topicLimits = { charsMax: 256, wordsMax: 16 } as const;

/** A topic that was checked: words of letters, digits, `-` and `_`, joined by dots. */
export type Topic = string & { readonly checked: 'topic' };

/** A checked pattern: a topic in which `*` may stand for one word, and `>` at the end for one or more. */
export type Pattern = string & { readonly checked: 'pattern' };

/** Checks a topic to publish to. */
export function parseTopic(text: string): Parsed<Topic> {
  const found = wordsProblem(text, false);
  return found === null ? { ok: true, value: text as Topic } : problem(found);
}

/** Checks a pattern to subscribe with. */
export function parsePattern(text: string): Parsed<Pattern> {
  const found = wordsProblem(text, true);
  return found === null ? { ok: true, value: text as Pattern } : problem(found);
}

const plainWord = /^[A-Za-z0-9_-]+$/;

function wordsProblem(text: string, wildcards: boolean): string | null {
  if (text === '') return 'is empty; it must be words joined by dots, such as "orders.created"';
  if (text.length > topicLimits.charsMax)
    return `has ${text.length} characters; at most ${topicLimits.charsMax} are allowed`;
  const words = text.split('.');
  if (words.length > topicLimits.wordsMax)
    return `has ${words.length} words; at most ${topicLimits.wordsMax} are allowed`;
  let position = 1;
  for (const [index, word] of words.entries()) {
    const found = wordProblem(word, index === words.length - 1, wildcards);
    if (found !== null) return `${found} at character ${position}`;
    position += word.length + 1;
  }
  return null;
}

function wordProblem(word: string, isLast: boolean, wildcards: boolean): string | null {
  if (plainWord.test(word)) return null;
  if (word === '') return 'has an empty word (a dot too many)';
  if (word === '*') return wildcards ? null : 'has the wildcard "*", which only a subscription may use,';
  if (word === '>') {
    if (!wildcards) return 'has the wildcard ">", which only a subscription may use,';
    return isLast ? null : 'has ">" before the end; it must be the last word; it stands';
  }
  if (word.includes('*') || word.includes('>'))
    return `has a wildcard inside the word ${JSON.stringify(word)}; it must be a word of its own; the word stands`;
  return `has a character other than letters, digits, "-" and "_" in the word ${JSON.stringify(word)}`;
}

/** A node of the tree of all patterns, one level per word. */
interface Node {
  readonly words: Map<string, Node>;
  anyWord: Node | null;
  /** A pattern ends here. */
  isEnd: boolean;
  /** A pattern ends in `>` here. */
  isRest: boolean;
}

function newNode(): Node {
  return { words: new Map(), anyWord: null, isEnd: false, isRest: false };
}

/** Topics whose answer a matcher remembers; at the bound it forgets them all. 1,024: guess; most streams have few topics. */
const rememberedMax = 1_024;

/** Tells which topics a set of patterns selects. What it found for a topic it remembers: the usual message costs one look-up. */
export class TopicMatcher {
  readonly #root = newNode();
  readonly #remembered = new Map<string, boolean>();

  constructor(patterns: readonly Pattern[]) {
    for (const pattern of patterns) this.#add(pattern.split('.'));
  }

  /** `topic` may come from the network: what is no topic matches like any other text, and nothing throws. */
  matches(topic: string): boolean {
    const known = this.#remembered.get(topic);
    if (known !== undefined) return known;
    const found = topic.length <= topicLimits.charsMax && matchesFrom(this.#root, topic.split('.'), 0);
    if (this.#remembered.size >= rememberedMax) this.#remembered.clear();
    this.#remembered.set(topic, found);
    return found;
  }

  #add(words: readonly string[]): void {
    let node = this.#root;
    for (const word of words) {
      if (word === '>') {
        node.isRest = true;
        return;
      }
      if (word === '*') {
        node.anyWord ??= newNode();
        node = node.anyWord;
        continue;
      }
      let next = node.words.get(word);
      if (next === undefined) {
        next = newNode();
        node.words.set(word, next);
      }
      node = next;
    }
    node.isEnd = true;
  }
}

function matchesFrom(node: Node, words: readonly string[], at: number): boolean {
  const word = words[at];
  if (word === undefined) return node.isEnd;
  if (node.isRest) return true;
  const next = node.words.get(word);
  if (next !== undefined && matchesFrom(next, words, at + 1)) return true;
  return node.anyWord !== null && matchesFrom(node.anyWord, words, at + 1);
}

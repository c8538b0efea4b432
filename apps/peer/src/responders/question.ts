import { parseTopic } from '@starling/core-pubsub';

/** A query's text, taken apart: `@weather.today london` is the question `london` of the topic `weather.today`. */
export interface QuestionText {
  /** '' when there is none. */
  readonly topic: string;
  readonly text: string;
}

const withTopic = /^@(\S+)(?:\s+|$)/;

/**
 * What begins with `@` and a topic is for the engines of that topic; all else is plain text. A text of a neighbour may be
 * anything, and an `@` before what is no topic is part of it.
 */
export function questionOf(text: string): QuestionText {
  const match = withTopic.exec(text);
  const topic = match?.[1];
  if (match === null || topic === undefined || !parseTopic(topic).ok) return { topic: '', text };
  return { topic, text: text.slice(match[0].length) };
}

/** What is wrong with the topic of a text that begins with `@`; null when nothing is. */
export function topicProblem(text: string): string | null {
  const topic = withTopic.exec(text)?.[1];
  if (topic === undefined) return text.startsWith('@') ? 'begins with "@" and no topic, as in "@weather london"' : null;
  const parsed = parseTopic(topic);
  return parsed.ok ? null : `begins with a topic that ${parsed.problem} of the topic`;
}

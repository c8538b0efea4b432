export { type DocumentText, documentText, type FieldText, pathLimits } from './document.ts';
export { defaultKnownStatisticsConfig, KnownStatistics, type KnownStatisticsConfig } from './known-statistics.ts';
export { matches, occurrences } from './match.ts';
export { describeProblem, parseQuery } from './parse.ts';
export {
  type Attribute,
  type AttributeName,
  type AttributeType,
  type AttributeValue,
  attributeOf,
  isAmount,
  isAttribute,
  isText,
  type PeerRow,
  peerAttributes,
  rowLimits,
  soundRow,
} from './peers/attributes.ts';
export { compare, holds } from './peers/condition.ts';
export { lostReasonText } from './peers/lost-reason.ts';
export { parsePeersQuery } from './peers/parse.ts';
export {
  type Aggregate,
  type Column,
  type Condition,
  type OrderKey,
  type ParsedPeersQuery,
  type PeersQuery,
  peersQueryLimits,
} from './peers/syntax.ts';
export { peersValueText } from './peers/value-text.ts';
export { printQuery } from './print.ts';
export {
  addStatistics,
  bm25,
  estimateStatistics,
  type Ingredients,
  noStatistics,
  type TermStatistics,
} from './rank.ts';
export { requiredWords } from './required-words.ts';
export {
  type Bound,
  type GroupNode,
  type NotNode,
  type ParsedQuery,
  type QueryNode,
  type QueryProblem,
  queryLimits,
  type RangeTerm,
  type Span,
  type TextTerm,
} from './syntax.ts';
export { intervalsOf, isInside, rankedTerms, termKey } from './terms.ts';
export { type Interval, numberOf, periodOf } from './values.ts';
export { wordCharsMax, wordsOf } from './words.ts';

import { QueryStrategy } from '@starling/wire';

/** Whom a query asks, and what that costs: docs/search.md. */
export type QueryStrategyName = 'auto' | 'exhaustive' | 'walk' | 'ring' | 'guided' | 'summary';

export const queryStrategies: Readonly<Record<QueryStrategyName, QueryStrategy>> = {
  auto: QueryStrategy.AUTO,
  exhaustive: QueryStrategy.EXHAUSTIVE,
  walk: QueryStrategy.WALK,
  ring: QueryStrategy.RING,
  guided: QueryStrategy.GUIDED,
  summary: QueryStrategy.SUMMARY,
};

/** Undefined: a peer left it out, or knows one that this version does not. */
export function strategyName(strategy: QueryStrategy): QueryStrategyName | undefined {
  const names = Object.keys(queryStrategies) as QueryStrategyName[];
  return names.find((name) => queryStrategies[name] === strategy);
}

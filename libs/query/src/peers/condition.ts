import { type AttributeName, type AttributeValue, attributeOf, type PeerRow } from './attributes.ts';
import { compareTexts, compareVersions } from './literals.ts';
import type { Condition, Literal, Operator } from './syntax.ts';

/** Whether a condition holds for a peer. One on an attribute per link holds when it does for any of the links. */
export function holds(condition: Condition, row: PeerRow): boolean {
  switch (condition.kind) {
    case 'compare': {
      const { field, operator, value } = condition;
      return some(row[field], (own) => isSo(compare(field, own, value), operator));
    }
    case 'in': {
      const { field, values } = condition;
      return some(row[field], (own) => values.some((value) => compare(field, own, value) === 0));
    }
    case 'like':
      return some(row[condition.field], (own) => typeof own === 'string' && isLike(own, condition.pattern));
    case 'prefix':
      return some(row[condition.field], (own) => typeof own === 'string' && own.startsWith(condition.prefix));
    case 'not':
      return !holds(condition.condition, row);
    case 'and':
      return condition.conditions.every((part) => holds(part, row));
    case 'or':
      return condition.conditions.some((part) => holds(part, row));
  }
}

/** Below 0, 0 or above 0: texts by their characters, versions as versions, numbers as numbers. */
export function compare(field: AttributeName, a: Literal, b: Literal): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a), String(b)];
  return attributeOf(field).type === 'version' ? compareVersions(left, right) : compareTexts(left, right);
}

function some(value: AttributeValue | undefined, test: (own: Literal) => boolean): boolean {
  if (value === undefined) return false;
  return typeof value === 'string' || typeof value === 'number' ? test(value) : value.some(test);
}

function isSo(difference: number, operator: Operator): boolean {
  switch (operator) {
    case '=':
      return difference === 0;
    case '!=':
      return difference !== 0;
    case '<':
      return difference < 0;
    case '<=':
      return difference <= 0;
    case '>':
      return difference > 0;
    case '>=':
      return difference >= 0;
  }
}

/** Goes back to the last `%` only, so it takes at most text × pattern steps: a regular expression could take forever. */
export function isLike(text: string, pattern: string): boolean {
  let [at, next, star, from] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[next] === '%') {
      star = next++;
      from = at;
    } else if (next < pattern.length && (pattern[next] === '_' || pattern[next] === text[at])) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++from;
    } else return false;
  }
  while (pattern[next] === '%') next++;
  return next === pattern.length;
}

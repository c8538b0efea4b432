import { addCounts, countMax, isCount } from '@starling/kernel';
import type { ResponderTally } from './messages.ts';

/** Of two subtrees together. */
export function sumOf(a: ResponderTally | undefined, b: ResponderTally | undefined): ResponderTally | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const answered = addCounts(a.answered, b.answered);
  const late = addCounts(a.late, b.late, countMax - answered);
  return { asked: Math.max(addCounts(a.asked, b.asked), answered + late), answered, late };
}

/** Whether a neighbour's numbers can be true. */
export function isResponderTally({ asked, answered, late }: ResponderTally): boolean {
  return [asked, answered, late].every(isCount) && answered + late <= asked;
}

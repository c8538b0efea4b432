import type { ResponderTally } from './messages.ts';

/** Of two subtrees together. */
export function sumOf(a: ResponderTally | undefined, b: ResponderTally | undefined): ResponderTally | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return { asked: a.asked + b.asked, answered: a.answered + b.answered, late: a.late + b.late };
}

/** Whether a neighbour's numbers can be true. */
export function isResponderTally({ asked, answered, late }: ResponderTally): boolean {
  const areCounts = [asked, answered, late].every((count) => Number.isSafeInteger(count) && count >= 0);
  return areCounts && answered + late <= asked;
}

/** The name that was most likely meant; null: none is near. */
export function nearestOf(name: string, names: readonly string[]): string | null {
  let [best, least] = [null as string | null, Math.max(1, Math.floor(name.length / 3)) + 1];
  for (const candidate of names) {
    const distance = editsBetween(name.slice(0, 32), candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance: letters to put in, take out or replace. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

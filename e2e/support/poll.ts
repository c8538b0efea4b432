/** Asks again and again until `probe` gives something; rejects with `what` when the deadline has passed. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `not within ${timeoutMs} ms: ${what}${last ? ` (${last instanceof Error ? last.message : String(last)})` : ''}`,
      );
    }
    await new Promise((done) => setTimeout(done, 20));
  }
}

/**
 * Asks again and again until `probe` gives something; rejects with `what` when the deadline has passed. A probe that takes long
 * (it asks 64 processes) is given more rest: what it waits for needs the machine too.
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    const askedAt = performance.now();
    try {
      const value = await probe();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    const now = performance.now();
    if (now > deadline) {
      throw new Error(
        `not within ${timeoutMs} ms: ${what}${last ? ` (${last instanceof Error ? last.message : String(last)})` : ''}`,
      );
    }
    await new Promise((done) => setTimeout(done, Math.max(20, now - askedAt)));
  }
}

/** Counts tests, one line for each. */
export class Report {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** Runs one test; an error fails it and is shown, and the run goes on. Text that it returns is shown. Says whether it passed. */
  async test(title: string, body: () => Promise<unknown>): Promise<boolean> {
    const begin = Date.now();
    const seconds = () => `${((Date.now() - begin) / 1_000).toFixed(1)} s`;
    try {
      const detail = await body();
      this.passed++;
      console.log(`ok - ${title} (${seconds()})${typeof detail === 'string' && detail !== '' ? `: ${detail}` : ''}`);
      return true;
    } catch (error) {
      this.failed++;
      console.log(`not ok - ${title} (${seconds()})`);
      const text = error instanceof Error ? error.message : String(error);
      console.log(text.replace(/^/gm, '    '));
      return false;
    }
  }

  /** Runs the steps to their end, or until SIGINT or SIGTERM comes; what stops them before is a failed test, and is shown. */
  async untilStopped(steps: () => Promise<void>): Promise<void> {
    const interrupted = new Promise<never>((_, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => reject(new Error(signal)));
    });
    try {
      await Promise.race([interrupted, steps()]);
    } catch (error) {
      this.failed++;
      console.log(`not ok - stopped: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A test that cannot run here; with STARLING_REQUIRE_ALL=1 that is a failure. */
  skip(title: string, why: string): void {
    const strict = process.env.STARLING_REQUIRE_ALL === '1';
    if (strict) this.failed++;
    else this.skipped++;
    console.log(`${strict ? 'not ok' : 'skipped'} - ${title}: ${why}`);
  }

  close(): string {
    return `${this.passed} passed, ${this.failed} failed${this.skipped > 0 ? `, ${this.skipped} skipped` : ''}`;
  }
}

import { isPortFree } from '../../apps/cli/src/up/ports.ts';

/** A base port below which nobody of this machine's usual ports lies, with `count` free ports from it on. */
export async function freeBasePort(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    // Below 32768, where Linux begins to give ports to outgoing connections, so that none of them is taken meanwhile.
    const base = 12_000 + Math.floor((Math.random() * (32_000 - 12_000 - count)) / 10) * 10;
    const all = await Promise.all(Array.from({ length: count }, (_, i) => isPortFree(base + i)));
    if (all.every(Boolean)) return base;
  }
  throw new Error(`no ${count} free ports in a row`);
}

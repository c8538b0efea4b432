import { setFlagsFromString } from 'node:v8';

/**
 * V8 drops the bytecode of functions that have not run during six collections, which a peer at rest has behind it within a
 * minute or two: what finds new neighbours is then compiled anew, at every survivor at once, just when half of the mesh is
 * gone. This keeps it. Measured (docs/benchmarks.md, half of 32): a survivor takes a quarter less CPU in the first two seconds.
 */
export function keepBytecode(): void {
  setFlagsFromString('--no-flush-bytecode');
}

export { decodeAscending, encodeAscending } from './ascending.ts';
export { Bloom, bloomSizeLog2Max, bloomSizeLog2Min } from './bloom.ts';
export { Dictionary } from './dictionary.ts';
export { SharedTermSet } from './shared-term-set.ts';
export { hashTerm, type TermHash } from './term-hash.ts';
export {
  deltaBetween,
  fingerprintsOf,
  fingerprintWidthMax,
  fingerprintWidthMin,
  type TermDelta,
  TermSet,
} from './term-set.ts';

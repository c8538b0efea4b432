import type { AdmissionPolicy } from './messages.ts';

/** Admits and remembers everybody: for a mesh whose members were all let in by somebody else (a network, a certificate). */
export const admitAll: AdmissionPolicy = Object.freeze({
  admit: () => true,
  remember: () => true,
});

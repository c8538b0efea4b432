import type { PeerCondition } from './facts.ts';

/** What people are told of a condition. */
export interface ConditionWords {
  readonly health: 'warning' | 'critical';
  /** Of one peer, on its page and in the table. */
  readonly reason: string;
  /** After "One peer …" and "N peers …". */
  readonly singular: string;
  readonly plural: string;
  readonly advice: string;
}

const renewal = 'It should have been renewed long ago: look at the authority (starling ca serve, or cert-manager).';
const authorityRenewal = 'Replace it while both are trusted: docs/operations/certificates.md.';

/** The gravest first. */
export const conditionWords: Readonly<Record<PeerCondition, ConditionWords>> = {
  certificateExpired: {
    health: 'critical',
    reason: 'Its certificate has expired',
    singular: 'has a certificate that has expired',
    plural: 'have a certificate that has expired',
    advice: `Links that it has go on, new ones are refused. ${renewal}`,
  },
  authorityExpired: {
    health: 'critical',
    reason: 'An authority that it trusts has expired',
    singular: 'trusts an authority that has expired',
    plural: 'trust an authority that has expired',
    advice: `Who has a certificate of that authority is refused. ${authorityRenewal}`,
  },
  neighborsBypassed: {
    health: 'warning',
    reason: 'Its neighbours do not pass everything on: it asks others',
    singular: 'gets messages past its neighbours, which do not pass everything on',
    plural: 'get messages past their neighbours, which do not pass everything on',
    advice:
      'Nothing is lost, but somebody among the neighbours drops messages or cannot keep up: see who they have in common.',
  },
  certificateLate: {
    health: 'warning',
    reason: 'Its certificate was not renewed',
    singular: 'has a certificate that expires soon',
    plural: 'have a certificate that expires soon',
    advice: renewal,
  },
  authorityLate: {
    health: 'warning',
    reason: 'An authority that it trusts expires within 30 days',
    singular: 'trusts an authority that expires within 30 days',
    plural: 'trust an authority that expires within 30 days',
    advice: authorityRenewal,
  },
  cacheUnwritten: {
    health: 'warning',
    reason: 'Cannot write down whom it met',
    singular: 'cannot write to its disk whom it met',
    plural: 'cannot write to their disks whom they met',
    advice: 'Full or read-only? It goes on; after a restart it has its seeds alone to find the mesh again.',
  },
};

/** All that there are, the gravest first. */
export const conditionKinds = Object.keys(conditionWords) as readonly PeerCondition[];

import type { LinkFacts, LinkRole, PeerFacts, ReportFacts } from './facts.ts';

/** Facts for specs: a peer named by its id. */
export function peerFacts(id: string, facts: Partial<PeerFacts> = {}): PeerFacts {
  return {
    id,
    name: id,
    zone: 'a',
    linkAddress: '',
    apiAddress: '',
    incarnation: 1,
    state: 'ready',
    version: '0.1.0',
    ...facts,
  };
}

/** Facts for specs: a link without traffic. */
export function linkFacts(peerId: string, role: LinkRole = 'eager', facts: Partial<LinkFacts> = {}): LinkFacts {
  return {
    peerId,
    role,
    rttMs: null,
    messagesInPerSecond: 0,
    messagesOutPerSecond: 0,
    bytesInPerSecond: 0,
    bytesOutPerSecond: 0,
    duplicatesPerSecond: 0,
    ...facts,
  };
}

/** Facts for specs: a report of a peer with links to others. */
export function reportFacts(
  id: string,
  links: readonly (string | LinkFacts)[] = [],
  facts: Partial<ReportFacts> = {},
): ReportFacts {
  return {
    peer: peerFacts(id),
    links: links.map((link) => (typeof link === 'string' ? linkFacts(link) : link)),
    deliveredPerSecond: 0,
    publishedPerSecond: 0,
    droppedPerSecond: 0,
    passiveViewSize: 0,
    documentCount: 0,
    heapBytes: 0,
    loopUtilization: 0,
    conditions: [],
    reportTime: 0,
    ...facts,
  };
}

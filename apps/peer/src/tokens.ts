/** Names of what Nest injects. Explicit tokens rather than emitted types: a bundler may drop or rename those. */
export const PEER = Symbol('Peer');
export const LOGS = Symbol('Logs');

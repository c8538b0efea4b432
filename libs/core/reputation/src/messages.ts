import type { Millis, PeerId } from '@starling/kernel';

/**
 * What a peer did, as its neighbour saw it with its own eyes. `firstDelivery`: brought a message that was new. `brokenPromise`:
 * announced a message and did not serve it when asked. `violation`: sent what the protocol forbids. `flood`: sent more than its
 * allowance. `slow`: answered after the time that was given.
 */
export type Deed = 'firstDelivery' | 'brokenPromise' | 'violation' | 'flood' | 'slow';

/** Everything bad. */
export type Misdeed = Exclude<Deed, 'firstDelivery'>;

export type ReputationCommand =
  /** `times` deeds of one kind. Believe first-hand observations only: what others tell would be a channel for slander. */
  | { readonly kind: 'observed'; readonly peer: PeerId; readonly deed: Deed; readonly times: number }
  /** An operator bans or pardons a peer, at this peer only. Infinity: until pardoned. */
  | { readonly kind: 'ban'; readonly peer: PeerId; readonly forMs: Millis }
  | { readonly kind: 'pardon'; readonly peer: PeerId };

export type ReputationEvent =
  /** Worth less than no neighbour: end the link, if there is one. It may come back. */
  | { readonly kind: 'dropped'; readonly peer: PeerId; readonly reason: Misdeed }
  /** Neither linked with nor named to others until then. Said again when a ban grows longer. */
  | { readonly kind: 'banned'; readonly peer: PeerId; readonly reason: Misdeed | 'operator'; readonly until: Millis }
  /** A ban is over. */
  | { readonly kind: 'pardoned'; readonly peer: PeerId };

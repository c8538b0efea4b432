import type { EventQueue } from './event-queue.ts';
import type { Link } from './link.ts';
import type { SimPeer } from './peer.ts';

/** What an event is: its number in the queue and in the trace hash. */
export const eventKind = {
  toDialler: 1,
  toAcceptor: 2,
  serveDialler: 3,
  serveAcceptor: 4,
  dialArrives: 5,
  dialAnswered: 6,
  dialTimeout: 7,
  lostAtDialler: 8,
  lostAtAcceptor: 9,
  goodbyeToDialler: 10,
  goodbyeToAcceptor: 11,
  lingerDialler: 12,
  lingerAcceptor: 13,
  silence: 14,
  timer: 15,
  action: 16,
} as const;

/** What an event is about: a link, a peer whose timer it is, or something to do. */
export type WorldQueue<M, C, E> = EventQueue<Link<M, C, E> | SimPeer<M, C, E> | (() => void), M>;

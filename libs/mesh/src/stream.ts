import { isEphemeral, isPatient } from '@starling/core-plumtree';
import type { PeerId, PeerInfo } from '@starling/kernel';

/** The stream of one life of a peer. It keeps the incarnation that the life began with: a refutation does not renumber messages. */
export function streamOf(self: PeerInfo): string {
  return `${self.id}~${self.incarnation}`;
}

/** The publisher behind a stream, ephemeral or not. Of text that is no stream: the text itself, and incarnation 0. */
export function parseStream(stream: string): { readonly origin: PeerId; readonly incarnation: number } {
  const life = stream.slice(0, stream.length - (isPatient(stream) ? 2 : isEphemeral(stream) ? 1 : 0));
  const at = life.lastIndexOf('~');
  const incarnation = at < 0 ? Number.NaN : Number(life.slice(at + 1));
  return Number.isSafeInteger(incarnation)
    ? { origin: life.slice(0, at), incarnation }
    : { origin: stream, incarnation: 0 };
}

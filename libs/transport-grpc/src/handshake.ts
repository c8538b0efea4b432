import type { ContactFailure } from '@starling/host';
import type { PeerId, PeerInfo } from '@starling/kernel';
import type { DecodedFrame, FrameDecoder, Hello, Refusal } from '@starling/wire';
import type { DialledStream, FrameStream } from './frame-stream.ts';
import type { CertifiedPeer, DialProblem, Proof } from './mutual-tls.ts';

/** The versions of starling.link.v1 that this code speaks. */
export const linkVersion = { max: 1, min: 1 } as const;

/** Who reads a hello. */
export interface Own {
  readonly id: PeerId;
  readonly mesh: string;
}

/** What the answer to a dial means. `yielded`: the other side has or opens another stream. */
export type Answer =
  | { readonly kind: 'answered' | 'yielded'; readonly hello: Hello }
  | { readonly kind: 'failed'; readonly reason: ContactFailure; readonly detail: string };

/**
 * Reads the first frame that a dial was answered with. `expected` is null when anybody may answer, `certified` when links
 * are not secured.
 */
export function readAnswer(
  frame: DecodedFrame,
  own: Own,
  expected: PeerId | null,
  certified: CertifiedPeer | null,
): Answer {
  if (frame.kind === 'malformed') return { kind: 'failed', reason: 'bad-hello', detail: frame.reason };
  const { hello, refusal } = frame;
  if (refusal !== null) {
    const { reason, detail } = refusal;
    if (reason !== 'duplicate') return { kind: 'failed', reason, detail };
  }
  if (hello === null) return { kind: 'failed', reason: 'bad-hello', detail: 'the answer is no hello' };
  const refused = objection(hello, own, certified);
  if (refused !== null) return { kind: 'failed', ...refused };
  if (expected !== null && hello.peer.id !== expected) {
    return { kind: 'failed', reason: 'wrong-peer', detail: `${hello.peer.id} answered instead of ${expected}` };
  }
  return { kind: refusal === null ? 'answered' : 'yielded', hello };
}

/** Reads the first frame of a dialler: its hello, or why it is refused. `proof` is what its connection has proved. */
export function readHello(
  frame: DecodedFrame,
  own: Own,
  proof: Proof,
): { readonly hello: Hello; readonly refusal: null } | { readonly hello: null; readonly refusal: Refusal } {
  if (!proof.ok) return { hello: null, refusal: { reason: proof.reason, detail: proof.detail } };
  if (frame.kind === 'malformed') return { hello: null, refusal: { reason: 'bad-hello', detail: frame.reason } };
  if (frame.hello === null) return { hello: null, refusal: { reason: 'bad-hello', detail: 'a hello comes first' } };
  const refusal = objection(frame.hello, own, proof.peer);
  return refusal === null ? { hello: frame.hello, refusal } : { hello: null, refusal };
}

function objection(
  hello: Hello,
  own: Own,
  certified: CertifiedPeer | null,
): { readonly reason: 'wrong-mesh' | 'wrong-version' | 'self' | 'not-certified'; readonly detail: string } | null {
  if (hello.mesh !== own.mesh) {
    return { reason: 'wrong-mesh', detail: `the mesh here is "${own.mesh}", not "${hello.mesh}"` };
  }
  if (hello.version < linkVersion.min || hello.versionMin > linkVersion.max) {
    const theirs = `${hello.versionMin} to ${hello.version}`;
    return { reason: 'wrong-version', detail: `speaks ${linkVersion.min} to ${linkVersion.max}, not ${theirs}` };
  }
  if (certified !== null && hello.peer.id !== certified.peerId) {
    const detail = `says it is ${hello.peer.id}, and its certificate is that of ${certified.peerId}`;
    return { reason: 'not-certified', detail };
  }
  if (hello.peer.id === own.id) return { reason: 'self', detail: 'both ends are the same peer' };
  return null;
}

/**
 * A stream that this peer opened and that is no link yet.
 *
 * `calling`: no answer yet. `answered`: the other side said hello, and its own dial, which may win, is awaited.
 * `yielded`: refused because the other side has or opens another stream, which is awaited. `over`: decided.
 */
export interface Dial {
  readonly address: string;
  /** Who is meant; null when whoever answers is. */
  readonly expected: PeerId | null;
  /** Of the hello that this dial said. */
  readonly number: number;
  readonly stream: DialledStream;
  readonly decoder: FrameDecoder;
  readonly succeed: (peer: PeerInfo) => void;
  readonly fail: (reason: ContactFailure, detail: string) => void;
  state: 'calling' | 'answered' | 'yielded' | 'over';
  /** Of the connection, and then of the answer. */
  timer: NodeJS.Timeout;
  /** What the other side said. */
  answer: Hello | null;
  /** What its certificate said; null before the handshake, and where links are not secured. */
  certified: CertifiedPeer | null;
  /** Why there was no connection, when that is known better than from gRPC. */
  problem: DialProblem | null;
}

/** A stream that another peer opened and has not confirmed yet. */
export interface Inbound {
  readonly stream: FrameStream & { readonly from: string };
  readonly decoder: FrameDecoder;
  /** What the dialler's connection has proved. */
  readonly proof: Proof;
  timer: NodeJS.Timeout;
  /** What the dialler said; null before it did. */
  hello: Hello | null;
  /** Of the hello that it was answered with. */
  number: number;
}

/**
 * Whether this peer, having been answered on a stream of its own, confirms that one although the other side has dialled
 * too. Both sides come to the same choice without another word. When each dialled before it answered the other, the dial
 * of the lower id wins; a dial begun after answering yields, because the other side may have confirmed already.
 */
export function winsOver(
  own: { readonly id: PeerId; readonly number: number },
  inbound: Inbound,
  other: PeerId,
): boolean {
  return own.number < inbound.number && own.id < other;
}

/** Whether a hello was said before the one that a link began with: the dial crossed it and is void. */
export function isStale(hello: Hello, link: { readonly session: bigint; readonly number: number }): boolean {
  return hello.session === link.session && hello.number < link.number;
}

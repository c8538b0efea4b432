import { admitAll } from '@starling/core-hyparview';
import type { Input, Millis, PeerInfo, ProtocolCore, Rng } from '@starling/kernel';
import {
  type Body,
  type BodyCodec,
  Mesh,
  type MeshCommand,
  type MeshConfig,
  type MeshEvent,
  type MeshMessage,
  type MeshOutbox,
} from '@starling/mesh';
import { isStandInRecord, StandInSigning, standInRecord } from './stand-in-signing.ts';

export type SimMessage = MeshMessage<Body>;

/** Bodies travel as they are; their size is that of their payload and a guess for the rest. */
const bodies: BodyCodec<Body> = {
  encode: (body) => body,
  decode: (body) => body,
  sizeOf: bodyBytes,
};

/** About as many bytes as a body takes when encoded. */
export function bodyBytes(body: Body): number {
  switch (body.kind) {
    case 'user':
      return 8 + body.topic.length + body.payload.length;
    case 'canary':
      return 13;
    case 'directory':
      return { announce: 150, accuse: 118, leave: 65 }[body.message.kind];
    case 'observe':
      return body.message.kind === 'report' ? 160 + 60 * body.message.report.links.length : 48;
    case 'summary':
      return 32 + body.delta.added.length + body.delta.removed.length;
  }
}

/** A driver is late when it comes so long after the deadline: that of the product's host. */
const lateMs = 200;

/**
 * The product's whole mesh as one simulated peer, driven as its host drives it: a core that is late is told so before
 * anything else.
 */
export class MeshNode implements ProtocolCore<SimMessage, MeshCommand, MeshEvent> {
  readonly mesh: Mesh<Body>;
  /** What the mesh wanted when it was last asked: what a host's timer is set to. */
  #deadline: Millis = Number.POSITIVE_INFINITY;
  readonly #isSigning: boolean;

  constructor(config: MeshConfig, self: PeerInfo, rng: Rng) {
    this.#isSigning = config.plumtree.signatures !== 'links';
    const primitives = this.#isSigning ? new StandInSigning(self.id) : undefined;
    this.mesh = new Mesh<Body>({
      ...{ config, self, rng, admission: admitAll, bodies, primitives },
      verifyRecord: isStandInRecord,
      signRecord: (record) => standInRecord(self.id, record),
    });
  }

  handle(now: Millis, input: Input<SimMessage, MeshCommand>, to: MeshOutbox<Body>): void {
    const out = this.#isSigning ? signedWhenSent(to) : to;
    const late = now - this.#deadline;
    if (late > lateMs) this.mesh.handle(now, { kind: 'command', command: { kind: 'selfLate', lateMs: late } }, out);
    this.mesh.handle(now, input, out);
  }

  nextDeadline(): Millis {
    this.#deadline = this.mesh.nextDeadline();
    return this.#deadline;
  }
}

/** A batch ends when the first message of it is written to a link. Here nothing is written: it ends when the message is sent. */
function signedWhenSent(out: MeshOutbox<Body>): MeshOutbox<Body> {
  return {
    open: (peer) => out.open(peer),
    close: (peer) => out.close(peer),
    emit: (event) => out.emit(event),
    send: (to, message) => {
      if (message.area === 'broadcast' && message.message.kind === 'gossip') void message.message.signature?.signature;
      out.send(to, message);
    },
  };
}

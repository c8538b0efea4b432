import { isEphemeral } from '@starling/core-plumtree';
import { readPeerCertificateDer } from '@starling/identity';
import type { PeerInfo } from '@starling/kernel';
import type { MeshMessage } from '@starling/mesh';
import { defaultGrpcTransportConfig, GrpcTransport, MutualTls } from '@starling/transport-grpc';
import { bodyCodec } from '@starling/wire';
import type { LocalMesh } from './local-mesh.ts';

/**
 * A member with a valid certificate that speaks the links' protocol and relays what clients publish, but as it likes. It
 * gives a place to whoever asks and tells nobody of anybody else, so that its neighbours meet through it alone.
 */
export class TreacherousRelay {
  /** Makes another payload of what it relays; null: passes it on as it came. */
  alter: ((payload: Uint8Array) => Uint8Array) | null = null;
  relayed = 0;
  readonly #transport: GrpcTransport;
  readonly #links = new Set<string>();

  private constructor(transport: GrpcTransport) {
    this.#transport = transport;
  }

  static async start(mesh: LocalMesh, port: number): Promise<TreacherousRelay> {
    const member = await mesh.newMember();
    const config = { ...defaultGrpcTransportConfig, mesh: member.mesh, host: '127.0.0.1', port };
    const transport = new GrpcTransport(config, new MutualTls(member.mesh, member.keys, readPeerCertificateDer));
    await transport.listen();
    const relay = new TreacherousRelay(transport);
    const address = `127.0.0.1:${port}`;
    const self: PeerInfo = { id: member.id, address, apiAddress: '', incarnation: Date.now(), zone: '', name: 'relay' };
    await transport.start(self, {
      linkUp: ({ id }) => {
        relay.#links.add(id);
        // It holds nothing: its neighbours need not wait for it.
        relay.#send(id, { area: 'broadcast', swarm: 0, message: { kind: 'digest', streams: [], last: true } });
      },
      message: (from, message) => relay.#onMessage(from, message),
      batch: (deliver) => deliver(),
      linkDown: (id) => relay.#links.delete(id),
    });
    return relay;
  }

  stop(): Promise<void> {
    return this.#transport.stop();
  }

  #onMessage(from: string, message: MeshMessage<Uint8Array>): void {
    switch (message.area) {
      case 'membership':
        if (message.message.kind !== 'join' && message.message.kind !== 'neighbor') return;
        this.#send(from, {
          area: 'membership',
          swarm: 0,
          message: { kind: 'neighborReply', accepted: true, dropped: null },
        });
        return;
      case 'liveness':
        if (message.message.kind !== 'ping') return;
        this.#send(from, { area: 'liveness', message: { kind: 'ack', nonce: message.message.nonce } });
        return;
      case 'broadcast':
        this.#relay(from, message);
        return;
      default:
    }
  }

  /** What clients publish only: by what peers say of themselves its neighbours would find each other. */
  #relay(from: string, { message, swarm }: Extract<MeshMessage<Uint8Array>, { readonly area: 'broadcast' }>): void {
    if (message.kind !== 'gossip' || isEphemeral(message.stream)) return;
    const body = bodyCodec.decode(message.body);
    if (body?.kind !== 'user') return;
    const altered = this.alter && bodyCodec.encode({ ...body, payload: this.alter(body.payload) });
    this.relayed++;
    const relayed = { ...message, round: message.round + 1, wantHeld: false, body: altered ?? message.body };
    for (const id of this.#links) if (id !== from) this.#send(id, { area: 'broadcast', swarm, message: relayed });
  }

  #send(to: string, message: MeshMessage<Uint8Array>): void {
    this.#transport.send(to, message);
  }
}

import { unreachable } from '@starling/kernel';
import type { SimPeer } from '../engine/peer.ts';
import type { World } from '../engine/world.ts';
import type { Fault } from './fault.ts';

/** What the injector needs besides the world. */
export interface InjectorPort<M, C, E> {
  /** Asks a peer to leave for good; it stops a moment later. */
  leave(peer: SimPeer<M, C, E>): void;
  setDiscovery(isAvailable: boolean): void;
}

/** From a proper leave to the end of the process: time to say goodbye. */
const leaveMs = 500;

/** Puts a plan of faults into a world's future. */
export class Injector<M, C, E> {
  readonly #world: World<M, C, E>;
  readonly #port: InjectorPort<M, C, E>;

  constructor(world: World<M, C, E>, port: InjectorPort<M, C, E>) {
    this.#world = world;
    this.#port = port;
  }

  schedule(faults: readonly Fault[]): void {
    for (const fault of faults) this.#world.at(fault.atMs, () => this.#begin(fault));
  }

  #begin(fault: Fault): void {
    const world = this.#world;
    const { now } = world;
    switch (fault.kind) {
      case 'crash':
        for (const peer of this.#hit(fault.peers)) world.crash(peer);
        break;
      case 'hostLoss':
        for (const peer of this.#hit(fault.peers)) world.crash(peer, true);
        break;
      case 'restart':
        for (const peer of this.#hit(fault.peers)) {
          world.crash(peer);
          world.at(now + fault.forMs, () => (fault.identity === 'same' ? world.restart(peer) : world.start(peer.zone)));
        }
        break;
      case 'rollingRestart':
        for (const [turn, peer] of this.#hit(fault.peers).entries()) {
          world.at(now + turn * fault.everyMs, () => this.#port.leave(peer));
          world.at(now + turn * fault.everyMs + leaveMs, () => world.crash(peer));
          world.at(now + turn * fault.everyMs + leaveMs + fault.forMs, () => world.restart(peer));
        }
        break;
      case 'joinStorm':
        for (let i = 0; i < fault.count; i++) world.start();
        break;
      case 'churn':
        for (const [turn, peer] of this.#hit(fault.peers).entries()) {
          world.at(now + turn * fault.everyMs, () => {
            world.crash(peer);
            world.start(peer.zone);
          });
        }
        break;
      case 'pause':
        for (const peer of this.#hit(fault.peers)) world.pause(peer, fault.forMs);
        break;
      case 'slow':
        for (const peer of this.#hit(fault.peers)) {
          world.slow(peer, fault.serviceMs);
          world.at(now + fault.forMs, () => world.slow(peer, 0));
        }
        break;
      case 'partition':
        this.#cut(fault.peers, fault.oneWay ? 'out' : 'both', fault.forMs);
        break;
      case 'flipFlop':
        for (let from = 0; from < fault.forMs; from += fault.onMs + fault.offMs) {
          const forMs = Math.min(fault.onMs, fault.forMs - from);
          world.at(now + from, () => this.#cut(fault.peers, fault.oneWay ? 'in' : 'both', forMs));
        }
        break;
      case 'loss':
        world.setLoss(fault.probability, fault.resetProbability);
        world.at(now + fault.forMs, () => world.setLoss(world.network.lossProbability, world.network.resetProbability));
        break;
      case 'linkReset':
        for (const peer of this.#hit(fault.peers)) for (const link of [...peer.links.values()]) world.breakLink(link);
        break;
      case 'bootstrapLoss':
        this.#port.setDiscovery(false);
        world.at(now + fault.forMs, () => this.#port.setDiscovery(true));
        break;
      case 'clockSkew':
        for (const peer of this.#hit(fault.peers)) world.skew(peer, fault.skewMs);
        break;
      case 'garble':
        world.setGarble(fault.probability);
        world.at(now + fault.forMs, () => world.setGarble(0));
        break;
      default:
        unreachable(fault);
    }
  }

  #hit(indices: readonly number[]): SimPeer<M, C, E>[] {
    return indices.map((index) => this.#world.peers[index]).filter((peer) => peer?.isUp) as SimPeer<M, C, E>[];
  }

  #cut(indices: readonly number[], way: 'in' | 'out' | 'both', forMs: number): void {
    const inside = new Set(indices);
    const outside = this.#world.peers.map(({ index }) => index).filter((index) => !inside.has(index));
    const cut =
      way === 'in'
        ? { from: outside, to: indices, bothWays: false }
        : { from: indices, to: outside, bothWays: way === 'both' };
    this.#world.cut(cut);
    this.#world.at(this.#world.now + forMs, () => this.#world.heal(cut));
  }
}

import {
  Authority,
  createIdentity,
  createRequest,
  type Identity,
  NamePolicy,
  namesOf,
  readPeerCertificateDer,
} from '@starling/identity';
import { testPeer } from '@starling/testing';
import { type LinkKeys, MutualTls, type ReadCertificate } from '../mutual-tls.ts';

/** Ids of test peers are made from their names, and ids in certificates from keys: this is who is who. */
const names = new Map<string, string>();
const identities = new Map<string, Identity>();

const readAsTestPeer: ReadCertificate = (der) => {
  const reading = readPeerCertificateDer(der);
  if (!reading.ok) return reading;
  const name = names.get(reading.peer.peerId);
  if (name === undefined) return { ok: false, problem: 'is of nobody in this test' };
  return { ok: true, peer: { ...reading.peer, peerId: testPeer(name, '').id } };
};

function identityOf(name: string): Identity {
  const known = identities.get(name);
  if (known !== undefined) return known;
  const made = createIdentity();
  identities.set(name, made);
  names.set(made.id, name);
  return made;
}

/** A real authority whose certificates stand for test peers. */
export class TestAuthority {
  readonly #authority: Authority;

  private constructor(authority: Authority) {
    this.#authority = authority;
  }

  static async create(mesh = 'default'): Promise<TestAuthority> {
    return new TestAuthority(await Authority.create(mesh));
  }

  get bundle(): string {
    return this.#authority.bundle;
  }

  /** Keys of a peer; `at` is when they were issued, ms since 1970. */
  async keys(name: string, lifetimeMs = 60_000, at = Date.now()): Promise<LinkKeys> {
    const identity = identityOf(name);
    const request = await createRequest(identity, namesOf([]));
    const issued = await this.#authority.issue(request, { names: new NamePolicy([]), lifetimeMs }, at);
    if (!issued.ok) throw new Error(issued.problem);
    return {
      key: identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificate: issued.certificate,
      authorities: this.bundle,
    };
  }

  async mutualTls(name: string, lifetimeMs?: number, at?: number): Promise<MutualTls> {
    return testTls(await this.keys(name, lifetimeMs, at), this.#authority.mesh);
  }
}

/** Mutual TLS that reads certificates as those of test peers. */
export function testTls(keys: LinkKeys, mesh = 'default'): MutualTls {
  return new MutualTls(mesh, keys, readAsTestPeer);
}

import { ServerCredentials } from '@grpc/grpc-js';
import type { TlsMaterial } from '@starling/identity';

/** The API's TLS: the peer's own leaf, no certificate of the client. Handshakes use the newest material that was given. */
export class ApiCredentials extends ServerCredentials {
  constructor(material: TlsMaterial) {
    super({ minVersion: 'TLSv1.2' }, contextOf(material));
  }

  renew(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ key, certificate }: TlsMaterial): { key: string; cert: string; minVersion: 'TLSv1.2' } {
  // Clients older than TLS 1.3 are out there; 1.2 with Node's ciphers has forward secrecy.
  return { key, cert: certificate, minVersion: 'TLSv1.2' };
}

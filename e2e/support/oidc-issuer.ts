import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

/** A key with which an issuer signs, as a private JWK. */
export function signingKey(kid: string): object {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' };
}

/** Programs that have an account with the issuer, and the roles that it says they have. */
const accounts: Readonly<Record<string, readonly string[]>> = {
  'a-dashboard': ['mesh-readers'],
  'a-program': ['mesh-writers', 'unrelated'],
  'an-operator': ['mesh-admins'],
  'a-stranger': ['unrelated'],
};

/** What tokens can be asked for: the audience that they then name, and how many seconds they are good for. */
const resources: Readonly<Record<string, { readonly audience: string; readonly seconds: number }>> = {
  'urn:starling': { audience: 'starling', seconds: 600 },
  'urn:starling:short': { audience: 'starling', seconds: 2 },
  'urn:payroll': { audience: 'payroll', seconds: 600 },
};

export interface IssuerOptions {
  /** What it says that it is; empty: its own address. */
  readonly issuer?: string;
  readonly keys: readonly object[];
  /** 0: any free one. */
  readonly port?: number;
}

/**
 * An OpenID Provider of other people's making (oidc-provider, certified by the OpenID Foundation) on the loopback. Programs
 * get JWT access tokens (RFC 9068) by their own credentials (RFC 6749 §4.4); the roles stand where Keycloak puts them.
 */
export class OidcIssuer {
  readonly #server: Server;
  readonly address: string;
  readonly issuer: string;

  private constructor(server: Server, { issuer = '', keys }: IssuerOptions) {
    this.#server = server;
    this.address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.issuer = issuer === '' ? this.address : issuer;
    const provider = new Provider(this.issuer, {
      clients: Object.keys(accounts).map((id) => ({
        client_id: id,
        client_secret: secretOf(id),
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: 'ES256',
        redirect_uris: [],
        response_types: [],
      })),
      jwks: { keys },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_context, resource) => {
            const { audience, seconds } = resources[resource] as { audience: string; seconds: number };
            const sign = { alg: 'ES256' };
            return { scope: '', audience, accessTokenFormat: 'jwt', accessTokenTTL: seconds, jwt: { sign } };
          },
        },
      },
      ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 600 },
      extraTokenClaims: (_context, { clientId }) => ({ realm_access: { roles: accounts[clientId] } }),
    });
    server.on('request', provider.callback());
  }

  static async start(options: IssuerOptions): Promise<OidcIssuer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return new OidcIssuer(server, options);
  }

  get port(): number {
    return Number(new URL(this.address).port);
  }

  /** Where it says that its keys are: OpenID Connect Discovery §4. */
  async keysUrl(): Promise<string> {
    const answer = await fetch(`${this.address}/.well-known/openid-configuration`);
    return ((await answer.json()) as { jwks_uri: string }).jwks_uri;
  }

  /** An access token, as a program gets one. */
  async token(account: string, resource = 'urn:starling'): Promise<string> {
    const answer = await fetch(`${this.address}/token`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${account}:${secretOf(account)}`).toString('base64')}`,
        // A connection that is kept would be one to the issuer that was there before.
        connection: 'close',
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
    });
    const { access_token, ...problem } = (await answer.json()) as { access_token?: string };
    if (access_token === undefined) throw new Error(`no token: ${JSON.stringify(problem)}`);
    return access_token;
  }

  /** Is gone: nobody listens at its port any more. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

const secretOf = (account: string): string => `secret-of-${account}`;

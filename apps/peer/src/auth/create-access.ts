import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { exitCodes, StartError } from '../start-error.ts';
import { Access } from './access.ts';
import { Authenticator } from './authenticator.ts';
import { JwtVerifier } from './jwt-verifier.ts';
import { KeySet, keysFromUrl, type LoadKeys } from './key-set.ts';
import { RateLimiter, rateBurst } from './rate-limiter.ts';
import type { Role } from './roles.ts';
import { TokenFile, TokenFileError } from './token-file.ts';

export type AccessConfig = Pick<
  Config,
  | 'insecure'
  | 'tokensFile'
  | 'jwtIssuer'
  | 'jwtAudience'
  | 'jwtJwksUrl'
  | 'jwtJwksFile'
  | 'jwtRolesClaim'
  | 'jwtRoles'
  | 'streamsPerCallerMax'
  | 'requestMaxMs'
  | 'metadataCharsMax'
  | 'publishRateMax'
  | 'readRateMax'
  | 'searchRateMax'
  | 'lookupRateMax'
  | 'adminRateMax'
>;

/** What decides about calls of the API, and the way to stop it. */
export interface AccessControl {
  readonly access: Access;
  stop(): void;
}

/** Makes access control as configured, and says in the log what that means. Throws a StartError. */
export function createAccess(config: AccessConfig, log: Logger): AccessControl {
  const tokens = config.tokensFile === '' ? null : readTokens(config.tokensFile, log);
  const jwt = config.jwtIssuer === '' ? null : jwtVerifier(config, log);
  const isOpen = config.insecure && tokens === null && jwt === null;
  if (isOpen) log.warn('insecure: whoever reaches the API may do everything');
  else if (tokens === null && jwt === null) {
    log.warn('no token counts, so no call of the API is answered: set STARLING_TOKENS_FILE or STARLING_JWT_ISSUER');
  }
  const access = new Access({
    authenticator: isOpen ? null : new Authenticator({ tokens, jwt }),
    rates: new RateLimiter({
      perSecond: {
        publish: config.publishRateMax,
        read: config.readRateMax,
        search: config.searchRateMax,
        lookup: config.lookupRateMax,
        admin: config.adminRateMax,
      },
      ...rateBurst,
    }),
    limits: config,
    log,
  });
  tokens?.watch();
  return {
    access,
    stop: () => {
      tokens?.stop();
      access.stop();
    },
  };
}

function jwtVerifier(config: AccessConfig, log: Logger): JwtVerifier {
  const load: LoadKeys =
    config.jwtJwksUrl === ''
      ? (signal) => readFile(config.jwtJwksFile, { encoding: 'utf8', signal })
      : keysFromUrl(config.jwtJwksUrl);
  const keys = new KeySet(load, (error) =>
    log.error({ err: error, issuer: config.jwtIssuer }, 'the keys of the issuer cannot be had'),
  );
  const roles = new Map(
    config.jwtRoles.map((pair) => {
      const at = pair.lastIndexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1) as Role];
    }),
  );
  const { jwtIssuer: issuer, jwtAudience: audience, jwtRolesClaim: rolesClaim } = config;
  return new JwtVerifier({ issuer, audience, rolesClaim, roles }, keys.key);
}

function readTokens(path: string, log: Logger): TokenFile {
  try {
    const file = new TokenFile(path, {
      reloaded: (tokens) => log.info({ file: path, tokens }, 'the tokens were read again'),
      failed: (problems) =>
        log.error(
          { file: path, problems: problems.slice(0, 5) },
          'the tokens cannot be read again; the old ones count',
        ),
    });
    log.info({ file: path, tokens: file.size }, 'the tokens were read');
    return file;
  } catch (error) {
    if (error instanceof TokenFileError) {
      throw new StartError(`STARLING_TOKENS_FILE=${error.message}`, exitCodes.usage, error);
    }
    throw error;
  }
}

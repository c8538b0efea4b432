import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { exitCodes, StartError } from '../start-error.ts';
import { Access } from './access.ts';
import { Authenticator } from './authenticator.ts';
import { RateLimiter, rateBurst } from './rate-limiter.ts';
import { TokenFile, TokenFileError } from './token-file.ts';

export type AccessConfig = Pick<
  Config,
  | 'insecure'
  | 'tokensFile'
  | 'streamsPerCallerMax'
  | 'requestMaxMs'
  | 'metadataCharsMax'
  | 'publishRateMax'
  | 'readRateMax'
  | 'searchRateMax'
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
  const isOpen = config.insecure && tokens === null;
  if (isOpen) log.warn('insecure: whoever reaches the API may do everything');
  else if (tokens === null) {
    log.warn('no token counts, so no call of the API is answered: set STARLING_TOKENS_FILE, or STARLING_INSECURE=true');
  }
  const access = new Access({
    authenticator: isOpen ? null : new Authenticator({ tokens }),
    rates: new RateLimiter({
      perSecond: {
        publish: config.publishRateMax,
        read: config.readRateMax,
        search: config.searchRateMax,
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

import type { Logger } from 'pino';
import type { Config } from '../config/schema.ts';
import { exitCodes, StartError } from '../start-error.ts';
import { Access } from './access.ts';
import { Authenticator } from './authenticator.ts';
import { TokenFile, TokenFileError } from './token-file.ts';

export type AccessConfig = Pick<Config, 'insecure' | 'tokensFile'>;

/** What decides about calls of the API, and the way to stop it. */
export interface AccessControl {
  readonly access: Access;
  stop(): void;
}

/** Makes access control as configured, and says in the log what that means. Throws a StartError. */
export function createAccess(config: AccessConfig, log: Logger): AccessControl {
  if (config.tokensFile === '') {
    if (config.insecure) {
      log.warn('insecure: whoever reaches the API may do everything');
      return { access: new Access(null, log), stop: () => {} };
    }
    log.warn('no token counts, so no call of the API is answered: set STARLING_TOKENS_FILE, or STARLING_INSECURE=true');
  }
  const tokens = config.tokensFile === '' ? null : readTokens(config.tokensFile, log);
  const access = new Access(new Authenticator({ tokens }), log);
  tokens?.watch();
  access.start();
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

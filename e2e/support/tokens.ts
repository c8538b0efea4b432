import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli } from './cli.ts';

/** Tokens of every role in a folder of their own, as `starling up` leaves them, made by `starling token new`. */
export class TokenFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'starling-tokens-'));
  /** For STARLING_TOKENS_FILE. */
  readonly file = join(this.path, 'tokens');

  static async create(): Promise<TokenFolder> {
    const folder = new TokenFolder();
    const lines: string[] = [];
    for (const role of ['viewer', 'responder', 'client', 'operator']) {
      const { code, stdout, stderr } = await cli([
        'token',
        'new',
        '--role',
        role,
        '--name',
        `e2e-${role}`,
        '-o',
        'json',
      ]);
      if (code !== 0) throw new Error(stderr);
      const { token, line } = JSON.parse(stdout) as { token: string; line: string };
      writeFileSync(join(folder.path, `${role}.token`), `${token}\n`, { mode: 0o600 });
      lines.push(line);
    }
    writeFileSync(folder.file, `${lines.join('\n')}\n`, { mode: 0o600 });
    return folder;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

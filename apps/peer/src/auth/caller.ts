import type { Role } from './roles.ts';

/** Who calls, as a token says. */
export interface Caller {
  /** For logs and for counting: the token's name or the JWT's subject; never the token. */
  readonly name: string;
  readonly role: Role;
  /** False once the token has expired or was taken back. `now` in ms since 1970. */
  isValid(now: number): boolean;
}

/** The flags of `starling up` and `npm start`. */
export interface UpOptionsResult {
  readonly peers: number;
  readonly basePort: number;
  readonly dashboard: boolean;
  readonly dashboardPort: number;
  readonly data: string;
  readonly insecure: boolean;
  readonly signed: boolean;
  readonly help: boolean;
  /** A sentence for a person: the flags are wrong. */
  readonly problem?: string;
}
export const upUsage: string;
export function parseUpOptions(args: readonly string[]): UpOptionsResult;

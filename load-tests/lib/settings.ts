/** What a run can be told by environment variables; the table in ../README.md explains each. */

/** Addresses of peers. A virtual user publishes at one and listens at the next, so a message always crosses the mesh. */
export const addresses: readonly string[] = text('STARLING_ADDRESSES', '127.0.0.1:7401,127.0.0.1:7411')
  .split(',')
  .map((address) => address.trim())
  .filter((address) => address !== '');

/** What the peers know this run by; empty: they ask for no token. */
export const token: string = text('STARLING_TOKEN', '');

/** File with who is trusted to say who is a peer; empty: nothing is encrypted. */
export const authorityFile: string = text('STARLING_CA_FILE', '');

/** A setting that is text. */
export function text(name: string, otherwise: string): string {
  const value = __ENV[name];
  return value === undefined || value === '' ? otherwise : value;
}

/** A setting that is a number above 0. Throws, which stops the run, when it is none. */
export function positive(name: string, otherwise: number): number {
  const value = Number(text(name, String(otherwise)));
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} must be a number above 0`);
  return value;
}

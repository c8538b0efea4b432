import type { StarlingClient } from '@starling/client';
import { isPeerId } from '@starling/identity';
import type { Peer } from '@starling/wire';
import { CliError, exitCode } from '../exit-codes.ts';

/** The id that a person means: an id, the beginning of one, or a name, of a peer that the mesh knows. Throws a CliError. */
export async function findPeer(client: StarlingClient, words: string, others: readonly string[] = []): Promise<string> {
  // Of a peer that is gone: its key may come back.
  if (isPeerId(words)) return words;
  return idOf(words, await Array.fromAsync(client.listPeers()), others);
}

/** The same, of these peers; of a whole id nothing is asked. */
export function idOf(words: string, known: readonly Peer[], others: readonly string[] = []): string {
  if (isPeerId(words)) return words;
  const named = known.filter(({ name }) => name === words);
  if (named.length === 1) return (named[0] as Peer).id;
  if (named.length > 1) {
    const ids = named.map(({ id }) => id.slice(0, 10)).join(', ');
    throw new CliError(`${named.length} peers are named ${words}: say which by its id (${ids})`, exitCode.usage);
  }
  const begun = new Set(
    [...known.map(({ id }) => id), ...others].filter((id) => words.length >= 6 && id.startsWith(words)),
  );
  const [first] = begun;
  if (begun.size === 1 && first !== undefined) return first;
  throw new CliError(
    begun.size > 1
      ? `${begun.size} peers have ids that begin with ${words}`
      : `no peer is named ${words} or has an id that begins with it (6 letters at least)${hintOf(others)}`,
    exitCode.usage,
  );
}

function hintOf(banned: readonly string[]): string {
  return banned.length === 0 ? '' : ': one that is banned and gone has no name any more, starling bans tells its id';
}

import { create } from '@bufbuild/protobuf';
import { ListBansRequestSchema } from '@starling/wire';
import type { BanList } from '../../../features/bans/ban-list.ts';
import { askEach } from '../../../server/ask-each.ts';
import { BanCollector } from '../../../server/ban-collector.ts';
import { mesh } from '../../../server/mesh.ts';
import { api } from '../../../server/mesh-client.ts';
import { answerOf, othersThan } from '../../../server/on-behalf.ts';
import { readSettings } from '../../../server/settings.ts';
import { ownMetadata } from '../../../server/tokens.ts';

export const dynamic = 'force-dynamic';

/** For each peer that is asked. */
const listMs = 3_000;

/** One round for all who ask while it is under way: what watching costs does not grow with who watches. */
let running: Promise<BanList> | null = null;

/** Who is banned, where, by whom, until when: every peer that is known is asked, with this server's own token. Answers a `BanList`. */
export async function GET(): Promise<Response> {
  const peers = othersThan('');
  if (peers instanceof Response) return peers;
  running ??= listAll(peers).finally(() => {
    running = null;
  });
  const list = running;
  return await answerOf(() => list);
}

async function listAll(peers: ReadonlyMap<string, string>): Promise<BanList> {
  const startedAt = Date.now();
  const { client } = mesh();
  const metadata = await ownMetadata(readSettings(process.env).tokenFile);
  const collector = new BanCollector();
  const { done, asked, left, failed } = await askEach(peers, async (address, peer) => {
    const wish = create(ListBansRequestSchema);
    collector.add(peer, await client.unary(address, api.admin.listBans, wish, metadata, listMs));
  });
  const { keyless } = collector;
  const at = Date.now();
  return { ...collector.result(), asked, answered: done, left, failed, keyless, at, tookMs: at - startedAt };
}

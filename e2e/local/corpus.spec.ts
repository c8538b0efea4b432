import { connect, type StarlingClient } from '@starling/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SqliteIndex } from '../../apps/peer/src/search/sqlite-index.ts';
import { centralIndex, checkCorpus, questionsFrom } from '../support/corpus-check.ts';
import { LocalMesh } from '../support/local-mesh.ts';
import { wordnet } from '../support/wordnet.ts';

const peers = 16;
/** Of the 117,791 glosses; the figures hold for any share of them. */
const documents = wordnet().filter((_, i) => i % 12 === 0);

let mesh: LocalMesh;
let central: SqliteIndex;
let questions: string[];
const clients: StarlingClient[] = [];

beforeAll(async () => {
  mesh = await LocalMesh.start(peers, { STARLING_INSECURE: 'true' }, 120_000);
  central = centralIndex(documents);
  questions = questionsFrom(documents, central, 60, 1);
  for (const { api } of mesh.peers) {
    clients.push(await connect({ addresses: [api], tls: 'off', learnAddresses: false }));
  }
  const shares = clients.map((_, at) => documents.filter((_, i) => i % peers === at));
  await Promise.all(
    clients.map(async (client, at) => {
      for await (const _ of client.putDocumentsStream(shares[at]?.map((d) => ({ ...d, version: 1 })) ?? [])) void _;
    }),
  );
}, 300_000);

afterAll(() => {
  for (const client of clients) client.close();
  central?.close();
  mesh?.stop();
});

describe('WordNet, spread over 16 processes, against one index that holds all of it', { timeout: 300_000 }, () => {
  it('asking everybody finds everything, and ranks as the one index does', async () => {
    const first = await checkCorpus(clients[3] as StarlingClient, central, questions, 'exhaustive');
    console.log('exhaustive, nothing known of the words before', first);
    expect(first).toMatchObject({ recall: 1, questions: 60, complete: 60 });
    // Each hop cut to ten by what its peers could tell; the order is then exact.
    expect(first.ndcg).toBeGreaterThan(0.98);
    const again = await checkCorpus(clients[3] as StarlingClient, central, questions, 'exhaustive');
    console.log('exhaustive, with the statistics learnt', again);
    expect(again.recall).toBe(1);
    expect(again.ndcg).toBeGreaterThan(0.999);
  });

  it('the scores are those of the one index', async () => {
    const { hits } = central.search({ text: 'small bird', limit: 3, statistics: null });
    for await (const event of (clients[7] as StarlingClient).query('small bird', {
      limit: 3,
      strategy: 'exhaustive',
    })) {
      if (event.kind !== 'summary') continue;
      expect(event).toMatchObject({ rankingExact: true, documentsSearched: documents.length });
      for (const [i, { score }] of event.ranking.entries()) expect(score).toBeCloseTo(hits[i]?.score ?? Number.NaN, 9);
      expect(event.ranking).toHaveLength(hits.length);
    }
  });

  it('AUTO finds everything, in its order', async () => {
    const auto = await checkCorpus(clients[3] as StarlingClient, central, questions, 'auto');
    console.log('AUTO', auto);
    // In a mesh as small as this it asks everybody, and the words were asked for before.
    expect(auto).toMatchObject({ questions: 60, straight: 0 });
    expect(auto.recall).toBeGreaterThanOrEqual(0.99);
    expect(auto.ndcg).toBeGreaterThanOrEqual(0.99);
  });

  it('straight to the holders, which is what AUTO does in larger meshes, nearly everything is found too', async () => {
    // Words that nobody has asked for at this peer: what others have told it must do.
    const peer = clients[11] as StarlingClient;
    const fresh = questionsFrom(documents, central, 60, 2);
    const straight = await checkCorpus(peer, central, fresh, 'summary');
    console.log('SUMMARY', straight);
    // Of what few peers have: the others go along the tree, which is cheaper then.
    expect(straight.straight).toBeGreaterThanOrEqual(10);
    expect(straight.recall).toBeGreaterThanOrEqual(0.99);
    expect(straight.ndcg).toBeGreaterThanOrEqual(0.95);
  });

  it('a peer that is gone is missed', async () => {
    mesh.kill([mesh.peers[9] as (typeof mesh.peers)[number]]);
    const all = await checkCorpus(clients[3] as StarlingClient, central, questions.slice(0, 20), 'exhaustive');
    expect(all.recall).toBeLessThan(1);
  });
});

import { WiredNetwork } from './wired-network.ts';

/** What libs/digest makes of the word `x`. */
const hashOfX = 1_090_054_256;

/** Four peers at work: they publish, search, look up and are watched. */
export function atWork(
  seed: number,
  recorded: Buffer[] | null = null,
  liar: WiredNetwork['liar'] = null,
): WiredNetwork {
  const network = new WiredNetwork(seed);
  network.recorded = recorded;
  network.liar = liar;
  for (let i = 0; i < 4; i++) network.add(`p${i}`, i === 0 ? undefined : `p${i - 1}`);
  network.run(5_000);
  network.command('p1', { kind: 'watchTopology', active: true });
  const fingerprints = Uint32Array.of(hashOfX);
  for (const id of network.living) network.command(id, { kind: 'indexTerms', fingerprints, documents: 1, words: 3 });
  network.run(8_000);
  for (const id of ['p0', 'p1', 'p2', 'p3']) {
    network.command(id, {
      kind: 'publish',
      requestId: 1,
      topic: 'news',
      payload: Uint8Array.of(1, 2, 3),
      headers: { a: 'b' },
      wantHeld: true,
    });
    for (const [at, strategy] of (['exhaustive', 'walk', 'ring', 'guided', 'summary'] as const).entries()) {
      const words = [['x']];
      const query = { queryId: `${id}/${at}`, text: 'x', words, limit: 5, timeoutMs: 1_000, strategy, trace: true };
      network.command(id, { kind: 'query', ...query });
    }
    const text = 'zone, count(*), sum(links), p99(rtt) group by zone';
    network.command(id, { kind: 'queryPeers', queryId: `${id}/peers`, text, timeoutMs: 1_000, messagesMax: 0 });
    network.putRecord(id, `${id}/put`);
    network.getRecord(id, `${id}/get`);
  }
  network.run(12_000);
  return network;
}

import { describe, expect, it } from 'vitest';
import { TestNetwork } from './network.test-support.ts';

/** A story to read: one line per arrival and decision, after a paragraph on what it shows. `vitest -u` writes it anew. */
async function expectStory(name: string, about: string, network: TestNetwork): Promise<void> {
  const text = `${about}\n\n${network.trace.join('\n')}\n`;
  await expect(text).toMatchFileSnapshot(`./${name}.trace`);
}

describe('golden traces', () => {
  it('a tree forms by pruning', async () => {
    const network = new TestNetwork(1);
    for (const id of ['a', 'b', 'c', 'd']) network.add(id);
    network.link('a', 'b', 10);
    network.link('a', 'c', 20);
    network.link('b', 'd', 10);
    network.link('c', 'd', 20);
    network.run(100);
    network.publish('a', 'first');
    network.run(400);
    network.publish('a', 'second');
    network.run(400);
    await expectStory(
      'tree-by-prune',
      'Four peers in a square: a-b 10 ms, b-d 10 ms, a-c 20 ms, c-d 20 ms. The first broadcast floods. c and d hear it from\n' +
        'each other for a second time, each prunes that link, and what is left is a tree. The second broadcast costs three\n' +
        'payloads; the pruned link carries announcements.',
      network,
    );
  });

  it('a graft after a lost push', async () => {
    const network = new TestNetwork(1);
    for (const id of ['a', 'b', 'c']) network.add(id);
    network.link('a', 'b', 10);
    network.link('a', 'c', 20);
    network.link('b', 'c', 20);
    network.run(100);
    network.publish('a', 'first');
    network.run(400);
    network.drop = (from, to, message) => from === 'a' && to === 'c' && message.kind === 'gossip';
    network.publish('a', 'second');
    network.run(1_000);
    network.drop = () => false;
    network.publish('a', 'third');
    network.run(400);
    await expectStory(
      'graft-after-loss',
      'Three peers in a triangle, of which b-c is pruned. The push of the second message from a to c is lost. b announces\n' +
        'it; c waits for the tree, then grafts b, and the message comes. The third message finds a circle, which is pruned.',
      network,
    );
  });

  it('digests repair a long partition', async () => {
    const network = new TestNetwork(1);
    for (const id of ['a', 'b', 'c', 'd']) network.add(id);
    network.link('a', 'b', 10);
    network.link('b', 'c', 10);
    network.link('c', 'd', 10);
    network.run(100);
    network.publish('a', 'before');
    network.run(60_000);
    network.cut('b', 'c');
    network.publish('a', 'left 1');
    network.publish('a', 'left 2');
    network.publish('d', 'right');
    network.run(120_000);
    network.link('b', 'c', 10);
    network.run(2_000);
    await expectStory(
      'digest-after-partition',
      'Four peers in a row, a-b-c-d. The link b-c is cut for two minutes, far longer than every graft timer, while both sides\n' +
        'publish. When it is back, b and c tell each other what they hold, pull what they lack, and tell on what they pulled:\n' +
        'a and d, whose links never broke, pull it from them.',
      network,
    );
  });
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { peerMemory } from './peer-memory.ts';

test('a peer on a laptop has the memory settings of the image', () => {
  const image = readFileSync(new URL('../../../../deploy/peer.Dockerfile', import.meta.url), 'utf8');
  const environment = [...image.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  for (const [name, value] of Object.entries(peerMemory)) expect(environment).toContain(`${name}=${value}`);
});

import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

describe('the settings', () => {
  it('name the eight local peers when nothing is said', () => {
    const { peers, hosts } = readSettings({});
    expect([peers.length, peers[0], peers[7], hosts]).toEqual([8, '127.0.0.1:7401', '127.0.0.1:7471', []]);
  });

  it('split lists and forgive spaces and repetitions', () => {
    const settings = readSettings({ STARLING_PEERS: ' a:1, b:2,,a:1', STARLING_DASHBOARD_HOSTS: 'Mesh.Example.com ' });
    expect(settings).toMatchObject({
      peers: ['a:1', 'b:2'],
      hosts: ['mesh.example.com'],
      tokenFile: '',
      tokenHint: '',
      caFile: '',
    });
  });
});

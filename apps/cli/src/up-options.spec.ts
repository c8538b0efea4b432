import { describe, expect, it } from 'vitest';
import { parseUpOptions, upUsage } from './up-options.mjs';

const defaults = {
  peers: 8,
  basePort: 7400,
  dashboard: true,
  dashboardPort: 3000,
  data: '.starling',
  insecure: false,
  signed: false,
  help: false,
};

describe('the flags of npm start', () => {
  it.each([
    [[], {}],
    [['--peers', '1'], { peers: 1 }],
    [['--peers=200', '--base-port', '20000'], { peers: 200, basePort: 20_000 }],
    [['--no-dashboard'], { dashboard: false }],
    [['--dashboard-port', '8080', '--data', '/tmp/mesh'], { dashboardPort: 8080, data: '/tmp/mesh' }],
    [['-h'], { help: true }],
    // Between two peers' ports, or on one but not opened: no clash.
    [['--dashboard-port', '7405'], { dashboardPort: 7405 }],
    [['--dashboard-port', '7401', '--no-dashboard'], { dashboardPort: 7401, dashboard: false }],
    // The last peer's HTTP port is the last port there is.
    [['--base-port', '65000', '--peers', '54'], { basePort: 65_000, peers: 54 }],
  ])('%j', (args, expected) => {
    expect(parseUpOptions(args)).toEqual({ ...defaults, ...expected });
  });

  it.each([
    [['--peers', '0'], '--peers 0: use a whole number from 1 to 200'],
    [['--peers', '201'], '--peers 201: use a whole number from 1 to 200'],
    [['--peers', 'many'], '--peers many: use a whole number from 1 to 200'],
    [['--base-port', '80'], '--base-port 80: use a whole number from 1024 to 65000'],
    [['--dashboard-port', '65536'], '--dashboard-port 65536: use a whole number from 1 to 65535'],
    [['--base-port', '65000', '--peers', '55'], '--base-port 65000 leaves no room for 55 peers below port 65536'],
    [['--dashboard-port', '7412'], "--dashboard-port 7412 is also a peer's port: choose another"],
    [['--pears', '3'], "Unknown option '--pears'"],
    [['three'], "Unexpected argument 'three'"],
  ])('%j is refused: %s', (args, problem) => {
    expect(parseUpOptions(args).problem).toBe(problem);
  });

  it('are all in the usage', () => {
    for (const flag of ['--peers', '--base-port', '--no-dashboard', '--dashboard-port', '--data', '--help']) {
      expect(upUsage).toContain(`  ${flag}`);
    }
  });
});

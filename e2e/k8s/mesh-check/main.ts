/**
 * The mesh's own check, in the peer's image. `verify` is what `helm test` runs; `traffic` publishes and listens through
 * the SDK until it gets SIGTERM and then says what was lost.
 */
import { parseArgs } from 'node:util';
import { traffic } from './traffic.ts';
import { verify } from './verify.ts';

const usage = `usage: mesh-check verify  (--dns NAME | --addresses HOST:PORT,…) --peers N [--timeout SECONDS]
       mesh-check traffic --addresses HOST:PORT,… [--rate MESSAGES_PER_SECOND]`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dns: { type: 'string', default: '' },
      addresses: { type: 'string', default: '' },
      peers: { type: 'string', default: '0' },
      timeout: { type: 'string', default: '60' },
      rate: { type: 'string', default: '20' },
    },
  });
  const addresses = values.addresses.split(',').filter((address) => address !== '');
  const [peers, timeoutSeconds, rate] = [values.peers, values.timeout, values.rate].map(Number) as [
    number,
    number,
    number,
  ];
  if (![peers, timeoutSeconds, rate].every(Number.isFinite) || (values.dns === '' && addresses.length === 0)) {
    console.error(usage);
    return 64;
  }
  const say = (line: string) => console.log(line);
  switch (positionals[0]) {
    case 'verify':
      process.on('SIGTERM', () => process.exit(143));
      await verify({ dns: values.dns, addresses, peers, timeoutMs: timeoutSeconds * 1_000 }, say);
      say(`${peers} peers are one mesh`);
      return 0;
    case 'traffic':
      return traffic({ addresses, rate }, say);
    default:
      console.error(usage);
      return 64;
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(`not ok - ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);

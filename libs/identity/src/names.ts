import { BlockList, isIP } from 'node:net';

/** What a request may ask for, by type: names and addresses that clients of the API check. */
export interface AlternativeNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** Every certificate has these: a client on the peer's own machine. */
export const loopbackNames: AlternativeNames = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };

/** Names in one certificate. A request with more is refused. */
export const namesMax = 32;

const dnsName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

export function isDnsName(name: string): boolean {
  return dnsName.test(name) && isIP(name) === 0;
}

/** Names as they are asked for, `localhost` and the loopback added, sorted by type. Throws on what is neither. */
export function namesOf(wanted: readonly string[]): AlternativeNames {
  const dns = new Set(loopbackNames.dns);
  const ips = new Set(loopbackNames.ips);
  for (const name of wanted) {
    if (isIP(name) !== 0) ips.add(name);
    else if (isDnsName(name)) dns.add(name);
    else throw new Error(`${name} is neither a DNS name in lower case nor an IP address`);
  }
  return { dns: [...dns], ips: [...ips] };
}

/**
 * Which names an authority gives to whoever asks: exact DNS names, `*.suffix` for any one label before it, addresses, and
 * networks such as 10.0.0.0/8. The loopback is always allowed.
 */
export class NamePolicy {
  readonly #exact = new Set(loopbackNames.dns);
  readonly #suffixes = new Set<string>();
  readonly #addresses = new BlockList();

  /** Throws when a pattern is none. */
  constructor(allowed: readonly string[]) {
    for (const pattern of [...loopbackNames.ips, ...allowed]) {
      const [address = '', prefix] = pattern.split('/', 2);
      const family = isIP(address);
      if (family !== 0) {
        const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
        if (!Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128))
          throw new Error(`${pattern}: no network`);
        this.#addresses.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
      } else if (pattern.startsWith('*.') && isDnsName(pattern.slice(2))) this.#suffixes.add(pattern.slice(2));
      else if (isDnsName(pattern)) this.#exact.add(pattern);
      else throw new Error(`${pattern}: neither a DNS name, nor *.name, nor an address, nor a network`);
    }
  }

  /** The first name that is not allowed; null when all are. */
  firstRefused({ dns, ips }: AlternativeNames): string | null {
    const isNamed = (name: string): boolean =>
      isDnsName(name) && (this.#exact.has(name) || this.#suffixes.has(name.slice(name.indexOf('.') + 1)));
    const isReached = (ip: string): boolean =>
      isIP(ip) !== 0 && this.#addresses.check(ip, isIP(ip) === 4 ? 'ipv4' : 'ipv6');
    return dns.find((name) => !isNamed(name)) ?? ips.find((ip) => !isReached(ip)) ?? null;
  }
}

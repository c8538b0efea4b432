/**
 * How does the mesh carry a steady stream of messages that everybody wants? Every user publishes at its share of the rate,
 * whether or not earlier calls have been answered (an open model: a slow mesh gets no rest), and listens to all users at
 * another peer. Each message is numbered, so that what is missing at the end is known exactly.
 */
import exec from 'k6/execution';
import { deliveryMs, deliveryRatio, errors } from '../lib/metrics.ts';
import { counted, demandPeers, type Message, Peer } from '../lib/peer.ts';
import { addresses, positive } from '../lib/settings.ts';
import { pause, until } from '../lib/wait.ts';

/** Users, each with a publishing and a listening connection. */
const users = positive('LOAD_USERS', 8);
/** Messages a second of all users together; each is delivered to every user. */
const rate = positive('LOAD_RATE', 100);
/** How long is published. */
const seconds = positive('LOAD_SECONDS', 30);
/** Bytes of a payload. */
const payloadBytes = positive('LOAD_PAYLOAD_BYTES', 256);
/** The 99th percentile of delivery, in ms. */
const deliveryP99Ms = positive('LOAD_DELIVERY_P99_MS', 500);
/** How long is waited for the last messages. */
const settleMs = 10_000;
/** Time for all users to connect and subscribe before the first message. */
const connectMs = 5_000;

export const options = {
  scenarios: {
    load: {
      executor: 'per-vu-iterations',
      vus: users,
      iterations: 1,
      maxDuration: `${seconds + 60}s`,
    },
  },
  thresholds: {
    // What was taken must be heard by all who listen.
    delivery_ratio: ['rate==1'],
    delivery_ms: [`p(99)<${deliveryP99Ms}`],
    // A publish may be refused when a peer is overloaded; at the default rate none is.
    errors: ['rate<0.001'],
    gaps: ['count==0'],
  },
};

interface Run {
  readonly topic: string;
  readonly startAt: number;
}

/** What one user heard of another one. */
interface Heard {
  readonly numbers: Set<number>;
  /** How many the publisher says were taken; unknown until its last word is heard. */
  taken: readonly number[] | null;
}

const publisher = new Peer();
const listener = new Peer();

export function setup(): Run {
  demandPeers(publisher, addresses);
  return { topic: `load.${Date.now()}`, startAt: Date.now() + connectMs };
}

export default function load(run: Run): Promise<void> {
  return counted(() => takePart(run));
}

async function takePart({ topic, startAt }: Run): Promise<void> {
  const user = exec.vu.idInTest;
  publisher.connect(addresses[user % addresses.length] as string);
  listener.connect(addresses[(user + 1) % addresses.length] as string);
  const heard = new Map<string, Heard>();
  await listener.subscribe([`${topic}.>`], (message) => note(heard, message));
  await pause(startAt - Date.now());

  const refused = await publishSteadily(`${topic}.${user}`, user);
  // The last word: which numbers were refused, so that every other one is owed to every listener.
  await publisher.publish(`${topic}.${user}`, '', { user: `${user}`, refused: refused.join(',') });

  const total = Math.round((rate / users) * seconds);
  const complete = ({ numbers, taken }: Heard) => taken?.every((number) => numbers.has(number)) === true;
  await until(settleMs, () => heard.size === users && [...heard.values()].every(complete));
  for (let other = 1; other <= users; other++) {
    const from = heard.get(`${other}`);
    const owed = from?.taken ?? Array.from({ length: total }, (_, number) => number);
    for (const number of owed) deliveryRatio.add(from?.numbers.has(number) === true);
  }
  publisher.close();
  listener.close();
}

/** Publishes this user's share by the clock; answers the numbers that were refused. */
async function publishSteadily(topic: string, user: number): Promise<number[]> {
  const payload = 'x'.repeat(payloadBytes);
  const begin = Date.now();
  const total = Math.round((rate / users) * seconds);
  const refused: number[] = [];
  const pending: Promise<void>[] = [];
  for (let number = 0; number < total; ) {
    const due = Math.min(total, Math.floor(((Date.now() - begin) / 1_000) * (rate / users)) + 1);
    for (; number < due; number++) {
      const mine = number;
      const headers = { user: `${user}`, number: `${mine}`, 'sent-at': `${Date.now()}` };
      pending.push(
        publisher.publish(topic, payload, headers).then((ok) => {
          if (!ok) refused.push(mine);
        }),
      );
    }
    await pause(5);
  }
  await Promise.all(pending);
  errors.add(false);
  return refused;
}

/** Notes a message of any user. */
function note(heard: Map<string, Heard>, { headers }: Message): void {
  const user = headers?.user ?? '';
  let from = heard.get(user);
  if (from === undefined) {
    from = { numbers: new Set(), taken: null };
    heard.set(user, from);
  }
  if (headers?.refused !== undefined) {
    const refused = new Set(headers.refused === '' ? [] : headers.refused.split(',').map(Number));
    const total = Math.round((rate / users) * seconds);
    from.taken = Array.from({ length: total }, (_, number) => number).filter((number) => !refused.has(number));
    return;
  }
  from.numbers.add(Number(headers?.number));
  deliveryMs.add(Date.now() - Number(headers?.['sent-at']));
}

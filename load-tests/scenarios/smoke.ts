/**
 * Does the mesh do what it promises? A few users; each publishes at one peer and must hear everything at another, puts a
 * document at one and must find it from another, and must be refused what is wrong. Half a minute.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import { StatusInvalidArgument, StatusOK } from 'k6/net/grpc';
import { deliveryMs, deliveryRatio, searchRecall } from '../lib/metrics.ts';
import { counted, demandPeers, Peer } from '../lib/peer.ts';
import { addresses, positive } from '../lib/settings.ts';
import { pause, until } from '../lib/wait.ts';

/** Users at once. */
const users = positive('SMOKE_USERS', 3);
/** Rounds of each user. */
const rounds = positive('SMOKE_ROUNDS', 5);
/** Messages of a round. */
const messages = positive('SMOKE_MESSAGES', 20);
/** The 99th percentile of delivery, in ms. Loopback needs single digits; the rest is for busy machines. */
const deliveryP99Ms = positive('SMOKE_DELIVERY_P99_MS', 1_000);

export const options = {
  scenarios: { smoke: { executor: 'per-vu-iterations', vus: users, iterations: 1, maxDuration: '2m' } },
  thresholds: {
    // The contract is at least once for what is still held: in half a minute nothing may be missing.
    delivery_ratio: ['rate==1'],
    delivery_ms: [`p(99)<${deliveryP99Ms}`],
    // Put at one peer, asked of another: the whole mesh is asked, so everything is found.
    search_recall: ['rate==1'],
    errors: ['rate==0'],
    checks: ['rate==1'],
  },
};

const publisher = new Peer();
const listener = new Peer();

export function setup(): { run: string } {
  demandPeers(publisher, addresses);
  return { run: `${Date.now()}` };
}

export default function smoke({ run }: { run: string }): Promise<void> {
  return counted(async () => {
    const user = exec.vu.idInTest;
    publisher.connect(addresses[user % addresses.length] as string);
    listener.connect(addresses[(user + 1) % addresses.length] as string);
    for (let round = 0; round < rounds; round++) {
      const name = `${run}-${user}-${round}`;
      await hear(name);
      await find(name);
      refuse();
    }
    publisher.close();
    listener.close();
  });
}

/** Publishes at one peer, hears at another. */
async function hear(round: string): Promise<void> {
  const topic = `smoke.${round}`;
  const heard = new Set<number>();
  await listener.subscribe([topic], ({ headers }) => {
    heard.add(Number(headers?.number));
    deliveryMs.add(Date.now() - Number(headers?.['sent-at']));
  });
  for (let number = 0; number < messages; number++) {
    await publisher.publish(topic, `message ${number}`, { number: `${number}`, 'sent-at': `${Date.now()}` });
  }
  await until(5_000, () => heard.size === messages);
  for (let number = 0; number < messages; number++) deliveryRatio.add(heard.has(number));
}

/** Puts a document at one peer, finds it from another. */
async function find(round: string): Promise<void> {
  const word = `murmuration${round.replaceAll('-', 'x')}`;
  const put = publisher.invoke('SearchService/PutDocuments', { documents: [{ id: round, fields: { title: word } }] });
  check(put, { 'a document is taken': ({ status }) => status === StatusOK });
  let answer = await listener.query(word);
  // While a peer joins or a link is renewed an answer may not be whole, and says so: one asks again. How often that is, `search` measures.
  if (answer.summary.complete !== true) {
    await pause(1_000);
    answer = await listener.query(word);
  }
  const { hits, summary } = answer;
  searchRecall.add(hits.some(({ document }) => document.id === round));
  check(summary, { 'every peer answered the query': ({ complete }) => complete === true });
  const gone = publisher.invoke('SearchService/DeleteDocuments', { ids: [round] });
  check(gone, { 'a document is removed': ({ status }) => status === StatusOK });
}

/** Wrong requests are refused with the right code. */
function refuse(): void {
  check(publisher.invoke('MeshService/Publish', { topic: 'no..topic' }), {
    'a topic without words is refused': ({ status }) => status === StatusInvalidArgument,
  });
  check(publisher.invoke('AdminService/ListPeers', { page_token: 'made up' }), {
    'a made-up page token is refused': ({ status }) => status === StatusInvalidArgument,
  });
  check(publisher.invoke('AdminService/ListPeers', {}), {
    'peers are listed': ({ status, message }) =>
      status === StatusOK && (message as { peers?: unknown[] }).peers !== undefined,
  });
}

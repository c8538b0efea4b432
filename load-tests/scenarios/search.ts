/**
 * How does the mesh answer a steady stream of questions? Documents are put at some peers, then asked for at others, at a constant
 * rate whatever the answers take. Under a minute.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import { StatusOK } from 'k6/net/grpc';
import { searchComplete, searchDoneMs, searchFirstHitMs, searchRecall } from '../lib/metrics.ts';
import { counted, demandPeers, Peer } from '../lib/peer.ts';
import { addresses, positive } from '../lib/settings.ts';

/** Questions a second of all users together. Each costs every peer a message: 20 are what `searchRateMax` allows with room. */
const rate = positive('SEARCH_RATE', 20);
const seconds = positive('SEARCH_SECONDS', 30);
/** Users there are for it at most: an answer that takes long must not slow the questions down. */
const users = positive('SEARCH_USERS', 20);
/** Documents at each peer; every question is for one in ten of them. */
const documents = positive('SEARCH_DOCUMENTS', 200);
/** The 95th percentile until the first hit, in ms. Loopback needs tens; the rest is for busy machines. */
const firstHitP95Ms = positive('SEARCH_FIRST_HIT_P95_MS', 500);
/** Share of the answers that must be complete, and of those that have everything. An answer that comes too late is missing, so a busy machine needs room here as well. */
const completeMin = positive('SEARCH_COMPLETE_MIN', 0.99);
/** The 95th percentile until the summary, in ms. */
const doneP95Ms = positive('SEARCH_DONE_P95_MS', 1_000);

export const options = {
  scenarios: {
    search: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: users,
      maxVUs: users,
    },
  },
  thresholds: {
    // A question is asked of everybody: one that is answered and not complete has missed somebody, and says so.
    search_complete: [`rate>${completeMin}`],
    search_recall: [`rate>${completeMin}`],
    search_first_hit_ms: [`p(95)<${firstHitP95Ms}`],
    search_done_ms: [`p(95)<${doneP95Ms}`],
    errors: ['rate<0.001'],
    checks: ['rate==1'],
    // The rate was really asked.
    dropped_iterations: ['count<10'],
  },
};

const asker = new Peer();
const kinds = 10;

export function setup(): { run: string } {
  demandPeers(asker, addresses);
  const run = `r${Date.now()}`;
  for (const [at, address] of addresses.entries()) {
    asker.connect(address);
    const put = asker.invoke('SearchService/PutDocuments', {
      documents: Array.from({ length: documents }, (_, i) => ({
        id: `${run}-${at}-${i}`,
        fields: { title: `load ${run} kind${i % kinds}`, number: i },
      })),
    });
    if (put.status !== StatusOK) exec.test.abort(`documents could not be put at ${address}`);
    asker.close();
  }
  return { run };
}

export default function search({ run }: { run: string }): Promise<void> {
  return counted(async () => {
    const number = exec.scenario.iterationInTest;
    asker.connect(addresses[exec.vu.idInTest % addresses.length] as string);
    const expected = addresses.length * Math.ceil((documents - (number % kinds)) / kinds);
    const { hits, summary, firstHitMs, doneMs } = await asker.query(`${run} kind${number % kinds}`, 1_000);
    searchComplete.add(summary.complete === true);
    searchRecall.add(hits.length === expected);
    if (firstHitMs !== null) searchFirstHitMs.add(firstHitMs);
    searchDoneMs.add(doneMs);
    check(summary, {
      'the summary names the hits in their order': ({ ranking = [] }) => ranking.length === hits.length,
      'an answer that is called complete has everything': ({ complete }) =>
        complete !== true || hits.length === expected,
    });
  });
}

/** Takes the documents away again. */
export function teardown({ run }: { run: string }): void {
  for (const [at, address] of addresses.entries()) {
    asker.connect(address);
    asker.invoke('SearchService/DeleteDocuments', {
      ids: Array.from({ length: documents }, (_, i) => `${run}-${at}-${i}`),
    });
    asker.close();
  }
}

import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { StarlingClient } from '@starling/client';
import { PeerState } from '@starling/wire';
import { findPeers } from './find-peers.ts';
import { meshTls } from './mesh-tls.ts';
import { token } from './token.ts';

/** What to verify, and until when. */
export interface VerifyOptions {
  /** Name whose addresses are the peers; used when `addresses` is empty. */
  readonly dns: string;
  readonly addresses: readonly string[];
  /** How many peers the mesh must have, exactly. */
  readonly peers: number;
  readonly timeoutMs: number;
}

/** Longest wait for one answer: a peer that hangs must not eat the time of the rest. */
const callTimeoutMs = 5_000;

/**
 * Verifies that the peers are one mesh that does its work. Each step is tried again until it is true or the time is over;
 * says each step's outcome through `say` and throws the last reason when time is over.
 */
export async function verify(options: VerifyOptions, say: (line: string) => void): Promise<void> {
  const end = Date.now() + options.timeoutMs;
  const step = async <T>(title: string, attempt: () => Promise<T>): Promise<T> => {
    const begin = Date.now();
    for (;;) {
      try {
        const value = await attempt();
        say(`ok - ${title} (${Date.now() - begin} ms)`);
        return value;
      } catch (error) {
        if (Date.now() >= end) throw new Error(`${title}: ${error instanceof Error ? error.message : String(error)}`);
        await pause(250);
      }
    }
  };

  // Found anew at each try: for some seconds after a pod was replaced, DNS still names the old one.
  const { clients, ids } = await step(`${options.peers} peers are found, each is ready and another one`, async () => {
    const addresses = options.addresses.length > 0 ? options.addresses : await findPeers(options.dns);
    demand(addresses.length === options.peers, `${addresses.length} addresses: ${addresses.join(', ')}`);
    const clients = addresses.map((address) => connectTo(address));
    try {
      return { clients, ids: await identify(clients) };
    } catch (error) {
      for (const client of clients) client.close();
      throw error;
    }
  });
  try {
    await step('each of them knows all', () => agree(clients, ids));
    await step('what is published at any of them is heard at all', () => hearEverywhere(clients));
    await step('what is put at any of them is found from all', () => findEverywhere(clients));
  } finally {
    for (const client of clients) client.close();
  }
}

/**
 * A client of this peer and never of another: a client that goes on elsewhere when its peer fails would say of this peer
 * what is true of that one.
 */
function connectTo(address: string): StarlingClient {
  const access = { tls: meshTls(), ...token() };
  return new StarlingClient({ addresses: [address], learnAddresses: false, timeoutMs: callTimeoutMs, ...access });
}

/** The ids of the peers; throws unless each is ready and another one. */
async function identify(clients: readonly StarlingClient[]): Promise<string[]> {
  const peers = await Promise.all(clients.map(async (client) => (await client.getPeer()).report?.peer));
  const busy = clients.filter((_, at) => peers[at]?.state !== PeerState.READY).map(addressOf);
  demand(busy.length === 0, `${busy.join(', ')} is not ready`);
  const ids = peers.map((peer) => peer?.id ?? '');
  demand(new Set(ids).size === ids.length, `the same twice: ${ids.join(', ')}`);
  return ids;
}

/** Every peer's directory names exactly the given peers. */
async function agree(clients: readonly StarlingClient[], ids: readonly string[]): Promise<void> {
  const expected = [...ids].sort().join(' ');
  for (const client of clients) {
    const listed: string[] = [];
    for await (const { id } of client.listPeers()) listed.push(id);
    listed.sort();
    demand(listed.join(' ') === expected, `${addressOf(client)} lists ${listed.length} peers, not these ${ids.length}`);
  }
}

/** Publishes one message at every peer; every peer must hear every one of them. */
async function hearEverywhere(clients: readonly StarlingClient[]): Promise<void> {
  const topic = `mesh-check.${randomUUID()}`;
  const stop = new AbortController();
  const heard = clients.map(() => new Set<string>());
  try {
    await Promise.all(clients.map((client, at) => listen(client, topic, heard[at] as Set<string>, stop.signal)));
    const receipts = await Promise.all(clients.map((client) => client.publish({ topic, payload: addressOf(client) })));
    const missing = () =>
      clients.flatMap((client, at) => {
        const count = receipts.filter(({ id }) => heard[at]?.has(id) !== true).length;
        return count === 0 ? [] : [`${addressOf(client)} misses ${count} of ${receipts.length}`];
      });
    const deadline = Date.now() + callTimeoutMs;
    while (missing().length > 0 && Date.now() < deadline) await pause(10);
    demand(missing().length === 0, missing().join('; '));
  } finally {
    stop.abort();
  }
}

/** Subscribes and notes the ids that come; resolves when everything published from now on will come. */
function listen(client: StarlingClient, topic: string, ids: Set<string>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${addressOf(client)}: no live subscription`)), callTimeoutMs);
    const read = async () => {
      for await (const event of client.subscribe({ topics: [topic], signal, giveUpAfterMs: callTimeoutMs })) {
        if (event.kind === 'live') resolve();
        if (event.kind === 'message') ids.add(event.id);
      }
    };
    // After it was live an end shows as messages that are missing.
    read()
      .catch(reject)
      .finally(() => clearTimeout(late));
    signal.addEventListener('abort', () => clearTimeout(late), { once: true });
  });
}

/** Puts one document at every peer; a query at every peer must find all of them. */
async function findEverywhere(clients: readonly StarlingClient[]): Promise<void> {
  const word = `meshcheck${randomUUID().replaceAll('-', '')}`;
  const idOf = (at: number) => `${word}-${at}`;
  try {
    await Promise.all(clients.map((client, at) => client.putDocuments([{ id: idOf(at), fields: { title: word } }])));
    for (const client of clients) {
      const found = new Set<string>();
      for await (const event of client.query(word, {
        limit: clients.length,
        timeoutMs: callTimeoutMs,
        strategy: 'exhaustive',
      })) {
        if (event.kind === 'hit') found.add(event.id);
        else
          demand(event.complete, `${addressOf(client)} heard from ${event.peersAnswered} of ${clients.length} peers`);
      }
      demand(found.size === clients.length, `${addressOf(client)} finds ${found.size} of ${clients.length} documents`);
    }
  } finally {
    await Promise.allSettled(clients.map((client, at) => client.deleteDocuments([idOf(at)])));
  }
}

function addressOf(client: StarlingClient): string {
  return client.addresses[0] ?? '';
}

function demand(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}

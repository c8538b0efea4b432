import { type MeshProblem, problemOf } from './mesh-client.ts';

/** What came of asking many peers for one thing. */
export interface EachOutcome {
  readonly done: number;
  readonly asked: number;
  /** Those that did not do it, at most `namedMax`, in no order. */
  readonly failed: readonly { readonly peer: string; readonly problem: MeshProblem }[];
  /** Peers that were not asked any more when the time was over. */
  readonly left: number;
}

/** Peers asked at once, below the channels that are kept open. Guess. */
const atOnceMax = 8;
/** How long it may go on; a person waits no longer. Guess: some thousand peers on a LAN. */
const totalMs = 20_000;
/** Failures that are told one by one. Guess: what fits on a screen. */
const namedMax = 16;

/**
 * Asks every peer. The first alone: when it refuses the caller, so would all the others, and that is thrown; so is its problem
 * when not a single peer did it.
 */
export async function askEach(
  peers: ReadonlyMap<string, string>,
  ask: (address: string, peer: string) => Promise<unknown>,
  now: () => number = Date.now,
): Promise<EachOutcome> {
  const deadline = now() + totalMs;
  const waiting = [...peers];
  const failures: { readonly peer: string; readonly error: unknown }[] = [];
  let done = 0;
  const askNext = async (): Promise<void> => {
    const [peer = '', address = ''] = waiting.shift() ?? [];
    try {
      await ask(address, peer);
      done++;
    } catch (error) {
      failures.push({ peer, error });
    }
  };
  if (waiting.length > 0) await askNext();
  if (failures.some(({ error }) => isRefusal(error))) throw failures[0]?.error;
  const worker = async (): Promise<void> => {
    while (waiting.length > 0 && now() < deadline) await askNext();
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  if (done === 0 && failures.length > 0) throw failures[0]?.error;
  return {
    done,
    asked: peers.size,
    failed: failures.slice(0, namedMax).map(({ peer, error }) => ({ peer, problem: problemOf(error) })),
    left: waiting.length,
  };
}

function isRefusal(error: unknown): boolean {
  return ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'INVALID_ARGUMENT'].includes(problemOf(error).code);
}

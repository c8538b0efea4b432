import { letYoungGenerationGrow } from './process/before-start.ts';
import 'reflect-metadata';
import { setLogger } from '@grpc/grpc-js';
import { loadConfig } from './config/load.ts';
import { createLogs } from './logs/logs.ts';
import { peerName } from './peer.ts';
import { watchParent } from './process/parent-watch.ts';
import { RunningPeer } from './process/running-peer.ts';
import { onceBusy } from './process/young-generation.ts';
import { exitCodes, StartError } from './start-error.ts';

/** An orphan has nobody to wait for it: it says goodbye and is gone within a second of its parent's end. */
const orphan = { drainMs: 200, exitMs: 600 } as const;

await main();

async function main(): Promise<void> {
  const loaded = loadConfig(process.env);
  if (!loaded.ok) {
    for (const line of [...loaded.warnings, ...loaded.problems]) process.stderr.write(`${line}\n`);
    process.exit(exitCodes.usage);
  }
  const { config } = loaded;
  const logs = createLogs(config, peerName(config));
  // grpc-js would write to standard error, past the log and in a form of its own.
  const ofGrpc = (...args: unknown[]): void => logs.links.debug({ grpc: args.map(String).join(' ') }, 'grpc-js says');
  setLogger({ error: ofGrpc, info: ofGrpc, debug: ofGrpc });
  for (const warning of loaded.warnings) logs.peer.warn(warning);
  process.on('uncaughtException', (error) => {
    logs.peer.error({ err: error }, 'the peer dies of a defect');
    process.exit(exitCodes.failed);
  });

  const giveUp = new AbortController();
  const starting = RunningPeer.start(config, logs, giveUp.signal);
  let isStopping = false;
  const stop = async (why: string, drainMs: number): Promise<void> => {
    if (isStopping) process.exit(exitCodes.failed);
    isStopping = true;
    logs.peer.info({ why }, 'stopping');
    giveUp.abort();
    // What keeps it from starting is said below.
    const running = await starting.catch(() => null);
    await running?.stop(drainMs);
    logs.peer.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void stop(signal, config.drainTimeoutMs));
  }
  // A closed terminal takes the output with it; the peer is to end as well, and in order.
  process.on('SIGHUP', () => void stop('SIGHUP', config.drainTimeoutMs));
  watchParent({ pid: config.parentPid, stdin: config.parentStdin }, (why) => {
    setTimeout(() => process.exit(0), orphan.exitMs);
    if (!isStopping) void stop(why, orphan.drainMs);
  });

  try {
    await starting;
    onceBusy(letYoungGenerationGrow);
  } catch (error) {
    // Told to stop before it had started: that is no failure.
    if (isStopping) return;
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${message.split('\n', 1)[0]}\n`);
    if (!(error instanceof StartError)) logs.peer.error({ err: error }, 'the peer cannot start');
    process.exit(error instanceof StartError ? error.exitCode : exitCodes.failed);
  }
}

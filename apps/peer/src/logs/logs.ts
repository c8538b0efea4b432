import { type DestinationStream, type Logger, pino } from 'pino';
import type { Config, LogArea } from '../config/schema.ts';
import { RepeatLimiter } from './repeat-limiter.ts';
import { textLine } from './text-line.ts';

/** A logger for each part of the peer, with a level of its own. */
export type Logs = Readonly<Record<LogArea, Logger>>;

/** JSON lines on standard output; text for people on a terminal, or when it is asked for. `output` is for tests. */
export function createLogs(
  config: Pick<Config, 'logLevel' | 'logFormat'>,
  name: string,
  output: DestinationStream = pino.destination({ fd: 1, sync: true }),
): Logs {
  const isText = config.logFormat === 'text' || (config.logFormat === 'auto' && process.stdout.isTTY === true);
  const limiter = new RepeatLimiter();
  const root = pino(
    {
      level: 'trace',
      base: { peer: name },
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method) {
          const [first, second] = args as unknown[];
          const message = String(typeof first === 'string' ? first : second);
          const suppressed = limiter.admit(Date.now(), message);
          if (suppressed === null) return;
          if (suppressed === 0) method.apply(this, args);
          else this.info({ suppressed }, `${message} (and more of the same, not shown)`);
        },
      },
    },
    isText ? { write: (line: string) => output.write(textLine(line)) } : output,
  );
  const area = (name: LogArea): Logger =>
    root.child({ area: name }, { level: config.logLevel[name] ?? config.logLevel.default ?? 'info' });
  return {
    peer: area('peer'),
    mesh: area('mesh'),
    links: area('links'),
    discovery: area('discovery'),
    api: area('api'),
    http: area('http'),
    search: area('search'),
  };
}

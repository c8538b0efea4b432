import { StarlingError } from '@starling/client';
import { peerAttributes } from '@starling/query';
import { Command, CommanderError, Option } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { defaultData } from './authority-file.ts';
import { ban, bans, unban } from './commands/bans.ts';
import { bench } from './commands/bench.ts';
import { caInit, caIssue, caServe, caToken } from './commands/ca.ts';
import { doctor } from './commands/doctor.ts';
import { drain } from './commands/drain.ts';
import { join } from './commands/join.ts';
import { lookupFind, lookupGet, lookupPut } from './commands/lookup.ts';
import { operatorKeyInit } from './commands/operator-key.ts';
import { peers } from './commands/peers.ts';
import { pub } from './commands/pub.ts';
import { putDocs } from './commands/put-docs.ts';
import { type QueryCommandOptions, query } from './commands/query.ts';
import { sim } from './commands/sim.ts';
import { sub } from './commands/sub.ts';
import { tokenNew } from './commands/token.ts';
import { topology } from './commands/topology.ts';
import { traceQuery } from './commands/trace.ts';
import { CliError, exitCode } from './exit-codes.ts';
import { isSeedWorker } from './seeds/worker.ts';
import { defaultAddress } from './session.ts';
import { roles } from './tokens/token.ts';
import { up } from './up/up.ts';

/** What stands below the options of `starling query --help`. */
const queryHelp = `
In the text: words, which a document must have all of; "a phrase"; mur* for all that begin so; title:starling in one field;
  year:1990..2000, size>10, date<=2020-01-31; a OR b; -unwanted; (groups).`;

/** … and of the query alone. */
const peersHelp = `
With --peers: fields and count(*), count, sum, min, max, avg, p50, p99 or quantile of a field; then where, group by, order by, limit:
  "zone, count(*), p99(rtt) where version != 1.4 group by zone order by count(*) desc".
  Fields: ${Object.keys(peerAttributes).join(', ')}.`;

const output = () =>
  new Option('-o, --output <format>', 'table for people, json for programs')
    .choices(['table', 'json'])
    .default('table');

/** A command that asks for documents. */
function asking(command: Command): Command {
  return command
    .addOption(
      new Option('--strategy <way>', 'whom to ask')
        .choices(['auto', 'exhaustive', 'walk', 'ring', 'guided', 'summary'])
        .default('auto'),
    )
    .option('--budget <messages>', 'messages between peers that it may cost at most; 0: the default', '0')
    .addHelpText('after', queryHelp)
    .option('-l, --limit <n>', 'hits at most', '20');
}

/** A command that looks a key up. */
function looking(command: Command): Command {
  return onPaths(command)
    .option('--publisher <id>', 'only what this publisher signed', '')
    .option('--answers <n>', 'holders to hear before the newest is chosen', '1');
}

function onPaths(command: Command): Command {
  return command.option(
    '--paths <n>',
    'disjoint paths where not all peers are known, up to 8: more resist more liars; 0: as usual',
    '0',
  );
}

/** A command that talks to a mesh. */
function meshCommand(program: Command, usage: string, about: string, timeout = '5s'): Command {
  return program
    .command(usage)
    .description(about)
    .option('-a, --address <host:port,…>', 'API of one or more peers', process.env.STARLING_ADDRESS ?? defaultAddress)
    .option('--token <file>', 'file that holds the token to call with; -: standard input (else STARLING_TOKEN)')
    .option(
      '--data <dir>',
      'where a mesh of this machine keeps its tokens and its authority, which are found by themselves',
      defaultData,
    )
    .addOption(
      new Option(
        '--ca <file>',
        "the mesh's authorities; system: those of this machine (default: ca.pem of --data)",
      ).env('STARLING_CA_FILE'),
    )
    .option('--insecure', 'talk to a mesh that does not encrypt', false)
    .option('-t, --timeout <time>', 'how long to wait: 500ms, 5s, 2m', timeout)
    .addOption(output());
}

function build(finish: (code: number) => void): Command {
  const program = new Command('starling')
    .description('A brokerless mesh: publish, subscribe, ask, and see who is there, from any peer.')
    .version(manifest.version)
    .exitOverride()
    // What is wrong is said by `report`, on one line; the help that no command at all asks for is printed as it is.
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 not complete or not held; 64 wrong use; 69 no peer answers; 71 something of this machine is in the way; 77 a token is missing, or has too few rights.',
    );
  const run =
    <A extends unknown[]>(action: (...args: A) => Promise<number>) =>
    async (...args: A) =>
      finish(await action(...args));

  program
    .command('up')
    .description('run a local mesh and its dashboard (what npm start does)')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]')
    .action(run((_flags: string[], _options: object, command: Command) => up(command.args)));
  meshCommand(program, 'peers', 'everybody in the mesh').action(run(peers));
  meshCommand(program, 'pub <topic> [payload]', 'publish a message; - or nothing: standard input', '10s')
    .option(
      '-H, --header <name=value>',
      'a header; may be given again',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--held <n>', 'wait until so many neighbours hold it, too', '0')
    .option('-l, --lines', 'each line of standard input is a message', false)
    .action(run(pub));
  meshCommand(program, 'sub <pattern...>', 'print messages; * is one word of a topic, > at the end one or more', '10s')
    .option('--from <where>', 'new, all (what is still held), or a time', 'new')
    .option('-n, --count <n>', 'stop after so many messages; 0: never', '0')
    .action(run(sub));
  asking(meshCommand(program, 'query <text>', 'ask the mesh for documents, or about its peers'))
    .addHelpText('after', peersHelp)
    .option('--peers', 'ask about the peers: "zone, count(*), p99(rtt) group by zone"', false)
    .action(
      run((text: string, options: QueryCommandOptions, command: Command) => {
        if (options.peers)
          refuse(command, { limit: 'write "limit 5" into the question', strategy: 'all peers are asked' });
        return query(text, options);
      }),
    );
  const trace = program.command('trace').description('the way that something took through the mesh');
  asking(meshCommand(trace, 'query <text>', 'ask, and show who asked whom and how long each took')).action(
    run(traceQuery),
  );
  looking(meshCommand(trace, 'lookup <key>', 'look a key up, and show every call between peers'))
    .addOption(new Option('--trace').default(true).hideHelp())
    .action(run(lookupGet));
  meshCommand(
    program,
    'put-docs [json-or-file]',
    'keep documents at a peer: one as JSON, or a file with one a line',
    '10s',
  )
    .option('--id <id>', 'id of the document; else its own "id"')
    .option('-f, --file <file>', 'a file with one JSON document a line, of any length; -: standard input')
    .action(run(putDocs));
  lookupCommands(program, run);
  meshCommand(program, 'topology', 'all peers with their links', '10s')
    .option('-w, --watch', 'go on with every change', false)
    .action(run(topology));
  meshCommand(program, 'drain <peer>', 'make a peer, by its id or name, leave the mesh', '10s').action(run(drain));
  const scoped = (usage: string, about: string) =>
    meshCommand(program, usage, about)
      .option('--here', 'at the peer that is asked alone; it tells nobody', false)
      .addOption(
        new Option('--operator-key <file>', 'what to sign with (default: operator.key of --data)').env(
          'STARLING_OPERATOR_KEY_FILE',
        ),
      )
      .option('--by <name>', 'the operator’s name in the record (default: that of the user)');
  scoped('ban <peer>', 'keep a peer, by its id or name, out of the whole mesh')
    .option('--for <time>', 'how long: 30m, 1h, 7d')
    .option('--forever', 'until it is lifted: revokes the peer’s key', false)
    .requiredOption('--reason <text>', 'why, for who finds it later')
    .action(run(ban));
  scoped('unban <peer>', 'lift a ban').action(run(unban));
  meshCommand(program, 'bans', 'who is banned, by whom, why, until when')
    .option('--all', 'also records of bans that are over', false)
    .action(run(bans));
  program
    .command('operator-key')
    .description("an operator's key, which signs bans of the mesh")
    .command('init')
    .description('make a key, unless there is one, and print where it is')
    .requiredOption(
      '--out <file>',
      'where to keep it, as operator.key; its public half lies beside it, as operator.pub',
    )
    .action(run(operatorKeyInit));
  meshCommand(program, 'doctor', 'ask every peer, and say what is well and what to do', '3s')
    .option('--strict', 'a warning fails, too', false)
    .action(run(doctor));
  meshCommand(program, 'bench', 'publish at one peer, hear at others: ratio and latency', '30s')
    .option('-n, --messages <n>', 'messages to publish', '1000')
    .option('-s, --size <bytes>', 'payload', '1024')
    .option('-r, --rate <n>', 'messages per second; 0: as fast as it goes', '0')
    .option('--subscribers <n>', 'peers to listen at, at most', '16')
    .action(run(bench));
  caCommands(program, run);
  program
    .command('join <host:port>')
    .description('get a certificate for a peer that shares no directory with the authority: for a token, or renew it')
    .option('--token <file>', 'file with a token of `starling ca token`; -: standard input. Without: renew')
    .requiredOption('--data <dir>', 'STARLING_DATA_DIR of the peer, where its key is or will be')
    .requiredOption('--tls <dir>', 'STARLING_TLS_DIR of the peer, where the certificate goes')
    .option('--mesh <name>', 'name of the mesh, to renew', 'starling')
    .option(
      '--name <name,…>',
      'names and addresses that clients of its API use (STARLING_TLS_NAMES)',
      (value: string, all: string[]) => [...all, ...value.split(',').filter(Boolean)],
      [],
    )
    .option('-w, --watch', 'stay, and renew when two thirds of the time are over', false)
    .option('-t, --timeout <time>', 'how long to wait for the authority', '10s')
    .addOption(output())
    .action(run(join));
  program
    .command('token')
    .description('make tokens for the API')
    .command('new')
    .description('print a new token, and the line for the file of STARLING_TOKENS_FILE')
    .addOption(new Option('--role <role>', 'what it may do').choices(roles).makeOptionMandatory())
    .requiredOption('--name <name>', 'whose it is; stands in the log')
    .option('--expires <time>', 'how long it counts: 30d, 12h; else it has no end')
    .addOption(output())
    .action(run(tokenNew));
  program
    .command('sim [scenario]')
    .description(
      'run a scenario of the simulator; paper: all of them; search: those that look for something; attacks: those of attackers',
    )
    .option('--list', 'what there is', false)
    .option('--peers <n>', 'size')
    .option('--seed <n>', 'first seed; alone, the only one')
    .option('--seeds <n>', 'how many seeds')
    .option('--faults <n,…>', 'only these of the faults that the seed draws')
    .option('--attackers <percent>', 'attack scenarios: attackers among the peers')
    .option('--requests <n>', 'attack scenarios: requests of each attacker per cycle')
    .option('--poison <n>', 'attack scenarios: poisoned walks per link and cycle')
    .option('--cycles <n>', 'attack scenarios: how many cycles of 1 s')
    .option('--variant <name>', 'attack scenarios: only this mesh of those compared, "defended" for instance')
    .option('--reduced', 'the size that npm test runs', false)
    .option('--full', 'with paper: every scenario at its own size; says first how long that takes', false)
    .option('-j, --jobs <n>', 'seeds at a time; as many as there are cores unless said')
    .option('--resume <file>', 'keeps finished seeds in this file, and does not run again those that are there')
    .addOption(output())
    .action(run(sim));
  sayWhereHelpIs(program, 'starling');
  return program;
}

/** Throws for an option that was given and would do nothing; `instead` says why not. */
function refuse(command: Command, instead: Readonly<Record<string, string>>): void {
  for (const [name, why] of Object.entries(instead)) {
    if (command.getOptionValueSource(name) === 'cli') throw new CliError(`--${name}: ${why}`, exitCode.usage);
  }
}

/** What is wrong with a command's words is told on one line, and where its help is. */
function sayWhereHelpIs(command: Command, path: string): void {
  command.exitOverride((error) => {
    if (error.exitCode === 0 || error.code === 'commander.help') throw error;
    const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
    throw new CliError(`${text}; see ${path} --help`, exitCode.usage);
  });
  for (const inner of command.commands) sayWhereHelpIs(inner, `${path} ${inner.name()}`);
}

/** What to do about a refusal for want of a token or of rights, or about a peer that is not there. */
function adviceOf({ reason }: StarlingError): string {
  switch (reason) {
    case 'TOKEN_MISSING':
      return `: give one with --token FILE or STARLING_TOKEN; a mesh of this machine keeps its own in ${defaultData}/ (--data DIR)`;
    case 'TOKEN_UNKNOWN':
    case 'TOKEN_EXPIRED':
      return ': ask whoever runs the mesh for another, or make one with `starling token new`';
    case 'ROLE_TOO_LOW':
      return ': use a token with that role';
    case 'UNREACHABLE':
      return ': is a mesh running there? npm start runs one on this machine and prints its addresses (--address)';
    case 'UNKNOWN_METHOD':
      return ': is that the port of an API, as 7401? At 7400 peers talk to each other';
    default:
      return '';
  }
}

/** `lookup …`: exact keys. */
function lookupCommands(
  program: Command,
  run: <A extends unknown[]>(action: (...args: A) => Promise<number>) => (...args: A) => Promise<void>,
): void {
  const lookup = program.command('lookup').description('keep values under keys, and find them, anywhere in the mesh');
  const command = (usage: string, about: string) =>
    meshCommand(lookup, usage, about).option('--trace', 'show every call between peers', false);
  looking(command('get <key>', 'the records of a key; exit code 1: there is none')).action(run(lookupGet));
  onPaths(command('put <key> [value]', 'put a value under a key; - or nothing: standard input'))
    .option('--ttl <time>', 'how long it is kept: 30m, 12h, 7d', '24h')
    .option('--record-version <n>', 'a higher one replaces a lower one of the same publisher (default: the time in ms)')
    .action(run(lookupPut));
  onPaths(command('find <name>', 'the peers that offer something'))
    .option('-l, --limit <n>', 'peers at most', '20')
    .action(run(lookupFind));
}

/** `ca …`: the mesh's authority. */
function caCommands(
  program: Command,
  run: <A extends unknown[]>(action: (...args: A) => Promise<number>) => (...args: A) => Promise<void>,
): void {
  const ca = program.command('ca').description("the mesh's authority, which says who is a peer");
  const command = (usage: string, about: string) =>
    ca
      .command(usage)
      .description(about)
      .requiredOption(
        '--ca <dir>',
        'directory with ca.key and ca.crt, and trusted.crt for others to be trusted beside it',
      )
      .option('--mesh <name>', 'name of the mesh', 'starling');
  const issuing = (usage: string, about: string) =>
    command(usage, about)
      .option(
        '--allow <name,…>',
        'names that may be asked for beside localhost: a.example, *.b.example, 10.0.0.0/8',
        (value: string, all: string[]) => [...all, ...value.split(',').filter(Boolean)],
        [],
      )
      .option('--lifetime <time>', 'how long a certificate is good', '24h');
  command('init', 'make an authority, unless there is one').action(run(caInit));
  issuing('issue <request>', 'answer one request; -: standard input')
    .option('--out <file>', 'write the certificate there')
    .action(run(caIssue));
  command('token', 'make a token that lets one peer in, which shares no directory with the authority')
    .requiredOption('--for <time>', 'how long it is good: 1h, at most 7d')
    .action(run(caToken));
  issuing('serve [dir...]', "answer requests in peers' TLS directories and at --join-port, and renew, for ever")
    .option('--join-port <p>', 'give certificates for tokens there (starling join), over TLS; 0: any free port')
    .option('--join-host <host>', 'where to listen for that', '0.0.0.0')
    .option(
      '--join-name <name,…>',
      'names in the certificate of that server',
      (value: string, all: string[]) => [...all, ...value.split(',').filter(Boolean)],
      [],
    )
    .option('--health-port <p>', 'answer GET there: 200 while all is well')
    .option('--health-host <host>', 'where to listen for that', '0.0.0.0')
    .action(run(caServe));
}

/** One line for a person, and the code for a script. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  if (error instanceof CliError) {
    console.error(`starling: ${error.message}`);
    if (error.picture !== '') console.error(error.picture);
    return error.exitCode;
  }
  if (error instanceof StarlingError) {
    console.error(`starling: ${error.message} (${error.reason})${adviceOf(error)}`);
    if (error.code === 'UNAUTHENTICATED' || error.reason === 'ROLE_TOO_LOW') return exitCode.noPermission;
    if (error.code === 'UNAVAILABLE') return exitCode.unavailable;
    return error.code === 'INVALID_ARGUMENT' ? exitCode.usage : exitCode.incomplete;
  }
  console.error(`starling: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return exitCode.incomplete;
}

/** A reader that has seen enough (`starling sub … | head -1`) closes the pipe: that is no error. A full disk is one. */
function unwritten({ code, message }: NodeJS.ErrnoException): never {
  if (code === 'EPIPE') process.exit(exitCode.ok);
  console.error(`starling: what this command says could not be written: ${message}`);
  process.exit(exitCode.output);
}
process.stdout.on('error', unwritten);

async function main(): Promise<void> {
  let code: number = exitCode.ok;
  try {
    await build((value) => {
      code = value;
    }).parseAsync();
  } catch (error) {
    code = report(error);
  }
  process.exitCode = code;
  // Everything is closed by now; what is left open would only be a connection that is being ended.
  process.stdout.write('', (error) => (error ? unwritten(error) : process.exit(code)));
}

// The simulator's threads run this very bundle.
if (!isSeedWorker) await main();

import { tlsOf } from '../authority-file.ts';
import { diagnose } from '../doctor/diagnosis.ts';
import { type Finding, finding, type Level, named } from '../doctor/finding.ts';
import { inTurn, isOpen, type Probed, probeAll, probedMax } from '../doctor/probe.ts';
import { examineData } from '../doctor/this-machine.ts';
import { exitCode } from '../exit-codes.ts';
import { json, printable } from '../output.ts';
import { addressesOf, milliseconds, type SessionOptions } from '../session.ts';
import { findToken, isLoopback } from '../tokens/find-token.ts';

const marks: Readonly<Record<Level, string>> = { ok: 'ok  ', note: 'note', warn: 'WARN', fail: 'FAIL' };

/** `doctor`: asks every peer, and says in plain lines what is well and what to do. 0: nothing fails; 1: something does. */
export async function doctor(options: SessionOptions & { readonly strict: boolean }): Promise<number> {
  const addresses = addressesOf(options.address);
  const timeoutMs = milliseconds('--timeout', options.timeout);
  const token = findToken(options, { role: 'viewer', addresses, env: process.env });
  const tls = tlsOf(options);
  const probed = await probeAll(addresses, { tls, ...(token !== undefined && { token }) }, timeoutMs);
  const findings = [
    ...diagnose(probed, { now: Date.now(), isEncrypted: tls !== 'off' }),
    ...(await ports(probed, timeoutMs)),
    ...(addresses.every(isLoopback) ? examineData(options.data) : []),
  ];
  const known = new Set(probed.flatMap((each) => (each.ok ? each.members.map(({ id }) => id) : [])));
  if (known.size > probedMax) {
    findings.push(finding('reachable', 'note', `the mesh has ${known.size} peers; ${probed.length} were asked`));
  }
  const count = (level: Level): number => findings.filter((each) => each.level === level).length;
  const isWell = count('fail') === 0 && !(options.strict && count('warn') > 0);
  if (options.output === 'json') {
    console.log(json({ well: isWell, failures: count('fail'), warnings: count('warn'), findings }, 2));
  } else {
    for (const each of findings) console.log(lineOf(each));
    console.log(`\n${count('fail')} failed, ${count('warn')} to be looked at, ${count('ok')} as they should be`);
  }
  return isWell ? exitCode.ok : exitCode.incomplete;
}

/** Peers must reach each other's link ports. Seen from here that says something about peers of this machine only. */
async function ports(probed: readonly Probed[], timeoutMs: number): Promise<Finding[]> {
  const here = probed.flatMap((each) => (each.ok && isLoopback(each.peer.linkAddress) ? [each.peer] : []));
  if (here.length === 0) return [];
  const open = await inTurn(here, ({ linkAddress }) => isOpen(linkAddress, timeoutMs));
  const closed = here.filter((_peer, index) => open[index] !== true);
  return [
    closed.length === 0
      ? finding('ports', 'ok', 'the link ports of the peers on this machine are open')
      : finding(
          'ports',
          'fail',
          `${named(closed.map(({ name, linkAddress }) => `${name} (${linkAddress})`))} ${closed.length === 1 ? 'takes' : 'take'} no links`,
          'is STARLING_LINK_ADVERTISE right, and does a firewall let peers in?',
        ),
  ];
}

function lineOf({ level, text, advice }: Finding): string {
  return `${marks[level]}  ${printable(text)}${advice === undefined ? '' : `\n      → ${printable(advice)}`}`;
}

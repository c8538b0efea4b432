import { methodPolicy } from './policy.ts';
import { allows, roles } from './roles.ts';

/** The table of docs/security/authorisation.md, from the policy. */
export function policyTable(): string {
  const rows = Object.entries(methodPolicy).map(([path, rule]) => {
    const marks = roles.map((role) => (allows(role, rule.role) ? 'yes' : 'no'));
    return `| \`${path.slice(1)}\` | ${marks.join(' | ')} |`;
  });
  return `| method | ${roles.join(' | ')} |\n| --- |${' --- |'.repeat(roles.length)}\n${rows.join('\n')}\n`;
}

/** The page with its table as the policy has it now. */
export function withPolicyTable(page: string): string {
  return page.replace(/(<!-- policy -->\n).*?(<!-- \/policy -->)/s, (_all, begin, end) => begin + policyTable() + end);
}

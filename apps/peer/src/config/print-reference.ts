// Writes docs/configuration.md, and the table in docs/security/authorisation.md: `npm run docs -w @starling/peer`.
import { readFileSync, writeFileSync } from 'node:fs';
import { withPolicyTable } from '../auth/reference.ts';
import { configurationReference } from './reference.ts';

const page = (name: string): URL => new URL(`../../../../docs/${name}`, import.meta.url);
writeFileSync(page('configuration.md'), configurationReference());
const authorisation = page('security/authorisation.md');
writeFileSync(authorisation, withPolicyTable(readFileSync(authorisation, 'utf8')));

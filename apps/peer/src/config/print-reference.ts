// Writes docs/configuration.md: `npm run docs -w @starling/peer`.
import { writeFileSync } from 'node:fs';
import { configurationReference } from './reference.ts';

writeFileSync(new URL('../../../../docs/configuration.md', import.meta.url), configurationReference());

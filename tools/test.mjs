// Runs every test with Vitest and ends with one counted line. A test that needs a foreign tool skips itself by name where
// the tool is missing; with STARLING_REQUIRE_ALL=1 a skip is a failure.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './setup.mjs';

const folder = mkdtempSync(join(tmpdir(), 'starling-test-'));
const report = join(folder, 'report.json');
const vitest = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
let results;
try {
  results = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('starling: the test runner wrote no report');
  process.exit(vitest.status || 1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const tests = results.testResults.flatMap((file) =>
  file.assertionResults.map((test) => ({ ...test, file: file.name })),
);
const skipped = tests.filter(
  (test) => test.status === 'skipped' || test.status === 'pending' || test.status === 'todo',
);
const passed = tests.filter((test) => test.status === 'passed').length;
// A file that broke before its first test counts as one failure.
const broken = results.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failed = tests.filter((test) => test.status === 'failed').length + broken;
for (const test of skipped) console.log(`skipped: ${test.fullName}`);
const strict = process.env.STARLING_REQUIRE_ALL === '1';
if (strict && skipped.length > 0)
  console.error(`starling: ${skipped.length} skipped under STARLING_REQUIRE_ALL=1: that is a failure`);
console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
process.exit(vitest.status || (failed > 0 || passed === 0 || (strict && skipped.length > 0) ? 1 : 0));

/**
 * npm test: from a fresh clone to a verdict. Installs what is missing, builds, runs every test, and closes with
 * `N passed, N failed, N skipped`.
 *
 * Arguments go to vitest: `npm test -- src/btf` runs those tests alone. In CI, where bpf(2) works, it is a failure when
 * tests of the real kernel (`[kernel]` in their names) were skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bin, build, install, ROOT, requireNode, step } from './house/steps.mjs';

requireNode();
await install();
await build();

const results = join(ROOT, 'node_modules', '.cache', 'vitest', 'results.json');
mkdirSync(dirname(results), { recursive: true });
const run = await step(
  'tests',
  bin('vitest'),
  ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${results}`, ...process.argv.slice(2)],
  { show: true },
);
if (!existsSync(results)) {
  console.error('the test runner left no results');
  process.exit(1);
}
const report = JSON.parse(readFileSync(results, 'utf8'));
const skipped = report.numPendingTests + report.numTodoTests;
if (skipped > 0) {
  console.log('\nskipped:');
  for (const file of report.testResults) {
    const names = file.assertionResults
      .filter((t) => t.status !== 'passed' && t.status !== 'failed')
      .map((t) => t.fullName);
    if (names.length > 0)
      console.log(`  ${relative(ROOT, file.name)}: ${names.length} (${names[0]}${names.length > 1 ? ', …' : ''})`);
  }
}
console.log(`\n${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`);
const missed = report.testResults
  .flatMap((f) => f.assertionResults)
  .filter((t) => /\[kernel\] \(bpf\(2\) does not work/.test(t.fullName));
if (process.env.CI === 'true' && missed.length > 0 && bpfWorks()) {
  console.error(`${missed.length} tests of the real kernel were skipped although bpf(2) works here:`);
  for (const t of missed) console.error(`  ${t.fullName}`);
  process.exit(1);
}
process.exit(run.ok && report.numPassedTests > 0 ? 0 : 1);

function bpfWorks() {
  return spawnSync(process.execPath, ['tools/house/bpf-works.mjs'], { cwd: ROOT, stdio: 'ignore' }).status === 0;
}

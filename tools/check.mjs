/**
 * npm run check: everything that CI wants besides the tests: format and lint, types, floating promises, layers, dead
 * code, generated files up to date. With `--tests` the tests too. Every step runs, so one run shows all that is wrong.
 */
import { bin, install, requireNode, step } from './house/steps.mjs';

requireNode();
await install();

const steps = [
  ['format and lint (biome)', bin('biome'), ['check', '.']],
  ['types (tsc)', bin('tsc'), ['-b']],
  ['promises (oxlint)', bin('oxlint'), ['--type-aware', '-c', 'tools/house/oxlint.json', 'src']],
  ['layers', process.execPath, ['tools/check-layers.mjs']],
  ['dead code (knip)', bin('knip'), ['--no-progress', '-c', 'tools/house/knip.json']],
  ['generated files', bin('tsx'), ['tools/generate.ts', '--check']],
  ...(process.argv.includes('--tests') ? [['tests', process.execPath, ['tools/test.mjs']]] : []),
];
const failed = [];
for (const [title, command, args] of steps) {
  const { ok } = await step(title, command, args);
  if (!ok) failed.push(title);
}
if (failed.length > 0) {
  console.error(`\n${failed.length} of ${steps.length} checks failed: ${failed.join(', ')}`);
  process.exit(1);
}
console.log(`${steps.length} checks passed`);

/** npm run check:layers: imports against layers.mjs, and that the checker really saw every source file. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bin, ROOT } from './house/steps.mjs';

const sources = readdirSync(join(ROOT, 'src'), { recursive: true }).filter((f) => f.endsWith('.ts'));
const run = spawnSync(bin('depcruise'), ['src', '--config', 'tools/house/dependency-cruiser.mjs', '--output-type', 'json'], {
  cwd: ROOT,
  encoding: 'utf8',
  maxBuffer: 1 << 28,
});
let report;
try {
  report = JSON.parse(run.stdout);
} catch {
  console.error(`the import checker printed no report:\n${run.stderr}${run.stdout.slice(0, 2000)}`);
  process.exit(1);
}
const { modules, summary } = report;
const seen = modules.filter((m) => m.source.startsWith('src/')).length;
const edges = modules.reduce((n, m) => n + (m.source.startsWith('src/') ? m.dependencies.length : 0), 0);

for (const v of summary.violations) {
  const cycle = v.cycle ? ` -> ${v.cycle.map((c) => c.name ?? c).join(' -> ')}` : '';
  console.error(`${v.rule.name}: ${v.from} -> ${v.to}${cycle}`);
}
// A checker that cannot parse TypeScript reports success over nothing: compare with what is on disk.
const blind = seen < sources.length || edges < sources.length / 2;
if (blind) console.error(`saw ${seen} of ${sources.length} files and ${edges} imports: the import checker cannot read this TypeScript`);
console.log(`${seen} files, ${edges} imports, ${summary.violations.length} against the layers`);
process.exit(summary.violations.length > 0 || blind ? 1 : 0);

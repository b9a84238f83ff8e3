/**
 * What loading costs: from BPF_PROG_LOAD to the first result, for programs of a hundred to four thousand instructions, in
 * a process that has loaded others before (warm: a program never seen before, and one that was), and in one that has
 * not (cold: the built package, without the time to import it, which stands beside it).
 *
 *     npm run build && npx tsx bench/load.ts [-j] [--figures]
 */
import { spawnSync } from 'node:child_process';
import { createKernel } from '../src/kernel/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';
import { firstResult } from './load/first-result.ts';
import { programOf } from './load/program.ts';

const SIZES = [100, 1000, 4000];
const WARM_ROUNDS = 60;
const COLD_PROCESSES = 20;
const COLD = new URL('load/cold.mjs', import.meta.url).pathname;

interface Cost {
  readonly insns: number;
  /** Milliseconds: of verifying, and of compiling and the first run; both for a program loaded again; cold, and of that with a processor; of importing. */
  readonly load: number;
  readonly run: number;
  readonly again: number;
  readonly cold: number;
  readonly cpu: number;
  readonly importing: number;
}

/** The least of many; with `salt`, programs never seen before. */
async function warm(size: number, salted: boolean): Promise<{ load: number; run: number }> {
  const kernel = createKernel().open();
  let best = { load: Number.POSITIVE_INFINITY, run: 0 };
  for (let round = 0; round < WARM_ROUNDS; round++) {
    const took = await firstResult(kernel, programOf(size, salted ? round : 0));
    if (took.load + took.run < best.load + best.run) best = took;
  }
  return best;
}

/** Each in a process of its own. */
function cold(size: number): { first: number; cpu: number; importing: number } {
  const best = { first: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY, importing: Number.POSITIVE_INFINITY };
  for (let i = 0; i < COLD_PROCESSES; i++) {
    const { stdout, stderr } = spawnSync(process.execPath, [COLD], { encoding: 'utf8', input: programOf(size, i) });
    if (stdout === '') throw new Error(`no answer from the built package (npm run build):\n${stderr}`);
    const took = JSON.parse(stdout) as typeof best;
    for (const key of ['first', 'cpu', 'importing'] as const) best[key] = Math.min(best[key], took[key]);
  }
  return best;
}

const costs: Cost[] = [];
for (const insns of SIZES) {
  const { load, run } = await warm(insns, true);
  const again = await warm(insns, false);
  const { first, cpu, importing } = cold(insns);
  costs.push({ insns, load, run, again: again.load + again.run, cold: first, cpu, importing });
}
const head = [
  'instructions',
  'warm, ms',
  'verifying',
  'compiling, running',
  'again, ms',
  'cold, ms',
  'of it CPU',
  'importing, ms',
];
const body = table(
  head,
  costs.map(({ insns, load, run, again, cold: first, cpu, importing }) => [
    `${insns}`,
    ...[load + run, load, run, again, first, cpu, importing].map((ms) => ms.toFixed(1)),
  ]),
);
process.stdout.write(process.argv.includes('-j') ? `${JSON.stringify(costs)}\n` : `${body}\n`);
if (process.argv.includes('--figures')) {
  const note =
    'From BPF_PROG_LOAD to the first result; cold is the first program of a process that has imported the built package. CPU is what its thread had of a processor, which a busy machine changes less.';
  writeFigures('Loading', 'npx tsx bench/load.ts --figures', `${note}\n\n${body}`);
}

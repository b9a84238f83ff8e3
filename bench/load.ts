/**
 * What loading costs: from BPF_PROG_LOAD to the first result, for programs of a hundred to four thousand instructions, in
 * a process that has loaded others before (warm: a program never seen before, and one that was), and in one that has
 * not (cold: the built package, without the time to import it, which stands beside it).
 *
 *     npm run build && npx tsx bench/load.ts [-j] [--figures]
 */
import { createKernel } from '../src/kernel/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';
import { type Cold, cold } from './load/cold.ts';
import { firstResult } from './load/first-result.ts';
import { programOf } from './load/program.ts';

const SIZES = [100, 1000, 4000];
const WARM_ROUNDS = 60;
const COLD_PROCESSES = 20;

interface Warm {
  /** Milliseconds: BPF_PROG_LOAD, and the first run. */
  readonly load: number;
  readonly run: number;
}

/** The least of many; with `salt`, programs never seen before. */
async function warm(size: number, salted: boolean): Promise<Warm> {
  const kernel = createKernel().open();
  let best = { load: Number.POSITIVE_INFINITY, run: 0 };
  for (let round = 0; round < WARM_ROUNDS; round++) {
    const took = await firstResult(kernel, programOf(size, salted ? round : 0));
    if (took.load + took.run < best.load + best.run) best = took;
  }
  return best;
}

const costs: { insns: number; fresh: Warm; again: Warm; cold: Cold }[] = [];
for (const insns of SIZES) {
  const fresh = await warm(insns, true);
  const again = await warm(insns, false);
  costs.push({ insns, fresh, again, cold: cold(insns, COLD_PROCESSES) });
}

const row = (insns: number, ms: readonly number[]): string[] => [`${insns}`, ...ms.map((n) => n.toFixed(1))];
const warmTable = table(
  ['instructions', 'warm, ms', 'loading', 'first run', 'again, ms'],
  costs.map(({ insns, fresh: { load, run }, again }) => row(insns, [load + run, load, run, again.load + again.run])),
);
const coldTable = table(
  [
    'instructions',
    'cold, ms',
    'median',
    'of it CPU',
    'median',
    'verifying',
    'making',
    'first run',
    'before: importing',
    'a kernel',
  ],
  costs.map(({ insns, cold: { first, phases } }) =>
    row(insns, [
      first.least.ms,
      first.median.ms,
      first.least.cpu,
      first.median.cpu,
      phases.verifying,
      phases.making,
      phases.running,
      phases.importing,
      phases.kernel,
    ]),
  ),
);
const body = `${warmTable}\n\n${coldTable}`;
process.stdout.write(process.argv.includes('-j') ? `${JSON.stringify(costs)}\n` : `${body}\n`);
if (process.argv.includes('--figures')) {
  const note = `From BPF_PROG_LOAD to the first result, the least of many. Cold is the first program of a process that has imported the built package: least and median of ${COLD_PROCESSES} processes. CPU is what its thread had of a processor, which a busy machine changes less; the phases are told in it.`;
  writeFigures('Loading', 'npx tsx bench/load.ts --figures', `${note}\n\n${body}`);
}

/**
 * What verification costs: every program case of the corpus, here and by the machine's kernel, which says its own
 * `verification time` at log level 4. One after the other is loaded there and here, all of them a few times in one run,
 * and the least counts on both sides: the rest is what else the machine did, and V8 getting to know the verifier. What
 * the first time took is printed, too.
 * `-j` prints JSON. As root.
 *
 *     npx tsx bench/verifier.ts [-j] [--figures] [FILE.jsonl.gz…]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { programsOf, readCaseFile } from '../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../src/bin/cases/host.ts';
import { BtfObjects } from '../src/bin/cases/objects.ts';
import { logAt } from '../src/bin/cases/program.ts';
import { createKernel } from '../src/kernel/index.ts';
import { BPF_LOG_STATS } from '../src/uapi/flags.ts';
import { StatePool, type VerifierResult, verify } from '../src/verifier/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';

const CORPUS = join(import.meta.dirname, '..', '..', 'shared', 'corpus');
const FILES = ['ebpf_samples', 'selftests_progs'].map((name) => join(CORPUS, `${name}.jsonl.gz`));
/** Times that each program is loaded, on each side. */
const ROUNDS = 4;
/** The slowest programs that are named. */
const NAMED = 8;

/** Milliseconds; `first…` are those of the first time. */
interface Cost {
  id: string;
  insns: number;
  here: number;
  linux: number;
  firstHere: number;
  firstLinux: number;
}

/** An embedded kernel that says what its verifier took for the program that was loaded last. */
function timedHost(): { host: CaseHost; last(): { result: VerifierResult; ms: number } | undefined } {
  let last: { result: VerifierResult; ms: number } | undefined;
  const pool = new StatePool();
  const embedded = createKernel({
    verify(input) {
      const start = performance.now();
      const result = verify(input, pool);
      last = { result, ms: performance.now() - start };
      return result;
    },
  });
  const kernel = embedded.open({ pid: process.pid, comm: 'bench' });
  return { host: { kernel, acceptedLog: () => last?.result.log }, last: () => last };
}

/** Loads every program of `file` here and there, and keeps in `costs` what it took where that is less than before. */
async function measure(file: string, costs: Map<string, Cost>): Promise<void> {
  const cases = readCaseFile(file);
  const { btfDirectory } = cases;
  const linux = await openCaseHost('linux');
  const here = timedHost();
  const theirBtfs = new BtfObjects(linux.kernel);
  const ourBtfs = new BtfObjects(here.host.kernel);
  try {
    for (const c of programsOf(cases)) {
      if (c.env !== undefined) continue;
      const { log } = await logAt(linux, theirBtfs, btfDirectory, c, BPF_LOG_STATS);
      const said = /verification time (\d+) usec/.exec(log);
      if (!said) continue;
      const theirs = Number(said[1]) / 1000;
      await logAt(here.host, ourBtfs, btfDirectory, c, BPF_LOG_STATS);
      const { result, ms } = here.last()!;
      // Another verdict is another amount of work.
      if (result.ok !== c.accept) continue;
      const first = { here: ms, linux: theirs, firstHere: ms, firstLinux: theirs };
      const cost = costs.get(c.id) ?? { id: c.id, insns: result.stats.processed, ...first };
      cost.here = Math.min(cost.here, ms);
      cost.linux = Math.min(cost.linux, theirs);
      costs.set(c.id, cost);
    }
  } finally {
    await theirBtfs.close();
    await ourBtfs.close();
    await linux.kernel.close();
    await here.host.kernel.close();
  }
}

const sum = (costs: readonly Cost[], what: Exclude<keyof Cost, 'id'>): number =>
  costs.reduce((total, c) => total + c[what], 0);
const ms = (x: number): string => x.toFixed(x < 10 ? 1 : 0);

function line(name: string, costs: readonly Cost[]): string[] {
  const here = sum(costs, 'here');
  const linux = sum(costs, 'linux');
  const first = sum(costs, 'firstHere') / sum(costs, 'firstLinux');
  const ratio = (here / linux).toFixed(2);
  return [name, `${costs.length}`, `${sum(costs, 'insns')}`, ms(here), ms(linux), ratio, first.toFixed(2)];
}

async function main(argv: readonly string[]): Promise<void> {
  const { values: options, positionals } = parseArgs({
    args: [...argv],
    options: { json: { type: 'boolean', short: 'j' }, figures: { type: 'boolean' } },
    allowPositionals: true,
  });
  const files = positionals.length > 0 ? positionals : FILES;
  const missing = files.find((f) => !existsSync(f));
  if (missing) {
    process.stdout.write(`skipped: ${missing} is not there\n`);
    return;
  }
  const costs = files.map(() => new Map<string, Cost>());
  for (let round = 0; round < ROUNDS; round++) {
    for (const [k, file] of files.entries()) await measure(file, costs[k]!);
  }
  const all = costs.flatMap((of) => [...of.values()]);
  const rows = files.map((file, k) => line(readCaseFile(file).name, [...costs[k]!.values()]));
  rows.push(line('all', all));
  const slowest = all.toSorted((a, b) => b.here - a.here).slice(0, NAMED);
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ratio: sum(all, 'here') / sum(all, 'linux'), costs: all })}\n`);
    return;
  }
  const head = ['cases', 'programs', 'instructions', 'here, ms', 'Linux, ms', 'ratio', 'the first time'];
  const body = table(head, rows);
  process.stdout.write(`${body}\n\n`);
  for (const c of slowest) process.stdout.write(`${line(c.id, [c]).join('  ')}\n`);
  if (!options.figures) return;
  writeFigures(
    'Verification',
    'npx tsx bench/verifier.ts --figures',
    `Least of ${ROUNDS} times on both sides.\n\n${body}`,
  );
}

await main(process.argv.slice(2));

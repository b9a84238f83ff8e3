/**
 * What verification costs: every program case of the corpus, here and by the machine's kernel, which says its own
 * `verification time` at log level 4, one after the other in one run. `-j` prints JSON. As root.
 *
 *     npx tsx bench/verifier.ts [-j] [FILE.jsonl.gz…]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { programsOf, readCaseFile } from '../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../src/bin/cases/host.ts';
import { BtfObjects } from '../src/bin/cases/objects.ts';
import { logAt } from '../src/bin/cases/program.ts';
import { createKernel } from '../src/kernel/index.ts';
import { type VerifierResult, verify } from '../src/verifier/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';

const CORPUS = join(import.meta.dirname, '..', '..', 'shared', 'corpus');
const FILES = ['ebpf_samples', 'selftests_progs'].map((name) => join(CORPUS, `${name}.jsonl.gz`));
/** Statistics, and no other text. */
const LOG_STATS = 4;
/** The slowest programs that are named. */
const NAMED = 8;

/** Milliseconds. */
interface Cost {
  id: string;
  insns: number;
  here: number;
  linux: number;
}

/** An embedded kernel that says what its verifier took for the program that was loaded last. */
function timedHost(): { host: CaseHost; last(): { result: VerifierResult; ms: number } | undefined } {
  let last: { result: VerifierResult; ms: number } | undefined;
  const embedded = createKernel({
    verify(input) {
      const start = performance.now();
      const result = verify(input);
      last = { result, ms: performance.now() - start };
      return result;
    },
  });
  const kernel = embedded.open({ pid: process.pid, comm: 'bench' });
  return { host: { kernel, acceptedLog: () => last?.result.log }, last: () => last };
}

async function measure(file: string): Promise<Cost[]> {
  const cases = readCaseFile(file);
  const { btfDirectory } = cases;
  const linux = await openCaseHost('linux');
  const here = timedHost();
  const theirBtfs = new BtfObjects(linux.kernel);
  const ourBtfs = new BtfObjects(here.host.kernel);
  const costs: Cost[] = [];
  try {
    for (const c of programsOf(cases)) {
      if (c.env !== undefined) continue;
      const { log } = await logAt(linux, theirBtfs, btfDirectory, c, LOG_STATS);
      const said = /verification time (\d+) usec/.exec(log);
      if (!said) continue;
      await logAt(here.host, ourBtfs, btfDirectory, c, LOG_STATS);
      const { result, ms } = here.last()!;
      // Another verdict is another amount of work.
      if (result.ok !== c.accept) continue;
      costs.push({ id: c.id, insns: result.stats.processed, here: ms, linux: Number(said[1]) / 1000 });
    }
  } finally {
    await theirBtfs.close();
    await ourBtfs.close();
    await linux.kernel.close();
    await here.host.kernel.close();
  }
  return costs;
}

const sum = (costs: readonly Cost[], what: 'here' | 'linux' | 'insns'): number =>
  costs.reduce((total, c) => total + c[what], 0);
const ms = (x: number): string => x.toFixed(x < 10 ? 1 : 0);

function line(name: string, costs: readonly Cost[]): string[] {
  const here = sum(costs, 'here');
  const linux = sum(costs, 'linux');
  return [name, `${costs.length}`, `${sum(costs, 'insns')}`, ms(here), ms(linux), (here / linux).toFixed(2)];
}

async function main(argv: readonly string[]): Promise<void> {
  const json = argv.includes('-j');
  const named = argv.filter((a) => a !== '-j');
  const files = named.length > 0 ? named : FILES;
  const missing = files.find((f) => !existsSync(f));
  if (missing) {
    process.stdout.write(`skipped: ${missing} is not there\n`);
    return;
  }
  const all: Cost[] = [];
  const rows: string[][] = [];
  for (const file of files) {
    const costs = await measure(file);
    rows.push(line(readCaseFile(file).name, costs));
    all.push(...costs);
  }
  rows.push(line('all', all));
  const slowest = all.toSorted((a, b) => b.here - a.here).slice(0, NAMED);
  if (json) {
    process.stdout.write(`${JSON.stringify({ ratio: sum(all, 'here') / sum(all, 'linux'), costs: all })}\n`);
    return;
  }
  const head = ['cases', 'programs', 'instructions', 'here, ms', 'Linux, ms', 'ratio'];
  const body = table(head, rows);
  process.stdout.write(`${body}\n\n`);
  for (const c of slowest) process.stdout.write(`${line(c.id, [c]).join('  ')}\n`);
  if (named.length === 0) writeFigures('Verification', 'npx tsx bench/verifier.ts', body);
}

await main(process.argv.slice(2));

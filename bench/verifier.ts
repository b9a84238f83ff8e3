/**
 * What verification costs: every program case of the corpus, here and by the machine's kernel, which says its own
 * `verification time` at log level 4, one after the other in one run. `-j` prints JSON. As root.
 *
 *     npx tsx bench/verifier.ts [-j] [FILE.jsonl.gz…]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openCaseHost } from '../src/bin/cases/host.ts';
import { BtfObjects } from '../src/bin/cases/objects.ts';
import { logAt } from '../src/bin/cases/program.ts';
import { verify } from '../src/verifier/index.ts';
import { BtfCache, inputOf, readCases } from '../test/oracle/cases.ts';
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

async function measure(file: string): Promise<Cost[]> {
  const { cases, btfDir } = readCases(file);
  const read = new BtfCache(btfDir);
  const host = await openCaseHost('linux');
  const btfs = new BtfObjects(host.kernel);
  const costs: Cost[] = [];
  try {
    for (const c of cases) {
      if (c.env !== undefined) continue;
      const { log } = await logAt(host, btfs, btfDir, c as Parameters<typeof logAt>[3], LOG_STATS);
      const said = /verification time (\d+) usec/.exec(log);
      if (!said) continue;
      const input = inputOf(c, read, LOG_STATS);
      const start = performance.now();
      const { ok, stats } = verify(input);
      const here = performance.now() - start;
      // Another verdict is another amount of work.
      if (ok !== c.accept) continue;
      costs.push({ id: c.id, insns: stats.processed, here, linux: Number(said[1]) / 1000 });
    }
  } finally {
    await btfs.close();
    await host.kernel.close();
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
    rows.push(line(readCases(file).file, costs));
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

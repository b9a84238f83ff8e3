/**
 * How costs grow: of a lookup with the entries of its map, of a map's memory with them, of loading with the size of a
 * program. The machine's kernel stands beside it where bpf(2) may be called.
 *
 *     npx tsx bench/scale.ts [-j] [--figures]
 */
import { createKernel } from '../src/kernel/index.ts';
import { openLinuxKernel } from '../src/linux/index.ts';
import { Bpf } from '../src/sys/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';
import { firstResult } from './load/first-result.ts';
import { programOf } from './load/program.ts';
import { ARRAY, filledMap, HASH, lookupNs, type Subject, TRIE } from './scale/lookups.ts';
import { charged, HOLDINGS } from './scale/memory.ts';

const ENTRIES = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
const INSNS = [100, 300, 1000, 3000];
const LOADS = 40;

interface Part {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

type Kernels = readonly (readonly [name: string, bpf: Bpf])[];

async function kernels(): Promise<Kernels> {
  const embedded = ['embedded', new Bpf(createKernel({ memoryLimit: 2 ** 31 }).open())] as const;
  try {
    return [embedded, ['Linux', new Bpf(await openLinuxKernel())]];
  } catch (error) {
    process.stderr.write(`no kernel to compare with: ${(error as Error).message}\n`);
    return [embedded];
  }
}

/** Nanoseconds of a lookup, and how many times what it is with one entry. */
async function lookups(all: Kernels, subject: Subject): Promise<Part> {
  const first: Record<string, number> = {};
  const rows: string[][] = [];
  for (const entries of ENTRIES) {
    const row = [`${entries}`];
    for (const [name, bpf] of all) {
      const map = await filledMap(bpf, subject, entries);
      const ns = await lookupNs(bpf, subject, map, entries);
      await bpf.close(map);
      first[name] ??= ns;
      row.push(ns.toFixed(1), (ns / first[name]).toFixed(1));
    }
    rows.push(row);
  }
  const head = ['entries', ...all.flatMap(([name]) => [`${name} ns`, `of ${ENTRIES[0]}`])];
  return { title: `A lookup, ${subject.name}`, head, rows };
}

async function memory(all: Kernels): Promise<Part> {
  const rows: string[][] = [];
  for (const holding of HOLDINGS) {
    const bytes: number[] = [];
    for (const [, bpf] of all) bytes.push(await charged(bpf, holding));
    const ratio = bytes.length === 2 ? [(bytes[0]! / bytes[1]!).toFixed(2)] : [];
    rows.push([holding.name, `${holding.max_entries}`, ...bytes.map(String), ...ratio]);
  }
  const head = ['map', 'entries', ...all.map(([name]) => `${name} bytes`), ...(all.length === 2 ? ['ratio'] : [])];
  return { title: 'Memory of a map', head, rows };
}

/** Milliseconds from load to first result of a program never seen before, in a process that has loaded many. */
async function loading(): Promise<Part> {
  const kernel = createKernel().open();
  const best = INSNS.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < LOADS; round++) {
    for (const [i, size] of INSNS.entries()) {
      const { load, run } = await firstResult(kernel, programOf(size, round));
      best[i] = Math.min(best[i]!, load + run);
    }
  }
  const rows = INSNS.map((size, i) => [`${size}`, best[i]!.toFixed(2), (best[i]! / best[0]!).toFixed(1)]);
  return { title: 'Loading', head: ['instructions', 'ms', `of ${INSNS[0]}`], rows };
}

const all = await kernels();
const parts = [
  await lookups(all, ARRAY),
  await lookups(all, HASH),
  await lookups(all, TRIE),
  await memory(all),
  await loading(),
];
for (const [, bpf] of all) await bpf.kernel.close();
if (process.argv.includes('-j')) {
  process.stdout.write(`${JSON.stringify({ node: process.version, parts })}\n`);
} else {
  for (const { title, head, rows } of parts) process.stdout.write(`${title}\n\n${table(head, rows)}\n\n`);
}
if (process.argv.includes('--figures')) {
  const note =
    'Lookups choose an entry by chance, so with many entries they wait for the machine’s memory, as those of the array show, where nothing is searched for; loading is warm, from BPF_PROG_LOAD to the first result.';
  const body = parts.map(({ title, head, rows }) => `${title}:\n\n${table(head, rows)}`).join('\n\n');
  writeFigures('Scale', 'npx tsx bench/scale.ts --figures', `${note}\n\n${body}`);
}

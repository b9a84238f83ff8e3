/**
 * npm run oracle: random programs on the machine's kernel and on the embedded one. Same verdict, errno, last message,
 * statistics, and with --logs the same level-2 log; for accepted ones the same return value, packet and map contents.
 *
 *   npm run oracle -- [--count N] [--seed N] [--keep N] [--to DIRECTORY] [--logs] [--engines] [--figures] [-j]
 *                     [--mutate FILE]... [--replay FILE]...
 *
 * With --engines every program is one that is run, on interpreter and JIT, checked and not, with several packets. With --mutate the programs are mutants of the cases in the files (test/support/generator/mutate.ts) instead of
 * generated ones, with --replay the cases themselves. The first programs of every class of disagreement that is not known (known.ts) are made minimal and
 * kept under test/oracle/kept/ (or DIRECTORY), which the test beside this file replays; then it exits with 1. Root only; it attaches
 * to nothing.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { UsageError } from '../../src/base/errors.ts';
import { type ProgramCase, programsOf, readCaseFile } from '../../src/bin/cases/case.ts';
import { table, writeFigures } from '../../tools/house/figures.mjs';
import { mutantsOf } from '../support/generator/mutate.ts';
import { generateProgram } from '../support/generator/program.ts';
import { GENERATED_BTF } from '../support/generator/types.ts';
import { classOf, type Disagreement } from './differential/disagreement.ts';
import { programOf, withProgram } from './differential/edit.ts';
import { KernelPair } from './differential/kernels.ts';
import { assemblyOf, caseOf, GENERATED_TYPES, withAnswer, withMorePackets } from './differential/program-case.ts';
import { shrink } from './differential/shrink.ts';
import { KNOWN } from './known.ts';

interface Class {
  name: string;
  count: number;
  seeds: number[];
  minimal: { file: string; assembly: string; differ: Disagreement }[];
}

const options = readOptions(process.argv.slice(2));
const classes = new Map<string, Class>();
let accepted = 0;
let compared = 0;
let same = 0;

const files = [...options.mutate, ...options.replay].map(readCaseFile);
const btfDirectory = files[0]?.btfDirectory ?? '';
const replayed = options.replay.length > 0 ? files.flatMap(programsOf) : [];
const count = replayed.length || options.count;
const kernels = await KernelPair.open({ btfDirectory, logs: options.logs, engines: options.engines });
try {
  const mutant = options.mutate.length > 0 ? mutantsOf(files) : undefined;
  for (let i = 0; i < count; i++) {
    const seed = options.seed + i;
    const c = replayed[i] ?? mutant?.(seed) ?? generated(seed);
    const { linux, ours, differ } = await kernels.ask(c);
    if (linux.accept) accepted++;
    if (linux.accept && ours.runs && ours.unrunnable === undefined && c.deterministic !== false) compared++;
    if (differ === undefined) same++;
    else await note(c, seed, differ);
    if (process.stderr.isTTY) process.stderr.write(`\r${i + 1} programs, ${i + 1 - same} disagree `);
  }
} finally {
  await kernels.close();
}
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
report();
process.exitCode = [...classes.keys()].every(isKnown) ? 0 : 1;

function generated(seed: number): ProgramCase {
  const given = { types: GENERATED_TYPES };
  if (!options.engines) return caseOf(generateProgram(seed, given));
  return withMorePackets(caseOf(generateProgram(seed, { ...given, packets: true, mistakes: 0 })));
}

async function note(c: ProgramCase, seed: number, differ: Disagreement): Promise<void> {
  const name = classOf(differ, c);
  let row = classes.get(name);
  if (!row) {
    row = { name, count: 0, seeds: [], minimal: [] };
    classes.set(name, row);
  }
  row.count++;
  if (row.seeds.length < 5) row.seeds.push(seed);
  if (!isKnown(name) && row.minimal.length < options.keep) row.minimal.push(await keep(c, seed, name));
}

/** A program of each known class is kept already. */
function isKnown(name: string): boolean {
  return KNOWN.some((known) => known.class.test(name));
}

/** Shrinks the case and writes it down, with what Linux says to the smaller one. */
async function keep(c: ProgramCase, seed: number, name: string) {
  const smallest = await shrink(programOf(c), async (candidate) => {
    const smaller = withProgram(c, candidate);
    const { differ } = await kernels.ask(smaller);
    return differ !== undefined && classOf(differ, smaller) === name;
  });
  const minimal = withProgram(c, smallest);
  const { linux, differ } = await kernels.ask(minimal);
  const id = `${name.split(':')[0]!.replace(/ /g, '-')}-${seed}`;
  const file = `${options.to}/${id}.jsonl`;
  for (const btf of [minimal.prog_btf, ...(minimal.maps ?? []).map((map) => map.btf)]) if (btf) keepTypes(btf);
  mkdirSync(options.to, { recursive: true });
  writeFileSync(file, `${JSON.stringify({ ...withAnswer(minimal, linux), id })}\n`);
  return { file, assembly: assemblyOf(minimal), differ: differ! };
}

function keepTypes(name: string): void {
  const to = `${options.to}/btf/${name}.btf`;
  mkdirSync(`${options.to}/btf`, { recursive: true });
  if (name === GENERATED_BTF) writeFileSync(to, GENERATED_TYPES.bytes);
  else if (!existsSync(to)) copyFileSync(`${btfDirectory}/${name}.btf`, to);
}

function report(): void {
  const { seed, json, figures } = options;
  const rows = [...classes.values()].sort((a, b) => b.count - a.count);
  if (json) process.stdout.write(`${JSON.stringify({ count, seed, accepted, compared, same, classes: rows })}\n`);
  else {
    for (const { name, count: times, seeds, minimal } of rows) {
      process.stdout.write(`${times} x ${name} (seeds ${seeds.join(', ')})\n`);
      for (const { file, assembly, differ } of minimal) {
        process.stdout.write(`\n${assembly.replace(/^/gm, '    ').trimEnd()}\n`);
        process.stdout.write(`    ours:  ${differ.ours}\n    Linux: ${differ.linux}\n    ${file}\n\n`);
      }
    }
    process.stdout.write(
      `${same} of ${count} programs agree; Linux accepts ${accepted}, ${compared} of them were compared by results\n`,
    );
  }
  if (!figures) return;
  const lines = table(
    ['from seed', 'programs', 'accepted', 'results compared', 'agree'],
    [[seed, count, accepted, compared, same]],
  );
  const others =
    rows.length === 0
      ? ''
      : `\n\n${table(
          ['disagreement', 'programs'],
          rows.map((r) => [r.name, r.count]),
        )}`;
  const mutate = options.mutate.map((file) => ` --mutate ${file}`).join('');
  writeFigures(
    options.mutate.length > 0 ? 'Mutated programs' : options.engines ? 'Engines' : 'Generated programs',
    `npm run oracle -- --count ${count} --seed ${seed}${mutate}${options.engines ? ' --engines' : ''} --figures`,
    lines + others,
  );
}

function readOptions(words: readonly string[]) {
  const to = new URL('kept', import.meta.url).pathname;
  const read = {
    count: 1000,
    seed: 1,
    keep: 1,
    to,
    logs: false,
    engines: false,
    json: false,
    figures: false,
    mutate: [] as string[],
    replay: [] as string[],
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const number = () => {
      const text = words[++at] ?? '';
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${word} needs a number`);
      return Number(text);
    };
    if (word === '--count') read.count = number();
    else if (word === '--seed') read.seed = number();
    else if (word === '--keep') read.keep = number();
    else if (word === '-j' || word === '--json') read.json = true;
    else if (word === '--logs') read.logs = true;
    else if (word === '--engines') read.engines = true;
    else if (word === '--figures') read.figures = true;
    else if (word === '--to') read.to = words[++at] ?? '';
    else if (word === '--replay') read.replay.push(words[++at] ?? '');
    else if (word === '--mutate') read.mutate.push(words[++at] ?? '');
    else throw new UsageError(`what is '${word}'?`);
  }
  return read;
}

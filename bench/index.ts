/**
 * What programs cost: the embedded JIT, the interpreter, the machine's kernel and native code, on the same C
 * (suite/programs.c), in one interleaved run. Minimum of many batches.
 *
 *     npm run bench -- [-j] [--figures] [NAME…]
 *
 * `-j` prints JSON; `--figures` writes the section of docs/figures.md. The kernel takes part where bpf(2) may be
 * called, native code where there is a clang.
 */
import { setTimeout } from 'node:timers/promises';
import { createKernel } from '../src/kernel/index.ts';
import { openLinuxKernel } from '../src/linux/index.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';
import { type Contender, native, onKernel } from './suite/contenders.ts';
import { packetsFor } from './suite/maps.ts';
import { asText, cells, GROUPS, geometricMean, means, type Row } from './suite/report.ts';

const ROUNDS = 20;
const BATCH_NS = 2_000_000;
const WARM_UP_NS = 60_000_000;
/** Runs that fit into the ring buffer before it is read: a run writes 32 records of 24 bytes. */
const RING_RUNS = 1200;
const MOST_RUNS = 1 << 20;
/** What the engine makes of hot code it makes beside: on a busy machine that has to get its turn. */
const SETTLE_MS = 300;
const COMPILERS = ['clang-19', 'clang'];

const PROGRAMS = ['return_0', ...GROUPS['compute']!, ...GROUPS['maps']!, 'tail_calls', 'random', 'firewall'];

async function contenders(): Promise<Contender[]> {
  const all = [
    await onKernel('jit', createKernel().open()),
    await onKernel('interpreter', createKernel({ mode: 'interpreter' }).open()),
  ];
  try {
    all.push(await onKernel('kernel', await openLinuxKernel()));
  } catch (error) {
    process.stderr.write(`no kernel to compare with: ${(error as Error).message}\n`);
  }
  for (const compiler of COMPILERS) {
    try {
      all.push(native(compiler));
      break;
    } catch {
      process.stderr.write(`no ${compiler} for native code\n`);
    }
  }
  return all;
}

/** Nanoseconds that `times` runs on each of the packets take, and what they answered. */
async function runAll(c: Contender, program: string, packets: readonly Uint8Array[], times: number) {
  let ns = 0;
  const answers: number[] = [];
  for (const packet of packets) {
    const batch = await c.run(program, packet, times);
    if (batch === null) return null;
    ns += batch.ns;
    answers.push(batch.answer);
  }
  return { ns, answers: answers.join() };
}

/** How many runs make a batch: enough to fill its time, once the code has run for long enough to be made faster. */
async function batchSize(c: Contender, program: string, packets: readonly Uint8Array[]): Promise<number> {
  const most = program.startsWith('ring_') ? RING_RUNS : MOST_RUNS;
  let spent = 0;
  for (let times = 1; ; times = Math.min(times * 4, most)) {
    const ns = (await runAll(c, program, packets, times))!.ns;
    spent += Math.max(ns, 1);
    if (c.name === 'jit' && spent < WARM_UP_NS && (times < most || program.startsWith('ring_'))) continue;
    if (ns < BATCH_NS / 4 && times < most) continue;
    return Math.min(most, Math.max(1, Math.round((times * BATCH_NS) / Math.max(ns, 1))));
  }
}

async function measure(all: readonly Contender[], program: string): Promise<Row> {
  const packets = packetsFor(program);
  const batches = new Map<Contender, number>();
  let answers: string | undefined;
  for (const c of all) {
    const first = await runAll(c, program, packets, 1);
    if (first === null) continue;
    answers ??= first.answers;
    // Native maps begin empty, and so may differ in what they find.
    if (c.name !== 'native' && first.answers !== answers) {
      throw new Error(`${program}: ${c.name} answers ${first.answers}, not ${answers}`);
    }
    await batchSize(c, program, packets);
    if (c.name === 'jit') await setTimeout(SETTLE_MS);
    batches.set(c, await batchSize(c, program, packets));
  }
  const ns: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [c, times] of batches) {
      const { ns: took } = (await runAll(c, program, packets, times))!;
      ns[c.name] = Math.min(ns[c.name] ?? Number.POSITIVE_INFINITY, took / times / packets.length);
    }
  }
  return { program, ns };
}

const args = process.argv.slice(2);
const wanted = args.filter((arg) => !arg.startsWith('-'));
const all = await contenders();
const rows: Row[] = [];
for (const program of PROGRAMS) {
  if (wanted.length === 0 || wanted.includes(program)) rows.push(await measure(all, program));
}
for (const c of all) await c.close();

if (args.includes('-j')) {
  const mean = (group: string) => ({
    kernel: geometricMean(rows, group, 'jit', 'kernel'),
    native: geometricMean(rows, group, 'jit', 'native'),
  });
  const groups = Object.fromEntries(Object.keys(GROUPS).map((group) => [group, mean(group)]));
  process.stdout.write(`${JSON.stringify({ node: process.version, rows, means: groups })}\n`);
} else {
  process.stdout.write(`${asText(rows)}\n`);
}
if (args.includes('--figures')) {
  const { head, rows: body } = cells(rows);
  const note = 'Nanoseconds a run, minimum of many batches. The kernel counts whole nanoseconds.';
  writeFigures(
    'Programs',
    'npm run bench -- --figures',
    `${note}\n\n${table(head, body)}\n\n${means(rows).join('\n\n')}`,
  );
}

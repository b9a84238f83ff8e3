/**
 * What loading costs: from BPF_PROG_LOAD to the first result, for programs of a hundred and of four thousand
 * instructions, in a process that has loaded others before and in one that has not. Of it, what verifying takes.
 *
 *     npx tsx bench/load.ts [-j]
 */
import { spawnSync } from 'node:child_process';
import { assemble, encode } from '../src/isa/index.ts';
import { createKernel } from '../src/kernel/index.ts';
import type { Kernel } from '../src/sys/index.ts';
import { BPF_PROG_TYPE_SOCKET_FILTER } from '../src/uapi/generated/constants.ts';

const SIZES = [100, 1000, 4000];
const WARM_ROUNDS = 60;
const COLD_PROCESSES = 5;

/** A program of about `size` instructions: a branch over one instruction, again and again. `salt` makes it another. */
function programOf(size: number, salt: number): Uint8Array {
  const lines = ['r6 = *(u32 *)(r1 +0)', `r0 = ${salt}`];
  for (let i = 0; lines.length + 1 < size; i++) {
    lines.push(`r0 += ${i + 1}`, 'r6 >>= 1', `r7 = r6`, `r7 &= ${(i % 7) + 1}`);
    lines.push(`if r7 == 3 goto l${i}`, 'r0 ^= r6', `l${i}: r0 *= 3`);
  }
  return encode(assemble([...lines, 'exit'].join('\n')));
}

/** Milliseconds that loading takes, and that the first run takes after it. */
async function load(kernel: Kernel, insns: Uint8Array): Promise<{ load: number; run: number }> {
  const began = performance.now();
  const { ret: fd } = await kernel.bpf('PROG_LOAD', { prog_type: BPF_PROG_TYPE_SOCKET_FILTER, insns, license: 'GPL' });
  const loaded = performance.now();
  await kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), data_out: 64, repeat: 1 });
  const ran = performance.now();
  await kernel.closeFd(fd);
  return { load: loaded - began, run: ran - loaded };
}

async function warm(size: number): Promise<{ load: number; run: number }> {
  const kernel = createKernel().open();
  const best = { load: Number.POSITIVE_INFINITY, run: Number.POSITIVE_INFINITY };
  for (let round = 0; round < WARM_ROUNDS; round++) {
    const took = await load(kernel, programOf(size, round));
    if (took.load + took.run < best.load + best.run) Object.assign(best, took);
  }
  return best;
}

/** In a process of its own: `--once SIZE` prints what the first load of it takes. */
function cold(size: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COLD_PROCESSES; i++) {
    const { stdout } = spawnSync(process.execPath, [...process.execArgv, process.argv[1]!, '--once', `${size}`], {
      encoding: 'utf8',
    });
    best = Math.min(best, Number(stdout));
  }
  return best;
}

const once = process.argv.indexOf('--once');
if (once >= 0) {
  const took = await load(createKernel().open(), programOf(Number(process.argv[once + 1]), 1));
  process.stdout.write(`${took.load + took.run}`);
} else {
  const rows: Record<string, number>[] = [];
  for (const size of SIZES) {
    const { load: loading, run } = await warm(size);
    rows.push({
      insns: size,
      'warm ms': loading + run,
      verify: loading,
      'compile and run': run,
      'cold ms': cold(size),
    });
  }
  if (process.argv.includes('-j')) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else console.table(rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, +v.toFixed(2)]))));
}

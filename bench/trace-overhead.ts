/**
 * What tracing costs a program: microseconds per open(2) and close(2) of one file, of which the open is traced.
 *
 *     npx tsx bench/trace-overhead.ts [ITERATIONS] [ROUNDS]
 *
 * The ways take turns in every round, so that a slow minute of the machine hits all of them; shown are the median and
 * the fastest round. The loop times itself, so that starting up does not count.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assemble, encode } from '../src/isa/index.ts';
import { createKernel } from '../src/kernel/index.ts';
import {
  ProcessSource,
  startProcess,
  type TracedProcess,
  type TraceHandlers,
  type TraceRequest,
} from '../src/sources/index.ts';
import { syscallNumbers } from '../src/sources/process/syscalls/index.ts';
import { Bpf } from '../src/sys/index.ts';
import { acceptAll } from '../test/support/accept-all.ts';

const [iterations = '20000', rounds = '5'] = process.argv.slice(2);
const [OPENAT] = syscallNumbers(['openat']) as [number];
const dir = mkdtempSync(join(tmpdir(), 'skep-bench-'));

/** A loop in C where there is a compiler, else in Node; prints nanoseconds per round. */
function loop(): string[] {
  const source = join(dir, 'loop.c');
  const binary = join(dir, 'loop');
  writeFileSync(
    source,
    `#include <fcntl.h>
     #include <stdio.h>
     #include <stdlib.h>
     #include <time.h>
     #include <unistd.h>
     int main(int argc, char **argv) {
       int n = atoi(argv[1]);
       struct timespec a, b;
       clock_gettime(CLOCK_MONOTONIC, &a);
       for (int i = 0; i < n; i++) close(open("/etc/hostname", O_RDONLY));
       clock_gettime(CLOCK_MONOTONIC, &b);
       printf("%.0f\\n", ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
     }`,
  );
  for (const cc of ['cc', 'clang']) {
    if (spawnSync(cc, ['-O2', '-o', binary, source]).status === 0) return [binary, iterations];
  }
  const script = `const fs = require('fs'), n = +process.argv[1], t = process.hrtime.bigint();
    for (let i = 0; i < n; i++) fs.closeSync(fs.openSync('/etc/hostname'));
    console.log(Number(process.hrtime.bigint() - t) / n)`;
  return [process.execPath, '-e', script, iterations];
}

async function traced(argv: string[], request: Partial<TraceRequest>, handlers: TraceHandlers): Promise<number> {
  const calls = { enter: [OPENAT], exit: [] };
  return output(await startProcess({ argv, stdio: 'pipe', calls, ...request }, handlers));
}

const nothing: TraceHandlers = { onEvent: () => undefined };
const path: TraceHandlers = {
  onEvent: ({ args, task }) => void task.readUser(args[1]!, Math.min(256, 4096 - Number(args[1]! & 4095n))),
};
/** A program of the embedded kernel that copies the path into a map: what a tool like opensnoop does. */
async function withProgram(argv: string[]): Promise<number> {
  const kernel = createKernel({ verify: acceptAll });
  const bpf = new Bpf(kernel.open());
  const map = await bpf.mapCreate({ map_type: 2, key_size: 4, value_size: 256, max_entries: 1 });
  const text = `r3 = *(u64 *)(r1 + 24)
    r1 = map[fd:${map}][0]+0
    r2 = 256
    call bpf_probe_read_user_str#114
    r0 = 0
    exit`;
  const { fd } = await bpf.progLoad({ prog_type: 5, insns: encode(assemble(text)), license: 'GPL' });
  const hook = await bpf.kernel.perfEventOpen({ kind: 'tracepoint', category: 'syscalls', name: 'sys_enter_openat' });
  await bpf.kernel.perfEventAttach(hook, fd);
  return output(await new ProcessSource(kernel).run({ argv, stdio: 'pipe' }));
}

async function output(traced: TracedProcess): Promise<number> {
  let out = '';
  for await (const piece of traced.stdout!) out += piece;
  await traced.gone;
  return Number(out);
}

const strace =
  (...options: string[]) =>
  (argv: string[]) =>
    Number(spawnSync('strace', ['-f', ...options, '-e', 'trace=openat', '-o', '/dev/null', ...argv]).stdout);

const WAYS: Record<string, (argv: string[]) => number | Promise<number>> = {
  bare: ([file, ...args]) => Number(spawnSync(file!, args).stdout),
  'notification, nothing read': (argv) => traced(argv, {}, nothing),
  'notification, path read': (argv) => traced(argv, {}, path),
  'notification, program reads the path': withProgram,
  'ptrace, entry, path read': (argv) => traced(argv, { method: 'ptrace' }, path),
  'ptrace, entry and exit': (argv) => traced(argv, { calls: { enter: [OPENAT], exit: [OPENAT] } }, path),
  'strace -f -e trace=openat': strace(),
  'strace -f --seccomp-bpf -e trace=openat': strace('--seccomp-bpf'),
};

const command = loop();
const times = new Map<string, number[]>(Object.keys(WAYS).map((name) => [name, []]));
for (let round = 0; round < Number(rounds); round++) {
  for (const [name, run] of Object.entries(WAYS)) times.get(name)!.push((await run(command)) / 1000);
}
rmSync(dir, { recursive: true });

const bare = median(times.get('bare')!);
for (const [name, all] of times) {
  const m = median(all);
  console.log(
    `${name.padEnd(42)} ${m.toFixed(2).padStart(8)} µs   +${(m - bare).toFixed(2).padStart(6)}   fastest ${Math.min(...all).toFixed(2)}`,
  );
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

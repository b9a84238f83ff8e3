/**
 * What a run costs: the embedded JIT with and without checks, the interpreter, and the machine's kernel, on programs of
 * our own (vm/programs.c), in one interleaved run. Minimum of many batches. `-j` prints JSON.
 *
 *     npx tsx bench/vm.ts [-j] [NAME…]
 */
import { readFileSync } from 'node:fs';
import { fromHex } from '../src/base/bytes.ts';
import { openLinuxKernel } from '../src/linux/index.ts';
import { Engine, type EngineOptions, LinearMemory } from '../src/vm/index.ts';
import { codeOf } from '../test/support/run-code.ts';

const ROUNDS = 12;
const BATCH_NS = 2_000_000;
const WARM_UP_NS = 60_000_000;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const MODES: Readonly<Record<string, EngineOptions>> = {
  jit: {},
  checked: { checked: true },
  interpreter: { mode: 'interpreter' },
  'interpreter, checked': { mode: 'interpreter', checked: true },
};

interface Contender {
  name: string;
  /** Nanoseconds that `times` runs take. */
  run(times: number): Promise<number>;
}

interface Row {
  program: string;
  /** Slots, and how many instructions one run executes. */
  length: number;
  executed: number;
  /** Nanoseconds a run. */
  ns: Record<string, number>;
}

function embedded(name: string, bytes: Uint8Array, options: EngineOptions): Contender & { answer: number } {
  const mem = new LinearMemory();
  const engine = new Engine(mem, { helpers: new Map() });
  const program = engine.load(codeOf(bytes), options);
  const ctx = mem.alloc(256);
  return {
    name,
    answer: program.run(ctx),
    async run(times) {
      const start = process.hrtime.bigint();
      for (let i = 0; i < times; i++) program.run(ctx);
      return Number(process.hrtime.bigint() - start);
    },
  };
}

/** The machine's kernel, with its own clock: PROG_TEST_RUN answers the average of `repeat` runs. */
async function onLinux(bytes: Uint8Array): Promise<(Contender & { answer: number }) | null> {
  try {
    const kernel = await openLinuxKernel();
    const { ret: fd } = await kernel.bpf('PROG_LOAD', {
      prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
      insns: bytes,
      license: 'GPL',
    });
    const test = (repeat: number) =>
      kernel.bpf('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), data_out: 64, repeat });
    const { retval } = await test(1);
    return {
      name: 'kernel',
      answer: retval >>> 0,
      run: async (times) => (await test(times)).duration * times,
    };
  } catch (error) {
    process.stderr.write(`no kernel to compare with: ${(error as Error).message}\n`);
    return null;
  }
}

function executedBy(bytes: Uint8Array): number {
  const mem = new LinearMemory();
  let steps = 0;
  const onStep = () => void steps++;
  new Engine(mem, { helpers: new Map() }).load(codeOf(bytes), { mode: 'interpreter', onStep }).run(mem.alloc(256));
  return steps;
}

async function measure(program: string, bytes: Uint8Array): Promise<Row> {
  const own = Object.entries(MODES).map(([name, options]) => embedded(name, bytes, options));
  const linux = await onLinux(bytes);
  const contenders = linux ? [...own, linux] : own;
  for (const c of contenders) {
    if (c.answer !== own[0]!.answer)
      throw new Error(`${program}: ${c.name} answers ${c.answer}, not ${own[0]!.answer}`);
  }
  const batch = new Map<Contender, number>();
  for (const c of contenders) {
    for (let times = 1, spent = 0; ; times = Math.min(times * 4, 1 << 20)) {
      const ns = await c.run(times);
      spent += ns;
      if (spent < WARM_UP_NS && c.name !== 'kernel') continue;
      if (ns < BATCH_NS / 4 && times < 1 << 20) continue;
      batch.set(c, Math.max(1, Math.round((times * BATCH_NS) / ns)));
      break;
    }
  }
  const ns: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const c of contenders) {
      const times = batch.get(c)!;
      ns[c.name] = Math.min(ns[c.name] ?? Number.POSITIVE_INFINITY, (await c.run(times)) / times);
    }
  }
  return { program, length: bytes.length / 8, executed: executedBy(bytes), ns };
}

function show(rows: readonly Row[]): string {
  const names = Object.keys(rows[0]!.ns);
  const lines = [
    ['program', 'insns', 'executed', ...names.map((n) => `${n} ns`), ...names.map((n) => `${n}/insn`), 'jit/kernel'],
  ];
  for (const row of rows) {
    const ratio = row.ns['kernel'] ? (row.ns['jit']! / row.ns['kernel']).toFixed(2) : '-';
    lines.push([
      row.program,
      `${row.length}`,
      `${row.executed}`,
      ...names.map((n) => row.ns[n]!.toFixed(1)),
      ...names.map((n) => (row.ns[n]! / row.executed).toFixed(2)),
      ratio,
    ]);
  }
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
    .join('\n');
}

/** Of a ratio over programs that are more than the cost of a call. */
function geometricMean(rows: readonly Row[], of: string, against: string): number {
  const ratios = rows.filter((r) => r.executed > 50 && r.ns[against]).map((r) => Math.log(r.ns[of]! / r.ns[against]!));
  return Math.exp(ratios.reduce((a, b) => a + b, 0) / ratios.length);
}

const args = process.argv.slice(2);
const wanted = args.filter((a) => a !== '-j');
const programs = JSON.parse(readFileSync(new URL('./vm/programs.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const rows: Row[] = [];
for (const [name, hex] of Object.entries(programs)) {
  if (wanted.length === 0 || wanted.includes(name)) rows.push(await measure(name, fromHex(hex)!));
}
const means = Object.fromEntries(
  Object.keys(MODES).map((mode) => [`${mode} / kernel`, geometricMean(rows, mode, 'kernel')]),
);
if (args.includes('-j')) {
  process.stdout.write(`${JSON.stringify({ node: process.version, rows, means })}\n`);
} else {
  const text = Object.entries(means).map(([name, mean]) => `${name}: ${mean.toFixed(2)}`);
  process.stdout.write(`${show(rows)}\n\ngeometric means: ${text.join(', ')}\n`);
}

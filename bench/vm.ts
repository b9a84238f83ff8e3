/**
 * What a run costs: the embedded JIT with and without checks, the interpreter, and the machine's kernel, on programs of
 * our own (vm/programs.c), in one interleaved run. Minimum of many batches. `-j` prints JSON.
 *
 * `--figures` writes the section of docs/figures.md.
 *
 *     npx tsx bench/vm.ts [-j] [--figures] [NAME…]
 */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { fromHex } from '../src/base/bytes.ts';
import { EBADF } from '../src/base/errno.ts';
import { MAP_HEADER_STORAGE, MAP_HEADER_STRIDE } from '../src/base/map-header.ts';
import { assemble, BPF_PSEUDO_MAP_FD, CALL, encode, LD_IMM64 } from '../src/isa/index.ts';
import { openLinuxKernel } from '../src/linux/index.ts';
import { createMap, type KernelMap, type MapEnv } from '../src/maps/index.ts';
import { BPF_FUNC_map_lookup_elem, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH } from '../src/uapi/generated/constants.ts';
import { type Callable, Engine, type EngineOptions, type InlineMap, LinearMemory, NULL_PAGE } from '../src/vm/index.ts';
import { codeOf } from '../test/support/run-code.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';

const ROUNDS = 12;
const BATCH_NS = 2_000_000;
const WARM_UP_NS = 60_000_000;
const SETTLE_MS = 100;
const BPF_PROG_TYPE_SOCKET_FILTER = 1;
const MODES: Readonly<Record<string, EngineOptions>> = {
  jit: {},
  checked: { checked: true },
  interpreter: { mode: 'interpreter' },
  'interpreter, checked': { mode: 'interpreter', checked: true },
};

/** Programs over a map of 64 elements of 8 bytes, which stands for `map[it]`. */
const MAP_PROGRAMS: Readonly<Record<string, { type: number; text: string }>> = {
  array_map: { type: BPF_MAP_TYPE_ARRAY, text: mapLoop() },
  hash_map: { type: BPF_MAP_TYPE_HASH, text: mapLoop() },
};

/** Two hundred lookups; what is found is changed. */
function mapLoop(): string {
  return `
    r6 = 0
    r7 = 0
  again:
    r1 = r6
    r1 &= 63
    *(u32 *)(r10 -4) = r1
    r2 = r10
    r2 += -4
    r1 = 0 ll
    call map_lookup_elem
    if r0 == 0 goto missing
    r1 = *(u64 *)(r0 +0)
    r7 += r1
    *(u64 *)(r0 +0) = r6
  missing:
    r6 += 1
    if r6 != 200 goto again
    r0 = r7
    exit`;
}

/** A program with, where it uses one, its map. */
interface Subject {
  name: string;
  bytes: Uint8Array;
  /** Type of the map, and the slot that refers to it. */
  map?: { type: number; slot: number; call: number };
}

const ELEMENTS = 64;
const keyOf = (i: number): Uint8Array => new Uint8Array(Uint32Array.of(i).buffer);

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

function embedded(name: string, { bytes, map }: Subject, options: EngineOptions): Contender & { answer: number } {
  const mem = new LinearMemory();
  const made = map && makeMap(mem, map.type);
  const engine = new Engine(mem, { helpers: made ? lookupIn(made) : new Map() });
  const code = codeOf(bytes);
  if (map) code.insns.imm[map.slot] = made!.addr;
  const callMaps = new Map<number, InlineMap>();
  if (map) callMaps.set(map.call, inlineFacts(mem, made!));
  const program = engine.load({ ...code, callMaps }, options);
  // Everything: what is measured is the check, not the answer.
  engine.regions = [{ start: NULL_PAGE, size: mem.size - NULL_PAGE, writable: true }];
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

function makeMap(mem: LinearMemory, type: number): KernelMap {
  const env: MapEnv = {
    mem,
    cpus: 1,
    currentCpu: () => 0,
    random: () => 4,
    notify() {},
    acquire: () => -EBADF,
    release() {},
  };
  const def = { type, name: 'it', keySize: 4, valueSize: 8, maxEntries: ELEMENTS, flags: 0, extra: 0n };
  const map = createMap(def, env);
  if (typeof map === 'number') throw new Error(`BPF_MAP_CREATE answers ${map}`);
  for (let i = 0; i < ELEMENTS; i++) map.writeElem(keyOf(i), new Uint8Array(8), 0n);
  return map;
}

function lookupIn(map: KernelMap): Map<number, Callable> {
  const lookup: Callable = {
    name: 'map_lookup_elem',
    args: 'ii',
    ret: 'ptr',
    call: (_, key) => map.lookup(key! >>> 0),
  };
  return new Map([[BPF_FUNC_map_lookup_elem, lookup]]);
}

function inlineFacts(mem: LinearMemory, { addr, def }: KernelMap): InlineMap {
  const { type, keySize, valueSize, maxEntries } = def;
  const base = mem.u32(addr + MAP_HEADER_STORAGE);
  return { type, addr, keySize, valueSize, maxEntries, base, stride: mem.u32(addr + MAP_HEADER_STRIDE) };
}

/** The machine's kernel, with its own clock: PROG_TEST_RUN answers the average of `repeat` runs. */
async function onLinux({ bytes, map }: Subject): Promise<(Contender & { answer: number }) | null> {
  try {
    const kernel = await openLinuxKernel();
    const insns = bytes.slice();
    if (map) {
      const def = { map_type: map.type, key_size: 4, value_size: 8, max_entries: ELEMENTS };
      const { ret: mapFd } = await kernel.bpf('MAP_CREATE', def);
      for (let i = 0; i < ELEMENTS; i++) {
        await kernel.bpf('MAP_UPDATE_ELEM', { map_fd: mapFd, key: keyOf(i), value: new Uint8Array(8) });
      }
      insns[map.slot * 8 + 1]! |= BPF_PSEUDO_MAP_FD << 4;
      insns.set(keyOf(mapFd), map.slot * 8 + 4);
    }
    const { ret: fd } = await kernel.bpf('PROG_LOAD', {
      prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
      insns,
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

function executedBy(subject: Subject): number {
  let steps = 0;
  const onStep = () => void steps++;
  embedded('counting', subject, { mode: 'interpreter', onStep });
  return steps;
}

async function measure(subject: Subject): Promise<Row> {
  const { name: program, bytes } = subject;
  const own = Object.entries(MODES).map(([name, options]) => embedded(name, subject, options));
  const linux = await onLinux(subject);
  const contenders = linux ? [...own, linux] : own;
  for (const c of contenders) {
    if (c.answer !== own[0]!.answer)
      throw new Error(`${program}: ${c.name} answers ${c.answer}, not ${own[0]!.answer}`);
  }
  const batch = new Map<Contender, number>();
  for (const c of contenders) {
    let settled = false;
    for (let times = 1, spent = 0; ; times = Math.min(times * 4, 1 << 20)) {
      const ns = await c.run(times);
      spent += ns;
      if (spent < WARM_UP_NS && c.name !== 'kernel') continue;
      // What the engine makes of hot code it makes beside: on a busy machine that has to get its turn.
      if (!settled && c.name !== 'kernel') {
        settled = true;
        await setTimeout(SETTLE_MS);
        continue;
      }
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
  return { program, length: bytes.length / 8, executed: executedBy(subject), ns };
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
const wanted = args.filter((a) => !a.startsWith('-'));
const programs = JSON.parse(readFileSync(new URL('./vm/programs.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>;
const subjects: Subject[] = Object.entries(programs).map(([name, hex]) => ({ name, bytes: fromHex(hex)! }));
for (const [name, { type, text }] of Object.entries(MAP_PROGRAMS)) {
  const insns = assemble(text);
  const map = { type, slot: insns.code.indexOf(LD_IMM64), call: insns.code.indexOf(CALL) };
  subjects.push({ name, bytes: encode(insns), map });
}
const rows: Row[] = [];
for (const subject of subjects) {
  if (wanted.length === 0 || wanted.includes(subject.name)) rows.push(await measure(subject));
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
if (args.includes('--figures')) {
  const figure = (n: number): string => n.toFixed(n < 100 ? 1 : 0);
  const body = rows.map(({ program, executed, ns }) => [
    program,
    executed,
    figure(ns['jit']!),
    figure(ns['checked']!),
    figure(ns['kernel'] ?? 0),
    (ns['checked']! / (ns['kernel'] ?? Number.NaN)).toFixed(2),
    (ns['interpreter']! / executed).toFixed(1),
    (ns['interpreter, checked']! / executed).toFixed(1),
  ]);
  const head = ['program', 'executed', 'jit ns', 'checked ns', 'kernel ns', 'checked / kernel'];
  const told = Object.entries(means).map(([name, mean]) => `${name} ${mean.toFixed(2)}`);
  writeFigures(
    'Programs without a verifier',
    'npx tsx bench/vm.ts --figures',
    `With checks (\`checked\`) nothing is taken for granted: each access is tried against the regions that the program may use, and loops\nburn fuel. The interpreter, in the last columns without and with checks, is told in nanoseconds an instruction.\n\n${table(
      [...head, 'interpreter', 'and checks'],
      body,
    )}\n\nGeometric means of those that execute more than 50: ${told.join(', ')}.`,
  );
}

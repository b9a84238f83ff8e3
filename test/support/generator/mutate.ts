/**
 * Mutants: a program that a kernel has judged, with one to three things changed. Most of it still makes sense, so the
 * verifier gets far, and the change is where its rules are tried.
 *
 * What is run is only what was run before, or as harmless: no helper that the program did not call already, and no loop
 * whose length a helper decides.
 */
import { UsageError } from '../../../src/base/errors.ts';
import { type CaseFile, type CaseMap, type ProgramCase, programsOf } from '../../../src/bin/cases/case.ts';
import { CALL, type Insns, LD_IMM64 } from '../../../src/isa/index.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import {
  changed,
  copied,
  isSecondHalf,
  type Program,
  programOf,
  targetOf,
  without,
  withProgram,
  withRoom,
} from '../../oracle/differential/edit.ts';
import { Random } from './random.ts';

const EXIT = 0x95;
const JCOND = 0xe5;
const HELPERS = 212;
/** Instructions that were looked at. */
const LONG = 5000;
/** Slots that move from one program to another. */
const LONGEST_PIECE = 12;
const MAX_ENTRIES = 64;
const MAX_VALUE = 512;
const STRICT_ALIGNMENT = 1;
const ANY_ALIGNMENT = 2;
const TEST_STATE_FREQ = 8;
const SLEEPABLE = 16;

const PROG_TYPES = [
  abi.BPF_PROG_TYPE_SOCKET_FILTER,
  abi.BPF_PROG_TYPE_KPROBE,
  abi.BPF_PROG_TYPE_SCHED_CLS,
  abi.BPF_PROG_TYPE_TRACEPOINT,
  abi.BPF_PROG_TYPE_XDP,
  abi.BPF_PROG_TYPE_PERF_EVENT,
  abi.BPF_PROG_TYPE_CGROUP_SKB,
  abi.BPF_PROG_TYPE_CGROUP_SOCK,
  abi.BPF_PROG_TYPE_LWT_XMIT,
  abi.BPF_PROG_TYPE_SOCK_OPS,
  abi.BPF_PROG_TYPE_SK_SKB,
  abi.BPF_PROG_TYPE_CGROUP_DEVICE,
  abi.BPF_PROG_TYPE_SK_MSG,
  abi.BPF_PROG_TYPE_RAW_TRACEPOINT,
  abi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
  abi.BPF_PROG_TYPE_SK_REUSEPORT,
  abi.BPF_PROG_TYPE_FLOW_DISSECTOR,
  abi.BPF_PROG_TYPE_CGROUP_SYSCTL,
  abi.BPF_PROG_TYPE_CGROUP_SOCKOPT,
  abi.BPF_PROG_TYPE_SK_LOOKUP,
  abi.BPF_PROG_TYPE_SYSCALL,
];
const MAP_TYPES = [
  abi.BPF_MAP_TYPE_HASH,
  abi.BPF_MAP_TYPE_ARRAY,
  abi.BPF_MAP_TYPE_PERCPU_HASH,
  abi.BPF_MAP_TYPE_PERCPU_ARRAY,
  abi.BPF_MAP_TYPE_LRU_HASH,
  abi.BPF_MAP_TYPE_QUEUE,
  abi.BPF_MAP_TYPE_STACK,
];

/** A mutant for each seed, of one of the cases in the files. */
export function mutantsOf(files: readonly CaseFile[]): (seed: number) => ProgramCase {
  // Not those judged by what the machine is like, nor those that are too long to ask for many times.
  const cases = files.flatMap(programsOf).filter((c) => {
    return c.env === undefined && c.insns.length > 0 && (c.processed?.[0] ?? 0) < LONG;
  });
  if (cases.length === 0) throw new UsageError('the files have no program cases');
  return (seed) => {
    const random = new Random(seed);
    return mutate(random.pick(cases), seed, random.pick(cases));
  };
}

/** The case that `seed` makes of `c`, sometimes with a piece of `donor` in it. */
export function mutate(c: ProgramCase, seed: number, donor: ProgramCase): ProgramCase {
  const random = new Random(seed ^ 0x5eed);
  let out: ProgramCase = { ...c, id: `${c.id}-m${seed}` };
  if (random.oneIn(5)) out = transplanted(random, out, donor);
  const more = random.weighted<() => number>([
    [12, () => 0],
    [6, () => 1 + random.below(2)],
    [2, () => 3 + random.below(5)],
  ])();
  for (let changes = 1 + more; changes > 0; changes--) {
    out = random.oneIn(7) ? surroundings(random, out) : withProgram(out, instruction(random, programOf(out)));
  }
  const { run: once, runs, ...rest } = out;
  const run = once ?? runs?.[0];
  const judged = { ...rest, accept: false, errno: 0, msg: '', maps_after: [] };
  return run && out.prog_type === c.prog_type && isHarmless(programOf(out).insns, programOf(c).insns)
    ? { ...judged, run }
    : judged;
}

/** A few instructions of another case, with the maps and kernel functions that they name. Jumps lead as far as they did. */
function transplanted(random: Random, c: ProgramCase, donor: ProgramCase): ProgramCase {
  const [into, from] = [programOf(c), programOf(donor)];
  const first = random.below(from.insns.length);
  const start = isSecondHalf(from.insns, first) ? first - 1 : first;
  let end = Math.min(start + 1 + random.below(LONGEST_PIECE), from.insns.length);
  if (isSecondHalf(from.insns, end)) end++;
  let at = random.below(into.insns.length);
  if (isSecondHalf(into.insns, at)) at--;
  let out = withRoom(into, at, end - start);
  if (out === undefined) return c;
  for (let pc = start; pc < end; pc++) {
    const { code, dst, src, off, imm } = from.insns;
    const fields = { code: code[pc]!, dst: dst[pc]!, src: src[pc]!, off: off[pc]!, imm: imm[pc]! };
    out = changed(out, at + pc - start, fields);
  }
  const have = c.maps?.length ?? 0;
  const relocs = from.relocs.flatMap((reloc) => {
    if (reloc.insn < start || reloc.insn >= end) return [];
    const map = reloc.map === undefined || reloc.map < 0 ? reloc.map : reloc.map + have;
    return [{ ...reloc, insn: reloc.insn + at - start, ...(map === undefined ? {} : { map }) }];
  });
  const maps = [...(c.maps ?? []), ...(donor.maps ?? []).map((map) => shifted(map, have))];
  return withProgram({ ...c, maps }, { ...out, relocs: [...out.relocs, ...relocs] });
}

/** The map where others stand before it. */
function shifted(map: CaseMap, by: number): CaseMap {
  return typeof map.inner === 'number' ? { ...map, inner: map.inner + by } : map;
}

/** Program type, attach type, flags, licence, maps. */
function surroundings(random: Random, c: ProgramCase): ProgramCase {
  const maps = c.maps ?? [];
  return random.weighted<() => ProgramCase>([
    [3, () => ({ ...c, prog_type: random.pick(PROG_TYPES) })],
    [
      2,
      () => ({
        ...c,
        attach_type: random.oneIn(3) ? random.below(60) : Math.max(0, (c.attach_type ?? 0) + step(random)),
      }),
    ],
    [
      2,
      () => ({
        ...c,
        flags: (c.flags ?? 0) ^ random.pick([STRICT_ALIGNMENT, ANY_ALIGNMENT, TEST_STATE_FREQ, SLEEPABLE]),
      }),
    ],
    [1, () => ({ ...c, license: c.license === 'Proprietary' ? 'GPL' : 'Proprietary' })],
    [
      maps.length > 0 ? 6 : 0,
      () => {
        const at = random.below(maps.length);
        return { ...c, maps: maps.map((map, i) => (i === at ? otherMap(random, map) : map)) };
      },
    ],
  ])();
}

function otherMap(random: Random, map: CaseMap): CaseMap {
  return random.weighted<() => CaseMap>([
    [
      3,
      () => ({
        ...withoutContents(map),
        value_size: bounded(map.value_size + step(random) * random.pick([1, 4, 8]), MAX_VALUE),
      }),
    ],
    [2, () => ({ ...withoutContents(map), key_size: bounded(map.key_size + step(random) * random.pick([1, 4]), 64) })],
    [
      2,
      () => ({
        ...withoutContents(map),
        max_entries: bounded(random.pick([1, 2, map.max_entries + step(random)]), MAX_ENTRIES),
      }),
    ],
    [
      2,
      () => ({
        ...withoutContents(map),
        flags: map.flags ^ random.pick([abi.BPF_F_RDONLY_PROG, abi.BPF_F_WRONLY_PROG]),
      }),
    ],
    [2, () => ({ ...withoutContents(map), type: random.pick(MAP_TYPES) })],
  ])();
}

/** A map of another shape does not take what the map had in it. */
function withoutContents(map: CaseMap): CaseMap {
  const { init: _, frozen: __, ...rest } = map;
  return rest;
}

const bounded = (n: number, most: number): number => Math.min(Math.max(n, 0), Math.max(most, 0));
const step = (random: Random): number => random.pick([1, -1]);

function instruction(random: Random, program: Program): Program {
  const { insns } = program;
  let pc = random.below(insns.length);
  if (isSecondHalf(insns, pc)) pc--;
  const same = random.weighted<() => Program | undefined>([
    [8, () => immediate(random, program, pc)],
    [6, () => register(random, program, pc)],
    [6, () => offset(random, program, pc)],
    [7, () => opcode(random, program, pc)],
    [5, () => without(program, pc, insns.code[pc] === LD_IMM64 ? 2 : 1)],
    [3, () => twice(program, pc, random.oneIn(2) ? pc : random.below(insns.length))],
    [4, () => exchanged(program, pc)],
    [4, () => retargeted(random, program, pc)],
    [2, () => reference(random, program)],
  ])();
  return same ?? program;
}

function immediate(random: Random, program: Program, pc: number): Program {
  const { insns } = program;
  const imm = insns.imm[pc]!;
  if (insns.code[pc] === CALL && insns.src[pc] === 0) {
    return changed(program, pc, { imm: random.oneIn(3) ? imm + step(random) : 1 + random.below(HELPERS) });
  }
  const other = random.weighted<() => number>([
    [4, () => imm + step(random)],
    [2, () => imm + step(random) * random.pick([2, 4, 8, 16])],
    [2, () => imm ^ (1 << random.below(32))],
    [3, () => random.edgy()],
    [1, () => -imm],
    [2, () => insns.imm[random.below(insns.length)]!],
  ])();
  return changed(program, pc, { imm: other | 0 });
}

function register(random: Random, program: Program, pc: number): Program {
  const reg = random.oneIn(30) ? 11 + random.below(5) : random.below(11);
  return changed(program, pc, random.oneIn(2) ? { dst: reg } : { src: reg });
}

function offset(random: Random, program: Program, pc: number): Program {
  const off = program.insns.off[pc]!;
  const other = random.weighted<() => number>([
    [4, () => off + step(random)],
    [4, () => off + step(random) * random.pick([2, 4, 8, 16])],
    [1, () => -off],
    [1, () => random.edgy()],
    [2, () => program.insns.off[random.below(program.insns.length)]!],
  ])();
  return changed(program, pc, { off: (other << 16) >> 16 });
}

/** Another operation, width, size, mode or operand of the same class. */
function opcode(random: Random, program: Program, pc: number): Program {
  const code = program.insns.code[pc]!;
  if (code === LD_IMM64 || code === EXIT)
    return random.oneIn(4) ? changed(program, pc, { code: random.below(256) }) : program;
  const cls = code & 7;
  const isMemory = cls <= 3;
  const other = random.weighted<() => number>([
    [4, () => (isMemory ? code ^ (random.pick([0x08, 0x10, 0x18]) & 0x18) : (code & 0x0f) | (random.below(16) << 4))],
    [2, () => (isMemory ? (code & 0x1f) | random.pick([0x60, 0x80, 0xc0, 0x20, 0x40]) : code ^ 0x08)],
    [
      3,
      () =>
        isMemory ? (code & ~7) | random.pick([1, 2, 3]) : (code & ~7) | (cls === 4 || cls === 7 ? 11 - cls : 11 - cls),
    ],
    [1, () => code ^ (1 << random.below(8))],
  ])();
  return changed(program, pc, { code: other & 0xff });
}

/** The instruction at `from` also before `at`. */
function twice(program: Program, from: number, at: number): Program | undefined {
  if (program.insns.code[from] === LD_IMM64 || isSecondHalf(program.insns, from)) return undefined;
  const roomy = withRoom(program, at, 1);
  return roomy && copied(roomy, from < at ? from : from + 1, at);
}

/** The instruction and the next change places. */
function exchanged(program: Program, pc: number): Program | undefined {
  const { insns, relocs } = program;
  const next = pc + 1;
  if (next >= insns.length || insns.code[pc] === LD_IMM64 || insns.code[next] === LD_IMM64) return undefined;
  if (relocs.some(({ insn }) => insn === pc || insn === next)) return undefined;
  const first = copied(program, next, pc);
  const target = targetOf(insns, pc);
  const fields = {
    code: insns.code[pc]!,
    dst: insns.dst[pc]!,
    src: insns.src[pc]!,
    off: insns.off[pc]!,
    imm: insns.imm[pc]!,
  };
  if (target) fields[target.field] = target.pc - next - 1;
  return changed(first, next, fields);
}

/** The jump leads elsewhere. */
function retargeted(random: Random, program: Program, near: number): Program | undefined {
  const { insns } = program;
  for (let k = 0; k < insns.length; k++) {
    const pc = (near + k) % insns.length;
    const target = targetOf(insns, pc);
    if (target === undefined || isSecondHalf(insns, pc)) continue;
    const to = random.oneIn(2) ? target.pc + step(random) : random.below(insns.length);
    return changed(program, pc, target.field === 'off' ? { off: to - pc - 1 } : { imm: to - pc - 1 });
  }
  return undefined;
}

/** A reference to another map of the case, or to another place in the same one. */
function reference(random: Random, program: Program): Program {
  const { relocs } = program;
  if (relocs.length === 0) return program;
  const at = random.below(relocs.length);
  const maps = relocs.flatMap(({ map }) => (map === undefined || map < 0 ? [] : [map]));
  const others = relocs.map((reloc, i) => {
    if (i !== at || reloc.map === undefined) return reloc;
    return random.oneIn(2) ? { ...reloc, map: random.pick(maps.length > 0 ? maps : [reloc.map]) } : reloc;
  });
  const { insn, kind } = relocs[at]!;
  if (kind !== 'map_value' || insn + 1 >= program.insns.length) return { ...program, relocs: others };
  const off = program.insns.imm[insn + 1]! + step(random) * random.pick([1, 4, 8]);
  return changed({ ...program, relocs: others }, insn + 1, { imm: off });
}

/** No helper that was not called before, and nothing that goes round as often as a helper likes. */
function isHarmless(insns: Insns, before: Insns): boolean {
  const known = new Set(helpersOf(before));
  const loops = [abi.BPF_FUNC_loop, abi.BPF_FUNC_for_each_map_elem];
  if (insns.code.includes(JCOND)) return false;
  return helpersOf(insns).every((helper) => known.has(helper) && !loops.includes(helper));
}

/** Helpers that are called; -1 for a function of the kernel. */
function helpersOf({ code, src, imm }: Insns): number[] {
  const helpers: number[] = [];
  for (let pc = 0; pc < code.length; pc++) {
    if (code[pc] === CALL && src[pc] !== 1) helpers.push(src[pc] === 0 ? imm[pc]! : -1);
  }
  return helpers;
}

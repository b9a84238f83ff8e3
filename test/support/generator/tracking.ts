/**
 * Statements about what a verifier keeps track of: numbers that are copies of one another, pointers that may be NULL in
 * several places, ranges from two comparisons, packets compared in every direction, functions within functions.
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_ATOMIC,
  BPF_FETCH,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JMP32,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGT,
  BPF_JSLT,
  BPF_LDX,
  BPF_MOV,
  BPF_OR,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STX,
  BPF_SUB,
  BPF_X,
  BPF_XCHG,
  sizeCode,
} from '../../../src/isa/index.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import type { Size } from './emitter.ts';
import type { Generator } from './program.ts';

const FP = 10;
const SIZES: readonly Size[] = [1, 2, 4, 8];
const MEMSX = 0x80;
const LOAD_ACQ = 0x100;
const STORE_REL = 0x110;
const MAY_GOTO = 0xe5;

type Statement = (g: Generator) => void;

export const TRACKING_STATEMENTS: readonly (readonly [weight: number, statement: Statement])[] = [
  [3, linkedNumbers],
  [2, spilledNumber],
  [3, maybeNull],
  [3, twoSidedRange],
  [3, packetDirections],
  [2, signedLoad],
  [2, atomicMemory],
  [2, keyFromMemory],
  [2, nestedFunction],
  [1, mayGoto],
  [2, otherMaps],
  [1, pointerCompare],
  [2, bitsThenBranch],
  [1, variableBuffer],
];

/** The array with one element that indexes are used on, and its value size. */
function table(g: Generator): { index: number; valueSize: number } {
  const at = g.maps.findIndex((m) => m.type === abi.BPF_MAP_TYPE_ARRAY && m.maxEntries === 1 && m.valueSize === 64);
  if (at >= 0) return { index: at, valueSize: 64 };
  const values = [g.random.bytes(64)];
  const index = g.maps.push({ type: abi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 64, maxEntries: 1, values }) - 1;
  return { index, valueSize: 64 };
}

/** Reads (or writes) a byte of the table at a number that should be below its size. Uses r1 and r2. */
function useAsIndex(g: Generator, number: number): void {
  const { index } = table(g);
  if (number === 1) return;
  g.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_VALUE);
  g.out.aluReg(BPF_ADD, 1, number, true);
  if (g.random.oneIn(3)) g.out.storeImm(1, 1, 0, g.random.below(200));
  else {
    g.out.load(1, 2, 1, 0);
    g.set(2, 'scalar', 255);
  }
  g.set(1, 'none');
}

/** A number, its copy a constant further on, and a comparison of one that tells of the other. */
function linkedNumbers(g: Generator): void {
  const source = g.scalar();
  const [a, b] = g.random.pick([
    [7, 8],
    [8, 9],
    [3, 4],
    [9, 5],
  ] as const);
  if (source === a || source === b) return;
  const wide = !g.random.oneIn(3);
  g.out.aluReg(BPF_MOV, a, source, wide);
  g.out.aluReg(BPF_MOV, b, a, g.random.oneIn(6) ? !wide : wide);
  const by = g.random.pick([0, 1, 4, 8, -1]);
  if (by !== 0) g.out.aluImm(BPF_ADD, b, by, wide);
  g.set(a, 'scalar');
  g.set(b, 'scalar');
  const compared = g.random.oneIn(2) ? a : b;
  const skip = g.out.jump((wide ? BPF_JMP : BPF_JMP32) | BPF_JGT, compared, 0, g.random.pick([7, 20, 40]));
  const low = g.random.oneIn(2) ? g.out.jump(BPF_JMP | BPF_JLT, compared, 0, 4) : -1;
  const before = g.snapshot();
  useAsIndex(g, compared === a || g.random.oneIn(4) ? b : a);
  g.out.land(skip);
  if (low >= 0) g.out.land(low);
  g.join(before.regs, before.slots);
}

/** A number that is on the stack and in a register: bounds of one hold for the other. */
function spilledNumber(g: Generator): void {
  const number = g.scalar();
  if (number < 3 || number === FP) return;
  const slot = g.random.below(11);
  const size = g.random.pick<Size>([8, 8, 4]);
  g.out.store(size, FP, -8 * (slot + 1), number);
  if (size === 8) g.slots[slot] = true;
  else g.slots[slot] = false;
  const skip = g.out.jump((size === 8 ? BPF_JMP : BPF_JMP32) | BPF_JGE, number, 0, g.random.pick([8, 64]));
  const before = g.snapshot();
  g.out.load(g.random.oneIn(5) ? 1 : size, 5, FP, -8 * (slot + 1));
  g.set(5, 'scalar');
  useAsIndex(g, 5);
  g.out.land(skip);
  g.join(before.regs, before.slots);
}

/** A looked-up value that is in several places before it is known not to be NULL. */
function maybeNull(g: Generator): void {
  const plain = g.plainMaps();
  if (plain.length === 0) return linkedNumbers(g);
  const index = g.random.pick(plain);
  const map = g.maps[index]!;
  g.lookup(index, map);
  const copy = g.random.pick([7, 8, 9]);
  const slot = g.random.below(11);
  g.out.movReg(copy, 0);
  g.out.store(8, FP, -8 * (slot + 1), 0);
  g.slots[slot] = false;
  for (const r of [0, copy]) g.set(r, 'none');
  const checked = g.random.pick([0, copy]);
  const skip = g.out.jump(BPF_JMP | (g.random.oneIn(8) ? BPF_JNE : BPF_JEQ), checked, 0, 0);
  const before = g.snapshot();
  const used = g.random.pick([0, copy, 1]);
  if (used === 1) g.out.load(8, 1, FP, -8 * (slot + 1));
  g.set(used, 'mem', map.valueSize);
  g.out.storeImm(4, used, g.random.below(map.valueSize / 4) * 4, g.random.edgy());
  g.set(used, 'none');
  g.out.land(skip);
  g.join(before.regs, before.slots);
  g.out.storeImm(8, FP, -8 * (slot + 1), 0);
  g.slots[slot] = true;
}

/** Two comparisons, signed or not, from either side; then the number as an index. */
function twoSidedRange(g: Generator): void {
  const number = g.scalar();
  if (number < 3 || number === FP) return;
  const wide = g.random.oneIn(2);
  const cls = wide ? BPF_JMP : BPF_JMP32;
  const signed = g.random.oneIn(2);
  const high = g.random.pick([5, 30, 63]);
  const skips = [
    g.out.jump(cls | (signed ? BPF_JSGT : BPF_JGT), number, 0, high),
    g.out.jump(cls | (signed ? BPF_JSLT : BPF_JLT), number, 0, g.random.pick([0, 0, 2, -1])),
  ];
  if (g.random.oneIn(4)) skips.push(g.out.jump(cls | BPF_JNE, number, 0, g.random.below(high)));
  const before = g.snapshot();
  if (!wide || g.random.oneIn(3)) g.out.aluReg(BPF_MOV, number, number, false);
  useAsIndex(g, number);
  for (const skip of skips) g.out.land(skip);
  g.join(before.regs, before.slots);
}

/** data + n against data_end, in all the ways there are to write it. */
function packetDirections(g: Generator): void {
  const ctx = g.of('ctx');
  const off = g.progType === abi.BPF_PROG_TYPE_XDP ? 0 : g.progType === abi.BPF_PROG_TYPE_SCHED_CLS ? 76 : -1;
  if (ctx.length === 0 || off < 0) return twoSidedRange(g);
  const base = g.random.pick(ctx);
  if (base < 6) return;
  const need = g.random.pick([1, 2, 8, 14]);
  g.out.load(4, 2, base, off);
  g.out.load(4, 3, base, off + 4);
  g.out.movReg(4, 2);
  g.out.aluImm(BPF_ADD, 4, need, true);
  for (const r of [0, 2, 3, 4]) g.set(r, 'none');
  const size = g.random.pick(SIZES.filter((s) => s <= need));
  const at = g.random.below(need - size + 1) + (g.mistake() ? 1 : 0);
  const access = () => {
    if (g.random.oneIn(3)) g.out.storeImm(size, 2, at, g.random.below(200));
    else g.out.load(size, 0, 2, at);
  };
  // Out of the way where it does not fit, or in where it does; strictly or not.
  const [past, over] = g.random.oneIn(2) ? [4, 3] : [3, 4];
  const out = past === 4 ? g.random.pick([BPF_JGT, BPF_JGE]) : g.random.pick([BPF_JLT, BPF_JLE]);
  if (g.random.oneIn(2)) {
    const skip = g.out.jump(BPF_JMP | out | BPF_X, past, over);
    access();
    g.out.land(skip);
  } else {
    const into = past === 4 ? g.random.pick([BPF_JLE, BPF_JLT]) : g.random.pick([BPF_JGE, BPF_JGT]);
    const fits = g.out.jump(BPF_JMP | into | BPF_X, past, over);
    const skip = g.out.jump();
    g.out.land(fits);
    access();
    g.out.land(skip);
  }
}

/** A load that extends the sign. */
function signedLoad(g: Generator): void {
  const have = g.slots.flatMap((s, i) => (s ? [i] : []));
  if (have.length === 0) return g.stackStore();
  const size = g.random.pick<Size>([1, 2, 4]);
  const dst = g.random.pick([0, 3, 4, 7]);
  const at = -8 * (g.random.pick(have) + 1) + g.random.below(8 / size) * size;
  g.out.raw(BPF_LDX | MEMSX | sizeCode(size), dst, FP, at, 0);
  g.set(dst, 'scalar');
}

/** Atomic operations on a map's value; loads that acquire and stores that release. */
function atomicMemory(g: Generator): void {
  const { index, valueSize } = table(g);
  const value = g.scalar();
  if (value < 2 || value === FP) return;
  const size = g.random.pick<Size>([4, 8]);
  const at = g.random.below(valueSize / size) * size + (g.mistake() ? 2 : 0);
  g.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_VALUE);
  g.set(1, 'none');
  const op = g.random.pick([BPF_ADD, BPF_OR | BPF_FETCH, BPF_AND | BPF_FETCH, BPF_XCHG, LOAD_ACQ, STORE_REL]);
  const code = BPF_STX | BPF_ATOMIC | sizeCode(size);
  if (op === LOAD_ACQ) g.out.raw(code, value, 1, at, op);
  else g.out.raw(code, 1, value, at, op);
  if (op === LOAD_ACQ || (op & BPF_FETCH) !== 0) g.set(value, 'scalar');
}

/** A key that lies in a map's value. */
function keyFromMemory(g: Generator): void {
  const plain = g.plainMaps();
  if (plain.length === 0) return atomicMemory(g);
  const { index } = table(g);
  g.out.ldImm64(2, index, g.random.pick([0, 8, 60, g.mistake() ? 62 : 4]), BPF_PSEUDO_MAP_VALUE);
  const used = g.random.pick(plain);
  g.out.ldImm64(1, used, 0, BPF_PSEUDO_MAP_FD);
  g.out.call(g.random.oneIn(4) ? abi.BPF_FUNC_map_delete_elem : abi.BPF_FUNC_map_lookup_elem);
  g.afterCall();
  const skip = g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  g.out.movImm(0, 1);
  g.out.land(skip);
  // A pointer or NULL on one path, a number on the other.
  g.out.movImm(0, 2);
  g.set(0, 'scalar');
}

/** A function that another function calls. */
function nestedFunction(g: Generator): void {
  if (g.subprogs.length >= 5) return twoSidedRange(g);
  const args = g.random.below(3);
  for (let r = 1; r <= args; r++) if (g.regs[r]!.kind !== 'scalar') g.out.movImm(r, g.random.edgy());
  g.calls.push({ pc: g.out.callSubprog(), index: g.subprogs.length });
  g.subprogs.push({
    args: Array.from({ length: args }, () => ({ kind: 'scalar', limit: undefined }) as const),
    callback: false,
  });
  g.afterCall();
}

/** A loop that the kernel ends when it has had enough; here, when it is done. */
function mayGoto(g: Generator): void {
  const counter = g.random.pick([7, 8, 9]);
  g.out.movImm(counter, 0);
  g.set(counter, 'none');
  const head = g.out.pc;
  const leave = g.out.raw(MAY_GOTO);
  const done = g.out.jump(BPF_JMP | BPF_JGT, counter, 0, g.random.below(8));
  g.out.aluImm(BPF_ADD, counter, 1, true);
  g.out.jumpTo(g.out.jump(), head);
  g.out.land(leave);
  g.out.land(done);
  g.set(counter, 'scalar');
}

/** Values of a per-CPU array and of a least-recently-used hash. */
function otherMaps(g: Generator): void {
  const type = g.random.pick([abi.BPF_MAP_TYPE_PERCPU_ARRAY, abi.BPF_MAP_TYPE_LRU_HASH]);
  const index = g.mapOf({ type, keySize: 4, valueSize: 16, maxEntries: 8 });
  g.lookup(index, g.maps[index]!);
  const skip = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  g.out.storeImm(8, 0, g.random.pick([0, 8]), g.random.edgy());
  if (skip >= 0) g.out.land(skip);
  if (!g.random.oneIn(2)) return;
  g.out.storeImm(8, FP, -8, g.random.below(4));
  g.out.storeImm(8, FP, -16, g.random.edgy());
  g.out.storeImm(8, FP, -24, g.random.edgy());
  for (const s of [0, 1, 2]) g.slots[s] = true;
  g.out.movReg(2, FP);
  g.out.aluImm(BPF_ADD, 2, -8, true);
  g.out.movReg(3, FP);
  g.out.aluImm(BPF_ADD, 3, -24, true);
  g.out.movImm(4, g.random.pick([0, 0, 1, 2]));
  g.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_FD);
  g.out.call(abi.BPF_FUNC_map_update_elem);
  g.afterCall();
}

/** Pointers to the stack compared with each other and with numbers; their distance. */
function pointerCompare(g: Generator): void {
  g.out.movReg(3, FP);
  g.out.aluImm(BPF_ADD, 3, -8 * (1 + g.random.below(8)), true);
  g.out.movReg(4, FP);
  const skip = g.out.jump(BPF_JMP | g.random.pick([BPF_JEQ, BPF_JNE, BPF_JGT]) | BPF_X, 3, 4);
  g.out.movReg(5, 4);
  g.out.aluReg(BPF_SUB, 5, 3, true);
  g.out.aluImm(BPF_AND, 5, 63, true);
  g.out.land(skip);
  for (const r of [3, 4, 5]) g.set(r, 'none');
}

/** A test of bits tells something on both sides. */
function bitsThenBranch(g: Generator): void {
  const number = g.scalar();
  if (number < 3 || number === FP) return;
  const mask = g.random.pick([-64, 0x7fffffc0, -128, 1, 0xc0]);
  const skip = g.out.jump((g.random.oneIn(2) ? BPF_JMP : BPF_JMP32) | BPF_JSET, number, 0, mask);
  const before = g.snapshot();
  if (g.random.oneIn(2)) g.out.aluImm(BPF_OR, number, 3, g.random.oneIn(2));
  if (g.random.oneIn(2)) g.out.aluReg(BPF_MOV, number, number, false);
  useAsIndex(g, number);
  g.out.land(skip);
  g.join(before.regs, before.slots);
}

/** A helper that gets stack of a size, or at a place, that is only known within bounds. */
function variableBuffer(g: Generator): void {
  if (!g.may(abi.BPF_FUNC_csum_diff)) return bitsThenBranch(g);
  const number = g.scalar();
  if (number === FP) return;
  for (const s of [0, 1, 2, 3]) {
    if (!g.slots[s]) g.out.storeImm(8, FP, -8 * (s + 1), g.random.edgy());
    g.slots[s] = true;
  }
  g.out.movReg(4, number);
  g.out.aluImm(BPF_AND, 4, g.random.pick([4, 12, 28, g.mistake() ? 60 : 24]), true);
  g.out.movReg(3, FP);
  g.out.aluImm(BPF_ADD, 3, -32, true);
  g.out.movImm(1, 0);
  g.out.movImm(2, 0);
  g.out.movImm(5, g.random.below(65536));
  g.out.call(abi.BPF_FUNC_csum_diff);
  g.afterCall();
}

/**
 * Statements about where a program runs and what it is made of: its context, packets as classic filters read them,
 * global functions, exceptions, maps of maps, long jumps.
 */
import {
  BPF_ADD,
  BPF_JEQ,
  BPF_JGT,
  BPF_JMP,
  BPF_LD,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_STX,
  BPF_X,
  sizeCode,
} from '../../../src/isa/index.ts';
import { CONTEXTS } from '../../../src/uapi/contexts.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import type { Size } from './emitter.ts';
import { helperCall } from './helper-calls.ts';
import { callKernel, keptFields, kernelCall, ownObject } from './kernel-calls.ts';
import { contextOffset } from './places.ts';
import { FP, type Generator, type Reg, SIZES } from './program.ts';
import { Early, followPointer, kernelPointer, PLACES, pointAt } from './sources.ts';

type Statement = (g: Generator) => void;

/** Of programs that are not run: whatever Linux loads. */
export const WIDE_STATEMENTS: readonly (readonly [weight: number, statement: Statement])[] = [
  [14, guarded(helperCall)],
  [9, guarded(kernelCall)],
  [5, guarded(ownObject)],
  [5, guarded(keptFields)],
  [5, contextField],
  [4, contextPacket],
  [4, kernelFields],
  [4, globalFunction],
  [1, thrown],
  [3, mapInMap],
  [2, dynptrOfPacket],
  [2, arenaMemory],
];

/** Of any program. */
export const PLAIN_STATEMENTS: readonly (readonly [weight: number, statement: Statement])[] = [
  [1, classicLoad],
  [1, longJump],
  [2, atomicNumbers],
];

const SCALAR: Reg = { kind: 'scalar', limit: undefined };

/** A statement that is too much inside of another one. */
function guarded(statement: Statement): Statement {
  return (g) => {
    g.verdictOnly = true;
    if (g.depth <= 2) statement(g);
  };
}

/** A field of the context, read or written, as it is or a little wrong. */
function contextField(g: Generator): void {
  const ctx = g.of('ctx');
  if (ctx.length === 0) return g.arithmetic();
  g.verdictOnly = true;
  const base = g.random.pick(ctx);
  const { off, size } = contextOffset(g.random, g.progType);
  const wide = (SIZES.includes(size as Size) ? size : 4) as Size;
  const access = g.random.oneIn(12) ? g.random.pick(SIZES) : wide;
  const at = off + (g.random.oneIn(24) ? g.random.pick([1, 2, 4, -4]) : 0);
  if (g.random.oneIn(10)) {
    if (g.random.oneIn(2)) g.out.storeImm(access, base, at, g.random.below(3));
    else g.out.store(access, base, at, g.scalar());
    return;
  }
  const dst = g.random.pick([0, 1, 2, 3, 7]);
  g.out.load(access, dst, base, at);
  g.set(dst, 'none');
  if (!(CONTEXTS.get(g.progType)?.fields ?? []).some((f) => f.offset === off && f.pointer)) g.set(dst, 'scalar');
}

/** The bytes between two pointers of the context. */
function contextPacket(g: Generator): void {
  const fields = CONTEXTS.get(g.progType)?.fields ?? [];
  const starts = fields.filter(({ pointer }) => pointer === 'pkt' || pointer === 'pkt_meta');
  const ends = fields.filter(({ pointer }) => pointer === 'pkt_end' || pointer === 'pkt');
  const ctx = g.of('ctx').filter((r) => r >= 6);
  if (ctx.length === 0 || starts.length === 0 || ends.length === 0) return contextField(g);
  g.verdictOnly = true;
  const early = new Early(g);
  const [start, end] = [g.random.pick(starts), g.random.pick(ends)];
  const size = (field: { size: number }) => (field.size === 4 ? 4 : 8);
  g.out.load(size(start), 2, ctx[0]!, start.offset);
  g.out.load(size(end), 3, ctx[0]!, end.offset);
  const need = g.random.pick([1, 4, 14]);
  g.out.movReg(4, 2);
  g.out.aluImm(BPF_ADD, 4, need, true);
  if (!g.mistake()) early.leave(g.out.jump(BPF_JMP | BPF_JGT | BPF_X, 4, 3));
  const access = g.random.pick(SIZES.filter((s) => s <= need));
  const at = g.random.below(need - access + 1);
  if (g.random.oneIn(3)) g.out.storeImm(access, 2, at, 1);
  else g.out.load(access, 0, 2, at);
  for (let r = 0; r <= 5; r++) g.set(r, 'none');
  early.end();
}

function kernelFields(g: Generator): void {
  g.verdictOnly = true;
  const early = new Early(g);
  const struct = kernelPointer(g, early, 7);
  if (struct !== undefined) followPointer(g, early, 7, struct);
  g.set(7, 'none');
  early.end();
}

/** A call of a global function, which is verified by itself. */
function globalFunction(g: Generator): void {
  if (g.inSubprog || g.subprogs.length >= 5) return g.arithmetic();
  g.verdictOnly = true;
  const early = new Early(g);
  const { type, args } = g.random.pick(g.types.globals);
  const taken: Reg[] = [];
  for (const [k, kind] of args.entries()) {
    const reg = k + 1;
    if (g.mistake()) g.out.movReg(reg, g.random.pick([6, FP, 0]));
    else globalArgument(g, early, kind, reg);
    taken.push(
      kind === 'number' || kind === 'small'
        ? SCALAR
        : kind === 'skb' || kind === 'ctx'
          ? { kind: 'ctx', limit: undefined }
          : kind.endsWith('!') && kind !== 'task!'
            ? { kind: 'mem', limit: kind === 'u32!' ? 4 : 16 }
            : { kind: 'none', limit: undefined },
    );
  }
  g.calls.push({ pc: g.out.callSubprog(), index: g.subprogs.length });
  g.subprogs.push({ args: taken, callback: false, type });
  g.afterCall();
  early.end();
}

function globalArgument(g: Generator, early: Early, kind: string, reg: number): void {
  const ctx = g.of('ctx').filter((r) => r >= 6);
  if (kind === 'number' || kind === 'small') return g.out.movImm(reg, g.random.edgy());
  if (kind === 'skb' || kind === 'ctx') return g.out.movReg(reg, ctx[0] ?? FP);
  if (kind === 'dynptr') return pointAt(g, reg, PLACES.dynptr);
  if (kind.startsWith('task')) {
    if (g.random.oneIn(4)) return g.out.movImm(reg, 0);
    if (kernelPointer(g, early, 7) !== undefined) g.out.movReg(reg, 7);
    else g.out.movImm(reg, 0);
    g.set(7, 'none');
    return;
  }
  if (g.random.oneIn(6)) return g.out.movImm(reg, 0);
  if (g.random.oneIn(2)) {
    g.out.storeImm(8, FP, PLACES.buffer, 1);
    g.out.storeImm(8, FP, PLACES.buffer + 8, 1);
    return pointAt(g, reg, PLACES.buffer);
  }
  const map = g.mapOf({ type: abi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 64, maxEntries: 1 });
  g.out.ldImm64(reg, map, 0, BPF_PSEUDO_MAP_VALUE);
}

/** An exception, on one path. */
function thrown(g: Generator): void {
  if (!g.functions.includes('bpf_throw')) return g.arithmetic();
  g.verdictOnly = true;
  const skip = g.out.jump(BPF_JMP | BPF_JEQ, g.scalar(), 0, g.random.below(4));
  g.out.movImm(1, g.random.below(4));
  callKernel(g, 'bpf_throw');
  g.out.land(skip);
  for (let r = 0; r <= 5; r++) g.set(r, 'none');
}

/** A map that is found in a map, and a value in it. */
function mapInMap(g: Generator): void {
  g.verdictOnly = true;
  const early = new Early(g);
  const inner = {
    type: g.random.pick([abi.BPF_MAP_TYPE_ARRAY, abi.BPF_MAP_TYPE_HASH]),
    keySize: 4,
    valueSize: 16,
    maxEntries: 1,
  };
  const type = g.random.pick([abi.BPF_MAP_TYPE_ARRAY_OF_MAPS, abi.BPF_MAP_TYPE_HASH_OF_MAPS]);
  const outer = g.mapOf({ type, keySize: 4, valueSize: 4, maxEntries: 2, inner });
  const lookup = () => {
    g.out.storeImm(4, FP, PLACES.key, 0);
    pointAt(g, 2, PLACES.key);
    g.out.call(abi.BPF_FUNC_map_lookup_elem);
    g.afterCall();
    g.set(0, 'none');
    early.ifNull(0);
  };
  g.out.ldImm64(1, outer, 0, BPF_PSEUDO_MAP_FD);
  lookup();
  if (g.random.oneIn(3)) {
    const skip = g.random.pick([7, 8]);
    g.out.movReg(skip, 0);
    g.set(skip, 'none');
    g.out.movReg(1, skip);
  } else g.out.movReg(1, 0);
  lookup();
  g.out.load(8, 1, 0, g.random.pick([0, 8, g.mistake() ? 16 : 0]));
  g.set(1, 'scalar');
  early.end();
}

const ARENA_ADDRESS = 2 ** 44;
const ARENA_PAGES = 4;
const CAST = 0xbf;
const TO_KERNEL = 1;
const TO_USER = 1 << 16;

/** Memory that user space sees as well, through a pointer that is cast, mostly. */
function arenaMemory(g: Generator): void {
  g.verdictOnly = true;
  const flags = abi.BPF_F_MMAPABLE;
  const def = { type: abi.BPF_MAP_TYPE_ARENA, keySize: 0, valueSize: 0, maxEntries: ARENA_PAGES, flags };
  const map = g.mapOf({ ...def, extra: ARENA_ADDRESS });
  g.out.ldImm64(2, map, g.random.pick([0, 8, 4096]), BPF_PSEUDO_MAP_VALUE);
  if (g.random.oneIn(3)) g.out.aluReg(BPF_ADD, 2, g.scalar(), g.random.oneIn(2));
  if (!g.mistake()) g.out.raw(CAST, 2, 2, 1, g.random.oneIn(8) ? TO_USER : TO_KERNEL);
  if (g.random.oneIn(3)) g.out.aluImm(BPF_ADD, 2, g.random.pick([8, -8, 100]), true);
  const size = g.random.pick(SIZES);
  const value = g.scalar();
  if (value === 2) return g.set(2, 'none');
  const access = g.random.below(4);
  if (access === 0) g.out.storeImm(size, 2, g.random.pick([0, 8, -8]), 1);
  else if (access === 1) g.out.store(size, 2, 0, g.mistake() ? 2 : value);
  else if (access === 2)
    g.out.raw(BPF_STX | 0xc0 | sizeCode(g.random.pick([4, 8])), 2, value, 0, g.random.pick([0, 1, 0xe1, 0x100, 0x110]));
  else g.out.load(size, 1, 2, 0);
  g.set(value, 'none');
  g.set(1, 'none');
  g.set(2, 'none');
}

/** A dynptr over the packet, and a piece of it. */
function dynptrOfPacket(g: Generator): void {
  const ctx = g.of('ctx').filter((r) => r >= 6);
  const xdp = g.progType === abi.BPF_PROG_TYPE_XDP;
  if (ctx.length === 0 || !g.functions.includes(xdp ? 'bpf_dynptr_from_xdp' : 'bpf_dynptr_from_skb'))
    return g.arithmetic();
  g.verdictOnly = true;
  const early = new Early(g);
  g.out.movReg(1, ctx[0]!);
  g.out.movImm(2, g.mistake() ? 1 : 0);
  pointAt(g, 3, PLACES.dynptr);
  callKernel(g, g.mistake() ? 'bpf_dynptr_from_skb_meta' : xdp ? 'bpf_dynptr_from_xdp' : 'bpf_dynptr_from_skb');
  pointAt(g, 1, PLACES.dynptr);
  const use = g.random.below(4);
  if (use === 0) {
    callKernel(g, g.random.pick(['bpf_dynptr_size', 'bpf_dynptr_is_null', 'bpf_dynptr_is_rdonly']));
  } else if (use === 1) {
    pointAt(g, 2, PLACES.dynptr2);
    callKernel(g, 'bpf_dynptr_clone');
  } else {
    g.out.movImm(2, g.random.pick([0, 14]));
    pointAt(g, 3, PLACES.buffer);
    g.out.movImm(4, g.random.pick([8, 16, g.mistake() ? 0 : 20]));
    const writes = g.random.oneIn(2);
    callKernel(g, writes ? 'bpf_dynptr_slice_rdwr' : 'bpf_dynptr_slice');
    early.ifNull(0);
    if (writes && g.random.oneIn(2)) g.out.storeImm(4, 0, 4, 1);
    else g.out.load(8, 1, 0, g.random.pick([0, 8]));
  }
  g.set(0, 'none');
  g.set(1, 'none');
  early.end();
}

const CLASSIC: readonly number[] = [
  abi.BPF_PROG_TYPE_SOCKET_FILTER,
  abi.BPF_PROG_TYPE_SCHED_CLS,
  abi.BPF_PROG_TYPE_SCHED_ACT,
];

/** BPF_LD_ABS and BPF_LD_IND, which end the program where the packet does. */
function classicLoad(g: Generator): void {
  const ctx = g.of('ctx');
  if (!ctx.includes(6) || (!CLASSIC.includes(g.progType) && !g.mistake())) return g.arithmetic();
  const size = g.random.pick<Size>([1, 2, 4]);
  const off = g.random.pick([0, 12, 14, 60, -0xff000, -0x100000 + 4]);
  if (g.random.oneIn(2)) g.out.raw(BPF_LD | 0x20 | sizeCode(size), 0, 0, 0, off);
  else g.out.raw(BPF_LD | 0x40 | sizeCode(size), 0, g.scalar(), 0, off);
  g.afterCall();
}

/** A jump with a distance of 32 bits. */
function longJump(g: Generator): void {
  const pc = g.out.raw(0x06, 0, 0, 0, 0);
  if (g.random.oneIn(3)) g.out.movImm(g.target(), 1);
  g.out.callTo(pc, g.out.pc);
  for (let r = 0; r < 10; r++) if (g.regs[r]!.kind === 'scalar') g.set(r, 'scalar');
}

/** Atomic operations on numbers that are on the stack, in all forms. */
function atomicNumbers(g: Generator): void {
  const slot = g.random.below(11);
  const at = -8 * (slot + 1);
  const value = g.scalar();
  if (value === FP) return;
  g.out.storeImm(8, FP, at, g.random.edgy());
  g.slots[slot] = true;
  const op = g.random.pick([0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110]);
  const size = op >= 0x100 ? g.random.pick(SIZES) : g.random.pick<Size>([4, 8, 8, g.mistake() ? 2 : 4]);
  if (op === 0xf1 && g.regs[0]!.kind !== 'scalar') {
    g.out.movImm(0, g.random.edgy());
    g.set(0, 'scalar');
  }
  if (op === 0x100) g.out.raw(BPF_STX | 0xc0 | sizeCode(size), value, FP, at, op);
  else g.out.raw(BPF_STX | 0xc0 | sizeCode(size), FP, value, at, op);
  if (op === 0xf1) g.set(0, 'scalar');
  else if ((op & 1) !== 0 || op === 0x100) g.set(value, 'scalar');
}

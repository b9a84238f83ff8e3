/**
 * Statements that use more of the kernel: pointers on the stack and in arguments, maps as memory, callbacks, tail calls,
 * ring buffers, helpers over packets. Whatever a helper answers here follows from the program alone.
 */
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_AND,
  BPF_JEQ,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JMP,
  BPF_JMP32,
  BPF_JSGT,
  BPF_MUL,
  BPF_NEG,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_RSH,
  BPF_SUB,
  BPF_XOR,
} from '../../../src/isa/index.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import type { Size } from './emitter.ts';
import type { GeneratedMap, Generator, Reg } from './program.ts';

const FP = 10;
const SIZES: readonly Size[] = [1, 2, 4, 8];
const SCALAR: Reg = { kind: 'scalar', limit: undefined };

type Statement = (g: Generator) => void;

export const MORE_STATEMENTS: readonly (readonly [weight: number, statement: Statement])[] = [
  [3, narrowedBranch],
  [3, pointerSpill],
  [3, globalVariable],
  [3, valueArithmetic],
  [3, memory],
  [2, functionOfPointer],
  [2, loopCallback],
  [1, eachElement],
  [1, tailCall],
  [2, ringOutput],
  [1, ringReserve],
  [2, checksum],
  [2, queue],
  [2, packetBytes],
  [1, packetAdjust],
  [2, packetLength],
  [1, unknownNumber],
];

/** A comparison, and use of what each side then knows: an index below a bound, a number that is one value. */
function narrowedBranch(g: Generator): void {
  const value = g.scalar();
  const bound = g.random.pick([1, 7, 8, 15, 63, 255]);
  const wide = g.random.oneIn(2);
  const op = g.random.pick([BPF_JGT, BPF_JSGT, BPF_JLE, BPF_JLT, BPF_JEQ]);
  const skip = g.out.jump((wide ? BPF_JMP : BPF_JMP32) | op, value, 0, bound);
  const before = g.snapshot();
  g.depth++;
  if (g.depth <= 3) g.block(1 + g.random.below(2));
  g.depth--;
  g.out.land(skip);
  g.join(before.regs, before.slots);
}

/** A pointer to the stack, kept on the stack over a call or two, and used again. */
function pointerSpill(g: Generator): void {
  const slot = g.random.below(11);
  const target = g.random.below(11);
  if (slot === target) return;
  const via = g.random.pick([7, 8, 9]);
  g.out.storeImm(8, FP, -8 * (target + 1), g.random.edgy());
  g.slots[target] = true;
  g.out.movReg(via, FP);
  g.out.aluImm(BPF_ADD, via, -8 * (target + 1), true);
  g.out.store(8, FP, -8 * (slot + 1), via);
  g.slots[slot] = false;
  g.set(via, 'none');
  if (g.random.oneIn(2)) checksum(g);
  if (g.random.oneIn(8)) g.out.storeImm(1, FP, -8 * (slot + 1), 0); // no pointer any more
  const back = g.random.pick([1, 2, 3, 4, 5]);
  g.out.load(8, back, FP, -8 * (slot + 1));
  g.set(back, 'mem', 8);
  if (!g.slots[target]) g.out.storeImm(8, back, 0, 1);
  accessMemory(g, back);
  // What the slot holds may be an address: nothing reads it as a number.
  g.out.storeImm(8, FP, -8 * (slot + 1), 0);
  g.slots[slot] = true;
  g.set(back, 'none');
}

/** The value of an array with one element, as compilers keep global variables. */
function globalVariable(g: Generator): void {
  const arrays = g.maps.flatMap((m, i) => (m.type === abi.BPF_MAP_TYPE_ARRAY && m.maxEntries === 1 ? [i] : []));
  const index = arrays.length > 0 ? g.random.pick(arrays) : g.maps.push(array(g)) - 1;
  const { valueSize } = g.maps[index]!;
  const at = g.random.pick([1, 2, 3, 4, 5, 7, 8, 9]);
  const off = g.mistake() ? valueSize : g.random.below(valueSize / 8) * 8;
  g.out.ldImm64(at, index, off, BPF_PSEUDO_MAP_VALUE);
  g.set(at, 'mem', valueSize - off);
  accessMemory(g, at);
  if (g.random.oneIn(2)) accessMemory(g, at);
  if (g.random.oneIn(2)) g.set(at, 'none');
}

function array(g: Generator): GeneratedMap {
  const valueSize = g.random.pick([8, 32, 64]);
  return {
    type: abi.BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize,
    maxEntries: 1,
    values: [g.random.bytes(valueSize)],
  };
}

/** A place in a map's value that is computed, and held inside by a comparison or a mask. */
function valueArithmetic(g: Generator): void {
  const arrays = g.maps.flatMap((m, i) => (m.type === abi.BPF_MAP_TYPE_ARRAY && m.maxEntries === 1 ? [i] : []));
  const index = arrays.length > 0 ? g.random.pick(arrays) : g.maps.push(array(g)) - 1;
  const { valueSize } = g.maps[index]!;
  const offset = g.random.pick([1, 2, 3]);
  const base = g.random.pick([4, 5]);
  const size = g.random.pick(SIZES);
  const number = g.scalar();
  if (number === base) return;
  if (number !== offset) g.out.movReg(offset, number);
  if (g.random.oneIn(2))
    g.out.aluImm(g.random.pick([BPF_MUL, BPF_RSH]), offset, 1 + g.random.below(3), g.random.oneIn(2));
  const last = valueSize - size - (g.mistake() ? -1 : 0);
  let skip = -1;
  if (g.random.oneIn(2)) skip = g.out.jump((g.random.oneIn(2) ? BPF_JMP : BPF_JMP32) | BPF_JGT, offset, 0, last);
  else g.out.aluImm(BPF_AND, offset, g.random.pick([0, 3, 4, 7].filter((mask) => mask <= last)), g.random.oneIn(2));
  const narrow = skip >= 0 && g.random.oneIn(3);
  g.set(offset, 'none');
  g.set(base, 'none');
  const before = g.snapshot();
  // A 32-bit comparison says nothing of the upper half: compilers move the lower half over.
  if (skip >= 0 && !narrow) g.out.aluReg(0xb0, offset, offset, false);
  g.out.ldImm64(base, index, 0, BPF_PSEUDO_MAP_VALUE);
  if (g.random.oneIn(6)) {
    g.out.raw(BPF_ALU64 | BPF_NEG, offset);
    g.out.aluReg(BPF_SUB, base, offset, true);
  } else g.out.aluReg(BPF_ADD, base, offset, true);
  if (g.random.oneIn(2)) g.out.storeImm(size, base, 0, g.random.edgy());
  else {
    g.out.load(size, 0, base, 0);
    g.set(0, 'scalar');
  }
  if (skip >= 0) {
    g.out.land(skip);
    g.join(before.regs, before.slots);
  }
  g.set(offset, 'none');
  g.set(base, 'none');
}

/** An access through a pointer that is at hand. */
function memory(g: Generator): void {
  const have = g.of('mem');
  if (have.length === 0) return globalVariable(g);
  accessMemory(g, g.random.pick(have));
}

function accessMemory(g: Generator, base: number): void {
  const limit = g.regs[base]!.limit ?? 0;
  const sizes = SIZES.filter((s) => s <= limit);
  if (sizes.length === 0) return;
  const size = g.random.pick(sizes);
  const off = g.mistake() ? limit - size + 1 : g.random.below(Math.floor(limit / size)) * size;
  if (g.random.oneIn(3)) g.out.storeImm(size, base, off, g.random.edgy());
  else if (g.random.oneIn(2)) {
    const value = g.scalar();
    if (value === base) g.leaky = true;
    g.out.store(size, base, off, value);
  } else {
    const dst = g.random.pick([0, 1, 2, 3, 4, 5].filter((r) => r !== base));
    g.out.load(size, dst, base, off);
    g.set(dst, 'scalar', size === 1 ? 255 : undefined);
  }
}

/** A call of a function that gets a pointer to the stack or to a map's value. */
function functionOfPointer(g: Generator): void {
  if (g.inSubprog || g.subprogs.length >= 4) return memory(g);
  const pointer = stackPointer(g, 1);
  g.out.movImm(2, g.random.edgy());
  g.calls.push({ pc: g.out.callSubprog(), index: g.subprogs.length });
  g.subprogs.push({ args: [pointer, SCALAR], callback: false });
  g.afterCall();
}

/** Lets `reg` point at initialised stack. */
function stackPointer(g: Generator, reg: number): Reg {
  const slot = 1 + g.random.below(10);
  for (const s of [slot - 1, slot]) {
    if (!g.slots[s]) g.out.storeImm(8, FP, -8 * (s + 1), g.random.edgy());
    g.slots[s] = true;
  }
  g.out.movReg(reg, FP);
  g.out.aluImm(BPF_ADD, reg, -8 * (slot + 1), true);
  return { kind: 'mem', limit: 16 };
}

/** bpf_loop with a function that works on the stack of its caller. */
function loopCallback(g: Generator): void {
  if (g.inSubprog || g.subprogs.length >= 4) return memory(g);
  const pointer = stackPointer(g, 3);
  if (g.random.oneIn(3)) {
    const rounds = g.scalar();
    if (rounds === 3) return;
    g.out.movReg(1, rounds);
    if (!g.mistake()) g.out.aluImm(BPF_AND, 1, 15, true);
  } else g.out.movImm(1, g.random.below(20));
  g.calls.push({ pc: g.out.ldImm64(2, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
  g.subprogs.push({ args: [SCALAR, pointer], callback: true });
  g.out.movImm(4, g.mistake() ? 1 : 0);
  g.out.call(abi.BPF_FUNC_loop);
  g.afterCall();
}

/** bpf_for_each_map_elem over an array: the order of a hash is nobody's to tell. */
function eachElement(g: Generator): void {
  if (g.inSubprog || g.subprogs.length >= 4) return memory(g);
  const arrays = g.maps.flatMap((m, i) => (m.type === abi.BPF_MAP_TYPE_ARRAY ? [i] : []));
  if (arrays.length === 0) return globalVariable(g);
  const index = g.random.pick(arrays);
  const pointer = stackPointer(g, 3);
  g.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_FD);
  g.calls.push({ pc: g.out.ldImm64(2, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
  const none: Reg = { kind: 'none', limit: undefined };
  const value: Reg = { kind: 'mem', limit: g.maps[index]!.valueSize };
  g.subprogs.push({ args: [none, none, value, pointer], callback: true });
  g.out.movImm(4, 0);
  g.out.call(abi.BPF_FUNC_for_each_map_elem);
  g.afterCall();
}

/** A tail call to where nothing is: it falls through. */
function tailCall(g: Generator): void {
  const ctx = g.of('ctx');
  if (ctx.length === 0) return memory(g);
  const map = g.mapOf({ type: abi.BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 });
  g.out.movReg(1, g.random.pick(ctx));
  g.out.ldImm64(2, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(3, g.random.pick([0, 1, 2, -1]));
  g.out.call(abi.BPF_FUNC_tail_call);
  for (let r = 1; r <= 5; r++) g.set(r, 'none');
  // What the helper leaves in r0 differs between kernels that inline it and those that do not.
  g.out.movImm(0, g.random.below(3));
  g.set(0, 'scalar');
}

const RING = { type: abi.BPF_MAP_TYPE_RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096 };

function ringOutput(g: Generator): void {
  const map = g.mapOf(RING);
  stackPointer(g, 2);
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(3, g.mistake() ? 1000 : g.random.pick([0, 1, 8, 16]));
  g.out.movImm(4, g.random.pick([0, 1, 2]));
  g.out.call(abi.BPF_FUNC_ringbuf_output);
  g.afterCall();
  if (g.random.oneIn(2)) return;
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(2, g.random.pick([0, 1, 2, 3, 9]));
  g.out.call(abi.BPF_FUNC_ringbuf_query);
  g.afterCall();
}

/** A record that is reserved, checked, written, and given back one way or the other, unless that is forgotten. */
function ringReserve(g: Generator): void {
  const map = g.mapOf(RING);
  const size = g.random.pick([8, 16, 24]);
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(2, size);
  g.out.movImm(3, 0);
  g.out.call(abi.BPF_FUNC_ringbuf_reserve);
  g.afterCall();
  g.set(0, 'none');
  const skip = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  const before = g.snapshot();
  g.out.storeImm(8, 0, g.mistake() ? size : g.random.below(size / 8) * 8, g.random.edgy());
  if (!g.mistake()) {
    g.out.movReg(1, 0);
    g.out.movImm(2, 0);
    g.out.call(g.random.oneIn(2) ? abi.BPF_FUNC_ringbuf_submit : abi.BPF_FUNC_ringbuf_discard);
    for (let r = 1; r <= 5; r++) g.set(r, 'none');
  }
  if (skip >= 0) g.out.land(skip);
  g.join(before.regs, before.slots);
  g.set(0, 'none');
}

/** bpf_csum_diff over stack that was written. */
function checksum(g: Generator): void {
  if (!g.may(abi.BPF_FUNC_csum_diff)) return memory(g);
  stackPointer(g, 1);
  g.out.movImm(2, g.mistake() ? 3 : g.random.pick([4, 8, 16]));
  stackPointer(g, 3);
  g.out.movImm(4, g.random.pick([0, 4, 8]));
  g.out.movImm(5, g.random.below(65536));
  g.out.call(abi.BPF_FUNC_csum_diff);
  g.afterCall();
}

/** Push to, pop from and look into a queue. */
function queue(g: Generator): void {
  const type = g.random.pick([abi.BPF_MAP_TYPE_QUEUE, abi.BPF_MAP_TYPE_STACK]);
  const map = g.mapOf({ type, keySize: 0, valueSize: 8, maxEntries: 2 });
  const slot = g.random.below(11);
  const push = g.random.oneIn(2);
  if (!g.slots[slot] || !push) g.out.storeImm(8, FP, -8 * (slot + 1), g.random.edgy());
  g.slots[slot] = true;
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movReg(2, FP);
  g.out.aluImm(BPF_ADD, 2, -8 * (slot + 1), true);
  if (push) {
    g.out.movImm(3, g.random.pick([0, 2, 1]));
    g.out.call(abi.BPF_FUNC_map_push_elem);
  } else g.out.call(g.random.oneIn(2) ? abi.BPF_FUNC_map_pop_elem : abi.BPF_FUNC_map_peek_elem);
  g.afterCall();
}

/** Bytes of the packet to and from the stack by helpers. */
function packetBytes(g: Generator): void {
  const ctx = g.of('ctx');
  if (ctx.length === 0 || !(g.may(abi.BPF_FUNC_skb_load_bytes) || g.progType === abi.BPF_PROG_TYPE_XDP))
    return memory(g);
  const load = !(g.may(abi.BPF_FUNC_skb_store_bytes) || g.progType === abi.BPF_PROG_TYPE_XDP) || g.random.oneIn(2);
  const xdp = g.progType === abi.BPF_PROG_TYPE_XDP;
  stackPointer(g, 3);
  g.out.movReg(1, g.random.pick(ctx));
  g.out.movImm(2, g.random.pick([0, 4, 12, 14, 90, 2000]));
  g.out.movImm(4, g.mistake() ? 0 : g.random.pick([1, 4, 8, 16]));
  if (xdp) g.out.call(load ? abi.BPF_FUNC_xdp_load_bytes : abi.BPF_FUNC_xdp_store_bytes);
  else {
    if (!load) g.out.movImm(5, 0);
    g.out.call(load ? abi.BPF_FUNC_skb_load_bytes : abi.BPF_FUNC_skb_store_bytes);
  }
  g.afterCall();
}

/** The packet grows or shrinks. */
function packetAdjust(g: Generator): void {
  const ctx = g.of('ctx');
  if (ctx.length === 0 || !(g.may(abi.BPF_FUNC_skb_change_tail) || g.progType === abi.BPF_PROG_TYPE_XDP))
    return memory(g);
  g.out.movReg(1, g.random.pick(ctx));
  g.out.movImm(2, g.random.pick([-14, -8, -4, 0, 4, 8, 14, 200]));
  if (g.progType === abi.BPF_PROG_TYPE_XDP) {
    g.out.call(
      g.random.pick([abi.BPF_FUNC_xdp_adjust_head, abi.BPF_FUNC_xdp_adjust_tail, abi.BPF_FUNC_xdp_adjust_meta]),
    );
  } else {
    g.out.aluImm(BPF_AND, 2, 127, true);
    g.out.movImm(3, 0);
    g.out.call(g.random.oneIn(2) ? abi.BPF_FUNC_skb_change_tail : abi.BPF_FUNC_skb_pull_data);
  }
  g.afterCall();
}

/** A length read from the packet, then that many bytes on: variable offsets of several sizes. */
function packetLength(g: Generator): void {
  const ctx = g.of('ctx');
  const off = g.progType === abi.BPF_PROG_TYPE_XDP ? 0 : g.progType === abi.BPF_PROG_TYPE_SCHED_CLS ? 76 : -1;
  if (ctx.length === 0 || off < 0) return memory(g);
  g.out.load(4, 2, g.random.pick(ctx), off);
  g.out.load(4, 3, g.random.pick(ctx), off + 4);
  for (let r = 2; r <= 5; r++) g.set(r, 'none');
  g.set(0, 'none');
  const size = g.random.pick(SIZES);
  g.out.movReg(4, 2);
  g.out.aluImm(BPF_ADD, 4, 14, true);
  const short = g.out.jump(BPF_JMP | BPF_JGT | 8, 4, 3);
  g.out.load(g.random.pick([1, 2]), 0, 2, g.random.below(12));
  g.out.aluImm(BPF_AND, 0, g.random.pick([1, 15, 63, 255, 0xfff, 0x7fff]), true);
  g.out.aluReg(BPF_ADD, 2, 0, true);
  g.out.movReg(4, 2);
  g.out.aluImm(BPF_ADD, 4, size, true);
  const past = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JGT | 8, 4, 3);
  if (g.random.oneIn(3)) g.out.storeImm(size, 2, 0, g.random.edgy());
  else g.out.load(size, 5, 2, 0);
  g.out.land(short);
  if (past >= 0) g.out.land(past);
}

/** A number that is known to nobody, and masked away: only its bounds count. */
function unknownNumber(g: Generator): void {
  g.out.call(
    g.random.pick([abi.BPF_FUNC_get_prandom_u32, abi.BPF_FUNC_ktime_get_ns, abi.BPF_FUNC_get_smp_processor_id]),
  );
  g.afterCall();
  const other = g.random.pick([7, 8, 9]);
  g.out.movReg(other, 0);
  g.out.aluImm(BPF_AND, other, g.random.pick([7, 255]), true);
  const skip = g.out.jump(BPF_JMP | BPF_JGT, other, 0, 300);
  g.out.aluReg(BPF_XOR, other, other, true);
  g.out.land(skip);
  g.out.aluImm(BPF_AND, other, 0, true);
  g.out.movImm(0, 0);
  g.set(0, 'scalar');
  g.set(other, 'scalar');
}

/**
 * Statements with objects of the kernel: dynptrs, open-coded iterators, sections (RCU, preemption), and the kinds of
 * maps that need more than a key and a value. They lie below the stack that other statements use.
 */
import {
  BPF_ADD,
  BPF_AND,
  BPF_JEQ,
  BPF_JMP,
  BPF_JMP32,
  BPF_JSGT,
  BPF_JSLT,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
} from '../../../src/isa/index.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import { callKernel } from './kernel-calls.ts';
import { FP, type Generator, SIZES } from './program.ts';

type Statement = (g: Generator) => void;

export const OBJECT_STATEMENTS: readonly (readonly [weight: number, statement: Statement])[] = [
  [2, dynptrOfMemory],
  [2, dynptrOfRing],
  [1, iterator],
  [1, section],
  [2, longestPrefix],
  [2, perCpuHash],
  [2, signedRange32],
];

const DYNPTR = -112;
const ITERATOR = -120;
const KEY = -136;
const VALUE = -152;
const BUFFER = -176;

function pointAt(g: Generator, reg: number, off: number): void {
  g.out.movReg(reg, FP);
  g.out.aluImm(BPF_ADD, reg, off, true);
  g.set(reg, 'none');
}

/** A dynptr over an array's value: read, written, and a piece of it used. */
function dynptrOfMemory(g: Generator): void {
  const def = { type: abi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 64, maxEntries: 1 };
  const at = g.maps.findIndex((m) => m.type === def.type && m.maxEntries === 1 && m.valueSize === 64);
  const map = at >= 0 ? at : g.maps.push({ ...def, values: [g.random.bytes(64)] }) - 1;
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_VALUE);
  g.out.movImm(2, g.mistake() ? 65 : g.random.pick([8, 32, 64]));
  g.out.movImm(3, g.mistake() ? 1 : 0);
  pointAt(g, 4, DYNPTR);
  g.out.call(abi.BPF_FUNC_dynptr_from_mem);
  g.afterCall();
  useDynptr(g);
}

/** A dynptr over a record of a ring buffer, which is given back. */
function dynptrOfRing(g: Generator): void {
  const map = g.mapOf({ type: abi.BPF_MAP_TYPE_RINGBUF, keySize: 0, valueSize: 0, maxEntries: 4096 });
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(2, g.random.pick([8, 24, 40]));
  g.out.movImm(3, 0);
  pointAt(g, 4, DYNPTR);
  g.out.call(abi.BPF_FUNC_ringbuf_reserve_dynptr);
  g.afterCall();
  if (g.random.oneIn(2)) useDynptr(g);
  if (g.mistake()) return;
  pointAt(g, 1, DYNPTR);
  g.out.movImm(2, 0);
  g.out.call(g.random.pick([abi.BPF_FUNC_ringbuf_submit_dynptr, abi.BPF_FUNC_ringbuf_discard_dynptr]));
  g.afterCall();
  g.set(0, 'none');
}

function useDynptr(g: Generator): void {
  const size = g.random.pick(SIZES);
  const off = g.random.pick([0, 8, 30]);
  const use = g.random.below(3);
  if (use === 0) {
    g.out.storeImm(8, FP, BUFFER, g.random.edgy());
    pointAt(g, 1, DYNPTR);
    g.out.movImm(2, off);
    pointAt(g, 3, BUFFER);
    g.out.movImm(4, g.mistake() ? 40 : size);
    g.out.movImm(5, 0);
    g.out.call(abi.BPF_FUNC_dynptr_write);
  } else if (use === 1) {
    pointAt(g, 1, BUFFER);
    g.out.movImm(2, size);
    pointAt(g, 3, DYNPTR);
    g.out.movImm(4, off);
    g.out.movImm(5, 0);
    g.out.call(abi.BPF_FUNC_dynptr_read);
  } else {
    pointAt(g, 1, DYNPTR);
    g.out.movImm(2, off);
    g.out.movImm(3, size);
    g.out.call(abi.BPF_FUNC_dynptr_data);
    g.afterCall();
    const missing = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
    g.out.storeImm(size, 0, g.mistake() ? 1 : 0, g.random.edgy());
    if (missing >= 0) g.out.land(missing);
    g.out.movImm(0, 1);
  }
  g.afterCall();
}

/** bpf_for(i, start, end): the body runs as often as the iterator says. */
function iterator(g: Generator): void {
  if (g.depth >= 2) return perCpuHash(g);
  pointAt(g, 1, ITERATOR);
  g.out.movImm(2, g.random.below(3));
  g.out.movImm(3, g.random.pick([3, 5, 10]));
  callKernel(g, 'bpf_iter_num_new');
  const head = g.out.pc;
  // What the body changes is not known when it is entered again.
  for (const r of [0, 7, 8, 9]) g.set(r, 'none');
  g.slots.fill(false);
  pointAt(g, 1, ITERATOR);
  callKernel(g, 'bpf_iter_num_next');
  const done = g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  g.out.load(4, 7, 0, 0);
  g.set(7, 'scalar');
  g.depth += 2;
  g.block(1 + g.random.below(2));
  g.depth -= 2;
  g.out.jumpTo(g.out.jump(), head);
  g.out.land(done);
  for (let r = 0; r < 10; r++) if (g.regs[r]!.kind !== 'ctx') g.set(r, 'none');
  g.slots.fill(false);
  if (g.mistake()) return;
  pointAt(g, 1, ITERATOR);
  callKernel(g, 'bpf_iter_num_destroy');
}

/** A section that must be left before the program ends. */
function section(g: Generator): void {
  if (g.depth >= 2) return longestPrefix(g);
  const rcu = g.random.oneIn(2);
  callKernel(g, rcu ? 'bpf_rcu_read_lock' : 'bpf_preempt_disable');
  g.depth += 2;
  g.block(1);
  g.depth -= 2;
  if (!g.mistake()) callKernel(g, rcu ? 'bpf_rcu_read_unlock' : 'bpf_preempt_enable');
}

/** An entry for a prefix, and the longest prefix of an address. */
function longestPrefix(g: Generator): void {
  const def = {
    type: abi.BPF_MAP_TYPE_LPM_TRIE,
    keySize: 8,
    valueSize: 8,
    maxEntries: 8,
    flags: abi.BPF_F_NO_PREALLOC,
  };
  const map = g.mapOf(def);
  g.out.storeImm(4, FP, KEY, g.random.pick([0, 8, 16, 24, 32]));
  g.out.storeImm(4, FP, KEY + 4, g.random.edgy());
  g.out.storeImm(8, FP, VALUE, g.random.edgy());
  pointAt(g, 2, KEY);
  pointAt(g, 3, VALUE);
  g.out.movImm(4, g.random.pick([0, 0, 1, 2]));
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.call(abi.BPF_FUNC_map_update_elem);
  g.afterCall();
  g.out.storeImm(4, FP, KEY, 32);
  element(g, map);
}

/** A value of this CPU in a hash table, which is there after it was put in. */
function perCpuHash(g: Generator): void {
  const type = g.random.pick([abi.BPF_MAP_TYPE_PERCPU_HASH, abi.BPF_MAP_TYPE_LRU_PERCPU_HASH]);
  const map = g.mapOf({ type, keySize: 8, valueSize: 16, maxEntries: 4 });
  g.out.storeImm(8, FP, KEY, g.random.below(3));
  if (g.random.oneIn(2)) {
    g.out.storeImm(8, FP, VALUE, g.random.edgy());
    g.out.storeImm(8, FP, VALUE + 8, g.random.edgy());
    pointAt(g, 2, KEY);
    pointAt(g, 3, VALUE);
    g.out.movImm(4, 0);
    g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
    g.out.call(abi.BPF_FUNC_map_update_elem);
    g.afterCall();
  }
  element(g, map);
}

/** Looks up what lies at KEY and uses it. */
function element(g: Generator, map: number): void {
  pointAt(g, 2, KEY);
  g.out.ldImm64(1, map, 0, BPF_PSEUDO_MAP_FD);
  g.out.call(g.random.oneIn(5) ? abi.BPF_FUNC_map_delete_elem : abi.BPF_FUNC_map_lookup_elem);
  g.afterCall();
  const missing = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  if (missing < 0) g.out.load(8, 0, 0, 0);
  else g.out.movImm(0, 1);
  if (missing >= 0) g.out.land(missing);
  g.out.movImm(0, 2);
  g.set(0, 'scalar');
}

/** A range from two signed comparisons of the low halves; the sign is extended, and the number used as an index. */
function signedRange32(g: Generator): void {
  const number = g.scalar();
  if (number < 3 || number === FP) return;
  const skips = [
    g.out.jump(BPF_JMP32 | BPF_JSGT, number, 0, g.random.pick([3, 7])),
    g.out.jump(BPF_JMP32 | BPF_JSLT, number, 0, g.random.pick([0, -4])),
  ];
  const before = g.snapshot();
  g.out.raw(0xbf, number, number, 32, 0);
  if (g.random.oneIn(3)) g.out.aluImm(BPF_AND, number, 7, true);
  g.out.movReg(1, FP);
  g.out.aluReg(BPF_ADD, 1, number, true);
  g.out.storeImm(1, 1, g.mistake() ? -2 : BUFFER + 8, g.random.below(200));
  g.set(1, 'none');
  for (const skip of skips) g.out.land(skip);
  g.join(before.regs, before.slots);
  g.set(number, 'scalar');
}

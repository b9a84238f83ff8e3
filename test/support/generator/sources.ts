/**
 * Where pointers come from: code that leaves one in a register, checked for NULL. A statement collects the jumps that
 * leave it early, and lands them at its end.
 */
import { BPF_ADD, BPF_JEQ, BPF_JMP, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE } from '../../../src/isa/index.ts';
import { CONTEXTS } from '../../../src/uapi/contexts.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import { kernelField, tracedArguments } from './kernel-types.ts';
import { FP, type Generator } from './program.ts';
import type { TypedValue } from './types.ts';

/** Stack that these statements keep for themselves, below what others use. */
export const PLACES = { dynptr: -112, iterator: -144, key: -152, buffer: -216, flags: -224, dynptr2: -240 } as const;

/** A statement that may end early. */
export class Early {
  readonly #g: Generator;
  readonly #jumps: number[] = [];
  readonly #before: ReturnType<Generator['snapshot']>;

  constructor(g: Generator) {
    this.#g = g;
    this.#before = g.snapshot();
  }
  /** Leaves where the register is 0, unless that is forgotten. */
  ifNull(reg: number): void {
    if (!this.#g.mistake()) this.#jumps.push(this.#g.out.jump(BPF_JMP | BPF_JEQ, reg, 0, 0));
  }
  leave(jump: number): void {
    this.#jumps.push(jump);
  }
  end(): void {
    for (const jump of this.#jumps) this.#g.out.land(jump);
    if (this.#jumps.length > 0) this.#g.join(this.#before.regs, this.#before.slots);
    this.#g.leaky = true;
  }
}

export function pointAt(g: Generator, reg: number, off: number): void {
  g.out.movReg(reg, FP);
  g.out.aluImm(BPF_ADD, reg, off, true);
  g.set(reg, 'none');
}

/** Stack of `size` bytes (64 at most) that was written, at PLACES.buffer. */
export function writtenBuffer(g: Generator, reg: number, size: number): void {
  const end = g.mistake() ? size - 8 : size;
  for (let at = 0; at < end; at += 8) g.out.storeImm(8, FP, PLACES.buffer + at, g.random.below(4));
  pointAt(g, reg, PLACES.buffer);
}

/** A value with parts of the kernel's, looked up; false where it could not be. */
export function typedValue(g: Generator, early: Early, name: string, reg: number): TypedValue | undefined {
  const value = g.types.values[name];
  if (value === undefined) return undefined;
  const index = g.typedMap(value);
  const map = g.maps[index]!;
  if (map.type === abi.BPF_MAP_TYPE_ARRAY && map.maxEntries === 1 && g.random.oneIn(2)) {
    g.out.ldImm64(reg, index, 0, BPF_PSEUDO_MAP_VALUE);
  } else {
    g.out.storeImm(4, FP, PLACES.key, 0);
    pointAt(g, 2, PLACES.key);
    g.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_FD);
    g.out.call(abi.BPF_FUNC_map_lookup_elem);
    g.afterCall();
    g.set(0, 'none');
    early.ifNull(0);
    g.out.movReg(reg, 0);
  }
  g.set(reg, 'none');
  return value;
}

/** A socket in `reg`; true where it has to be given back, undefined where there is none. */
export function socket(g: Generator, early: Early, reg: number): boolean | undefined {
  const ctx = g.of('ctx');
  if (ctx.length === 0) return undefined;
  const fields = CONTEXTS.get(g.progType)?.fields.filter(({ pointer }) => pointer?.startsWith('sock')) ?? [];
  const lookups = [abi.BPF_FUNC_sk_lookup_tcp, abi.BPF_FUNC_sk_lookup_udp, abi.BPF_FUNC_skc_lookup_tcp];
  const may = lookups.filter((id) => g.may(id));
  if (fields.length > 0 && (may.length === 0 || g.random.oneIn(2))) {
    const field = g.random.pick(fields);
    g.out.load(field.size === 4 ? 4 : 8, reg, g.random.pick(ctx), field.offset);
    g.set(reg, 'none');
    early.ifNull(reg);
    return false;
  }
  if (may.length === 0) return undefined;
  writtenBuffer(g, 2, 40);
  g.out.movReg(1, g.random.pick(ctx));
  g.out.movImm(3, g.random.pick([12, 36]));
  g.out.movImm(4, g.mistake() ? 0 : -1);
  g.out.movImm(5, 0);
  g.out.call(g.random.pick(may));
  g.afterCall();
  g.set(0, 'none');
  early.ifNull(0);
  g.out.movReg(reg, 0);
  g.set(reg, 'none');
  return true;
}

/**
 * A pointer to a structure of the kernel, and which; undefined where there is none. Not of variables: whether a kernel
 * tells where they are depends on how it was built.
 */
export function kernelPointer(g: Generator, early: Early, reg: number): string | undefined {
  const ctx = g.of('ctx');
  const traced = tracedArguments(g.place).flatMap((name, k) => (name === undefined ? [] : [{ name, k }]));
  if (ctx.length > 0 && traced.length > 0 && !g.random.oneIn(3)) {
    const { name, k } = g.random.pick(traced);
    g.out.load(8, reg, g.random.pick(ctx), 8 * k);
    g.set(reg, 'none');
    if (g.random.oneIn(2)) early.ifNull(reg);
    return name;
  }
  if (!g.may(abi.BPF_FUNC_get_current_task_btf)) return undefined;
  g.out.call(abi.BPF_FUNC_get_current_task_btf);
  g.afterCall();
  g.set(0, 'none');
  g.out.movReg(reg, 0);
  g.set(reg, 'none');
  return 'task_struct';
}

/** Follows fields from the structure that `reg` points to. Ends with a number in r1, mostly. */
export function followPointer(g: Generator, early: Early, reg: number, struct: string): void {
  let name: string | undefined = struct;
  let base = reg;
  for (let n = 1 + g.random.below(3); n > 0 && name !== undefined; n--) {
    const field = kernelField(g.random, name);
    if (field === undefined) return;
    const off = field.off + (g.mistake() ? g.random.pick([1, 4, 100_00]) : 0);
    if (g.mistake()) g.out.storeImm(4, base, off, 0);
    g.out.load(field.size as 1 | 2 | 4 | 8, 1, base, off);
    g.set(1, 'none');
    if (field.pointsTo !== undefined && g.random.oneIn(2)) early.ifNull(1);
    name = field.pointsTo;
    base = 1;
  }
}

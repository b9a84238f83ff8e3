/**
 * Random programs for comparing kernels: seeded, about half of them acceptable to the verifier.
 *
 * A program is grown as structured code (ifs, bounded loops, subprograms) over a small model of what each register
 * holds, so that most statements are right; now and then one is wrong on purpose (a check left out, an offset past
 * the end, a register never written), and that is what the verifier must find. Results do not depend on addresses,
 * time or randomness: what a program answers and leaves in packet and maps can be compared.
 */
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_ARSH,
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DIV,
  BPF_END,
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
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
  BPF_LSH,
  BPF_MOD,
  BPF_MOV,
  BPF_MUL,
  BPF_NEG,
  BPF_OR,
  BPF_PSEUDO_MAP_FD,
  BPF_RSH,
  BPF_STX,
  BPF_SUB,
  BPF_TO_BE,
  BPF_X,
  BPF_XCHG,
  BPF_XOR,
  sizeCode,
} from '../../../src/isa/index.ts';
import { mayCall } from '../../../src/uapi/call-access.ts';
import {
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_XDP,
} from '../../../src/uapi/generated/constants.ts';
import { HELPERS, type HelperName } from '../../../src/uapi/helpers.ts';
import { Emitter, type Size } from './emitter.ts';
import { callableHelpers } from './helper-calls.ts';
import { callableFunctions } from './kernel-calls.ts';
import type { KERNEL_FUNCTIONS } from './kernel-names.ts';
import { OBJECT_STATEMENTS } from './objects.ts';
import { anyPlace, type Place, packetPlace } from './places.ts';
import { Random } from './random.ts';
import { MORE_STATEMENTS } from './statements.ts';
import { PLAIN_STATEMENTS, WIDE_STATEMENTS } from './surroundings.ts';
import { TRACKING_STATEMENTS } from './tracking.ts';
import { type GeneratedTypes, generatedTypes, type TypedValue } from './types.ts';

export interface GeneratedMap {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags?: number;
  /** Contents of an array before the run, a value after the other. */
  values?: Uint8Array[];
  /** Written no more after that. */
  frozen?: boolean;
  /** What the maps in it are like. */
  inner?: GeneratedMap;
  /** map_extra. */
  extra?: number;
  /** The type of its values, in the types of generated programs. */
  valueType?: number;
}

export interface GeneratedProgram extends Place {
  seed: number;
  /** Map references carry the index into `maps` in imm, calls of the kernel's functions that into KERNEL_FUNCTIONS. */
  insns: Uint8Array;
  maps: GeneratedMap[];
  /** Where functions start, and what types they have where those say more than that they are functions. */
  functions: { start: number; type: number | undefined }[];
  /** A packet for one run; undefined where the program is not to be run. */
  data: Uint8Array | undefined;
  /** Whether a mistake may have let an address or what an earlier program left into the results. */
  leaky: boolean;
}

export interface GeneratorOptions {
  /** Statements at the top level; default 4 to 24. */
  statements?: number;
  /** Only programs that are run. */
  packets?: boolean;
  /** The types that programs share, where they are at hand. */
  types?: GeneratedTypes;
  /** One statement in this many is wrong on purpose; 0 for none. Default 80. */
  mistakes?: number;
}

export function generateProgram(seed: number, options: GeneratorOptions = {}): GeneratedProgram {
  return new Generator(seed, options).program();
}

/** What the model knows of a register. */
type Kind = 'none' | 'scalar' | 'ctx' | 'packet' | 'packet_end' | 'value' | 'fp' | 'mem';
export interface Reg {
  kind: Kind;
  /**
   * scalar: an upper bound that is proven, or undefined. packet: bytes proven readable. value: index of the map.
   * mem: bytes that may be read and written.
   */
  limit: number | undefined;
}

const ALU = [BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_XOR, BPF_MOD, BPF_MOV];
const SHIFTS = [BPF_LSH, BPF_RSH, BPF_ARSH];
const COMPARES = [
  BPF_JEQ,
  BPF_JNE,
  BPF_JGT,
  BPF_JGE,
  BPF_JLT,
  BPF_JLE,
  BPF_JSGT,
  BPF_JSGE,
  BPF_JSLT,
  BPF_JSLE,
  BPF_JSET,
];
export const SIZES: readonly Size[] = [1, 2, 4, 8];
export const FP = 10;
export const STACK_SLOTS = 12;
/** Fields of __sk_buff that any program may read, and of xdp_md: offset of a u32. Not those that depend on the machine. */
const SKB_FIELDS = [0, 4, 8, 16, 48, 52, 56, 60, 64];
const DATA_OFF = { [BPF_PROG_TYPE_XDP]: 0, [BPF_PROG_TYPE_SCHED_CLS]: 76 } as Record<number, number>;

export interface Subprogram {
  args: Reg[];
  /** A callback has to answer 0 (go on) or 1 (stop). */
  callback: boolean;
  /** Its type, where it has one of its own. */
  type?: number;
}

/** The program that grows, and what is known of it. Statements beyond the plainest are in the files beside this one. */
export class Generator {
  readonly random: Random;
  readonly options: GeneratorOptions;
  readonly seed: number;
  readonly out = new Emitter();
  readonly maps: GeneratedMap[] = [];
  readonly place: Place;
  readonly types: GeneratedTypes;
  /** What may be called here. */
  readonly helpers: readonly HelperName[];
  readonly functions: readonly (typeof KERNEL_FUNCTIONS)[number][];
  regs: Reg[] = [];
  /** 8-byte stack slots that hold a scalar, from fp-8 downwards. */
  slots: boolean[] = [];
  depth = 0;
  inSubprog = false;
  readonly calls: { pc: number; index: number }[] = [];
  readonly subprogs: Subprogram[] = [];
  leaky = false;
  /** Whether it does what is not to be done on a machine that is used: it is loaded, and not run. */
  verdictOnly: boolean;
  readonly #wide: boolean;

  constructor(seed: number, options: GeneratorOptions) {
    this.seed = seed;
    this.options = options;
    this.random = new Random(seed);
    this.types = options.types ?? generatedTypes();
    this.#wide = this.random.oneIn(2) && !options.packets;
    this.verdictOnly = this.#wide && this.random.oneIn(2);
    this.place = this.verdictOnly ? anyPlace(this.random) : packetPlace(this.random);
    this.helpers = callableHelpers(this);
    this.functions = callableFunctions(this);
    for (let n = this.random.below(3); n > 0; n--) {
      const type = this.random.pick([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH]);
      this.maps.push({
        type,
        keySize: 4,
        valueSize: this.random.pick([8, 16, 40, 64]),
        maxEntries: this.random.pick([1, 4, 16]),
      });
      const map = this.maps.at(-1)!;
      if (type === BPF_MAP_TYPE_ARRAY)
        map.values = Array.from({ length: map.maxEntries }, () => this.random.bytes(map.valueSize));
    }
  }

  program(): GeneratedProgram {
    this.enter([{ kind: 'ctx', limit: undefined }]);
    // The context stays in r6, out of the way of calls, as compilers do it.
    this.out.movReg(6, 1);
    this.set(6, 'ctx');
    this.block(this.options.statements ?? (this.verdictOnly ? 2 + this.random.below(8) : 4 + this.random.below(21)));
    this.leave();
    const starts: number[] = [];
    for (let i = 0; i < this.subprogs.length; i++) {
      starts.push(this.out.pc);
      this.inSubprog = true;
      const { args, callback } = this.subprogs[i]!;
      this.enter(args.map((reg) => ({ ...reg })));
      this.keepPointers();
      this.block(1 + this.random.below(5));
      if (callback) this.leaveCallback();
      else this.leave();
    }
    for (const { pc, index } of this.calls) this.out.callTo(pc, starts[index]!);
    const packet = this.random.bytes(this.random.pick([14, 20, 64, 100]));
    return {
      seed: this.seed,
      ...this.place,
      insns: this.out.bytes(),
      functions: [{ start: 0, type: undefined }, ...this.subprogs.map(({ type }, i) => ({ start: starts[i]!, type }))],
      maps: this.maps,
      data: this.verdictOnly ? undefined : packet,
      leaky: this.leaky,
    };
  }

  enter(args: Reg[]): void {
    this.regs = Array.from({ length: 11 }, () => ({ kind: 'none', limit: undefined }));
    args.forEach((reg, i) => {
      this.regs[i + 1] = reg;
    });
    this.set(FP, 'fp');
    this.slots = new Array(STACK_SLOTS).fill(false);
    this.depth = 0;
  }

  /** r0 gets a scalar that depends on what was computed, then exit. */
  leave(): void {
    if (this.verdictOnly && !this.mistake()) {
      this.out.movImm(0, this.random.pick([0, 0, 0, 1]));
      this.out.exit();
      return;
    }
    const from = this.scalars().filter((r) => r !== 0);
    if (from.length > 0 && !this.random.oneIn(6)) this.out.movReg(0, this.random.pick(from));
    else if (this.regs[0]!.kind !== 'scalar' && !this.mistake()) this.out.movImm(0, this.random.below(5));
    if (!this.inSubprog && this.progType === BPF_PROG_TYPE_XDP) this.out.aluImm(BPF_AND, 0, 3, true);
    this.out.exit();
  }

  leaveCallback(): void {
    if (this.random.oneIn(2)) this.out.movImm(0, this.mistake() ? 2 : this.random.below(2));
    else {
      this.out.movReg(0, this.scalar());
      this.out.aluImm(BPF_AND, 0, this.mistake() ? 3 : 1, true);
    }
    this.out.exit();
  }

  /** Pointers that a function was given go where calls leave them. */
  keepPointers(): void {
    for (let r = 1; r <= 5; r++) {
      if (this.regs[r]!.kind !== 'mem' || this.random.oneIn(4)) continue;
      this.out.movReg(5 + r, r);
      this.regs[5 + r] = { ...this.regs[r]! };
    }
  }

  block(statements: number): void {
    for (let i = 0; i < statements; i++) {
      const statement = this.random.weighted<() => void>([
        [10, () => this.arithmetic()],
        [4, () => this.immediate()],
        [3, () => this.shift()],
        [2, () => this.unary()],
        [5, () => this.stackStore()],
        [5, () => this.stackLoad()],
        [3, () => this.variableStack()],
        [3, () => this.context()],
        [4, () => this.packet()],
        [5, () => this.mapValue()],
        [2, () => this.mapWrite()],
        [3, () => this.atomic()],
        [5, () => this.branch()],
        [2, () => this.loop()],
        [2, () => this.subprogram()],
        ...[
          ...MORE_STATEMENTS,
          ...TRACKING_STATEMENTS,
          ...OBJECT_STATEMENTS,
          ...PLAIN_STATEMENTS,
          ...(this.#wide ? WIDE_STATEMENTS : []),
        ].map(([weight, grow]) => [weight, () => grow(this)] as const),
        [1, () => this.nonsense()],
      ]);
      statement();
    }
  }

  // The model.

  get progType(): number {
    return this.place.progType;
  }
  /** Whether programs of the type may call the helper. */
  may(helper: number): boolean {
    const row = Object.values(HELPERS).find(({ id }) => id === helper);
    return row !== undefined && mayCall(row, this.place.progType, this.place.attachType);
  }
  /** The map with such values. */
  typedMap({ type, size }: TypedValue): number {
    const at = this.maps.findIndex(({ valueType }) => valueType === type);
    if (at >= 0) return at;
    const kind = this.random.pick([BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_HASH]);
    const maxEntries = kind === BPF_MAP_TYPE_ARRAY ? 1 : 4;
    return this.maps.push({ type: kind, keySize: 4, valueSize: size, maxEntries, valueType: type }) - 1;
  }
  set(reg: number, kind: Kind, limit?: number): void {
    this.regs[reg] = { kind, limit };
  }
  mistake(): boolean {
    const n = this.options.mistakes ?? 80;
    return n > 0 && this.random.oneIn(n);
  }
  scalars(): number[] {
    return this.regs.flatMap((r, i) => (r.kind === 'scalar' ? [i] : []));
  }
  of(kind: Kind): number[] {
    return this.regs.flatMap((r, i) => (r.kind === kind ? [i] : []));
  }
  /** A register that holds a scalar; one is made where there is none. */
  scalar(): number {
    if (this.mistake()) {
      this.leaky = true;
      return this.random.below(10);
    }
    const have = this.scalars();
    if (have.length > 0 && !this.random.oneIn(8)) return this.random.pick(have);
    const reg = this.target();
    this.out.movImm(reg, this.random.edgy());
    this.set(reg, 'scalar');
    return reg;
  }
  /** A register to write: not the frame pointer, and not the saved context. */
  target(): number {
    if (this.mistake()) return this.random.below(11);
    return this.random.pick(this.inSubprog ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] : [0, 1, 2, 3, 4, 5, 7, 8, 9]);
  }
  /** Indexes of maps with values to look up. */
  plainMaps(): number[] {
    return this.maps.flatMap(({ type, keySize, valueType, flags }, i) =>
      (type === BPF_MAP_TYPE_ARRAY || type === BPF_MAP_TYPE_HASH) && keySize === 4 && !valueType && !flags ? [i] : [],
    );
  }
  /** The map of a definition; made where there is none of its type. */
  mapOf(def: GeneratedMap): number {
    const at = this.maps.findIndex(
      ({ type, keySize, valueSize, maxEntries, valueType, frozen }) =>
        type === def.type &&
        keySize === def.keySize &&
        valueSize >= def.valueSize &&
        (type !== BPF_MAP_TYPE_ARRAY || maxEntries === def.maxEntries) &&
        valueType === undefined &&
        !frozen,
    );
    return at >= 0 ? at : this.maps.push(def) - 1;
  }
  afterCall(): void {
    for (let r = 1; r <= 5; r++) this.set(r, 'none');
    this.set(0, 'scalar');
  }
  /** Joins what two paths know: what differs is known no more. */
  join(regs: Reg[], slots: boolean[]): void {
    this.regs = this.regs.map((r, i) => {
      const other = regs[i]!;
      if (r.kind !== other.kind) return { kind: 'none', limit: undefined };
      if (r.limit === other.limit) return r;
      return r.kind === 'packet'
        ? { kind: r.kind, limit: Math.min(r.limit ?? 0, other.limit ?? 0) }
        : { kind: 'none', limit: undefined };
    });
    this.slots = this.slots.map((s, i) => s && slots[i]!);
  }
  snapshot(): { regs: Reg[]; slots: boolean[] } {
    return { regs: this.regs.map((r) => ({ ...r })), slots: [...this.slots] };
  }

  // Statements.

  arithmetic(): void {
    const dst = this.scalar();
    const wide = !this.random.oneIn(2);
    const op = this.random.pick(ALU);
    const signed = op === BPF_DIV || op === BPF_MOD ? this.random.below(2) : 0;
    if (this.random.oneIn(2)) {
      let imm = this.random.edgy();
      if ((op === BPF_DIV || op === BPF_MOD) && imm === 0 && !this.mistake()) imm = 3;
      this.out.aluImm(op, dst, imm, wide, signed);
      this.set(dst, 'scalar', op === BPF_AND && imm >= 0 ? imm : undefined);
    } else {
      const src = this.scalar();
      // Sign-extending moves share the opcode with plain ones.
      const extend = op === BPF_MOV && this.random.oneIn(3) ? this.random.pick(wide ? [8, 16, 32] : [8, 16]) : signed;
      this.out.aluReg(op, dst, src, wide, extend);
      this.set(dst, 'scalar');
    }
  }

  immediate(): void {
    const dst = this.target();
    if (this.random.oneIn(3)) this.out.ldImm64(dst, this.random.edgy(), this.random.edgy());
    else this.out.aluImm(BPF_MOV, dst, this.random.edgy(), this.random.oneIn(2));
    if (dst !== FP) this.set(dst, 'scalar');
  }

  shift(): void {
    const dst = this.scalar();
    const wide = this.random.oneIn(2);
    const op = this.random.pick(SHIFTS);
    if (this.random.oneIn(3)) {
      const by = this.scalar();
      if (by !== dst) this.out.aluImm(BPF_AND, by, wide ? 63 : 31, true);
      this.out.aluReg(op, dst, by, wide);
      if (by !== dst) this.set(by, 'scalar', wide ? 63 : 31);
    } else {
      const width = wide ? 64 : 32;
      this.out.aluImm(op, dst, this.mistake() ? width : this.random.below(width), wide);
    }
    this.set(dst, 'scalar');
  }

  unary(): void {
    const dst = this.scalar();
    const bits = this.random.pick([16, 32, 64]);
    this.random.pick([
      () => this.out.raw(BPF_ALU64 | BPF_NEG, dst),
      () => this.out.raw(BPF_ALU | BPF_NEG, dst),
      () => this.out.raw(BPF_ALU | BPF_END | BPF_TO_BE, dst, 0, 0, bits),
      () => this.out.raw(BPF_ALU | BPF_END, dst, 0, 0, bits),
      () => this.out.raw(BPF_ALU64 | BPF_END, dst, 0, 0, bits),
    ])();
    this.set(dst, 'scalar');
  }

  stackStore(): void {
    const slot = this.random.below(STACK_SLOTS);
    const off = this.mistake() ? this.random.pick([0, 4, -513, -520]) : -8 * (slot + 1);
    const size = this.random.weighted<Size>([
      [5, 8],
      [2, 4],
      [1, 2],
      [1, 1],
    ]);
    if (this.random.oneIn(2)) this.out.storeImm(size, FP, off, this.random.edgy());
    else this.out.store(size, FP, off, this.scalar());
    if (size === 8) this.slots[slot] = true;
  }

  stackLoad(): void {
    const have = this.slots.flatMap((s, i) => (s ? [i] : []));
    const slot = have.length > 0 && !this.mistake() ? this.random.pick(have) : undefined;
    if (slot === undefined && !this.mistake()) return this.stackStore();
    if (slot === undefined) this.leaky = true;
    const size = this.random.pick(SIZES);
    const inside = this.random.below(8 / size) * size;
    const dst = this.target();
    this.out.load(size, dst, FP, -8 * ((slot ?? this.random.below(STACK_SLOTS)) + 1) + inside);
    if (dst !== FP) this.set(dst, 'scalar', size === 1 ? 255 : undefined);
  }

  /** A stack access at an offset that is only known within bounds. */
  variableStack(): void {
    const have = this.slots.flatMap((s, i) => (s && this.slots[i + 1] ? [i] : []));
    if (have.length === 0) return this.stackStore();
    const slot = this.random.pick(have);
    const index = this.scalar();
    const at = this.random.pick([7, 8, 9]);
    if (index === at || index === FP) return;
    this.out.aluImm(BPF_AND, index, this.mistake() ? 0xff : 7, true);
    this.set(index, 'scalar', 7);
    this.out.movReg(at, FP);
    this.out.aluReg(BPF_ADD, at, index, true);
    const dst = this.target();
    if (dst === at || dst === FP) return this.set(at, 'none');
    if (this.random.oneIn(2)) this.out.load(1, dst, at, -8 * (slot + 2));
    else {
      this.out.storeImm(1, at, -8 * (slot + 2), this.random.below(100));
      this.out.movImm(dst, 1);
    }
    this.set(dst, 'scalar', 255);
    this.set(at, 'none');
  }

  context(): void {
    const ctx = this.of('ctx');
    if (ctx.length === 0 || this.verdictOnly) return this.immediate();
    const dst = this.target();
    const base = this.random.pick(ctx);
    if (base === dst) return;
    if (this.progType === BPF_PROG_TYPE_XDP) this.out.load(4, dst, base, this.mistake() ? 24 : 16);
    else
      this.out.load(
        this.random.weighted<Size>([
          [4, 4],
          [1, 2],
          [1, 1],
        ]),
        dst,
        base,
        this.mistake() ? 200 : this.random.pick(SKB_FIELDS),
      );
    if (dst !== FP) this.set(dst, 'scalar');
    // Which interface a packet came by differs from one machine to the next: only that it is small is used.
    if (dst !== FP) this.out.aluImm(BPF_AND, dst, 0, true);
  }

  packet(): void {
    const dataOff = DATA_OFF[this.progType];
    const ctx = this.of('ctx');
    if (dataOff === undefined || ctx.length === 0) return this.stackStore();
    const base = this.random.pick(ctx);
    const [data, end, past] = this.random.oneIn(2) ? [7, 8, 9] : [2, 3, 4];
    if ([data, end, past].includes(base)) return;
    this.out.load(4, data!, base, dataOff);
    this.out.load(4, end!, base, dataOff + 4);
    const need = this.random.pick([1, 2, 4, 8, 14, 20, 34]);
    this.out.movReg(past!, data!);
    let variable = false;
    const index = this.scalar();
    if (this.random.oneIn(3) && index !== data && index !== end && index !== past && index !== FP) {
      variable = true;
      this.out.aluImm(BPF_AND, index, this.random.pick([1, 7, 15]), true);
      this.set(index, 'scalar');
      this.out.aluReg(BPF_ADD, past!, index, true);
      this.out.movReg(data!, past!);
    }
    this.out.aluImm(BPF_ADD, past!, need, true);
    const check = this.mistake();
    const skip = check ? -1 : this.out.jump(BPF_JMP | BPF_JGT | BPF_X, past, end);
    const size = this.random.pick(SIZES.filter((s) => s <= need));
    const off = this.mistake() ? need : this.random.below(need - size + 1);
    const dst = this.random.pick([0, 5]);
    const before = this.snapshot();
    if (this.random.oneIn(3)) {
      this.out.storeImm(size, data!, off, this.random.below(200));
      this.out.movImm(dst, 3);
    } else this.out.load(size, dst, data!, off);
    if (skip >= 0) this.out.land(skip);
    this.join(before.regs, before.slots);
    for (const r of [data!, end!, past!]) this.set(r, 'none');
    if (variable && this.random.oneIn(4)) this.out.movImm(dst, 0);
    else if (this.regs[dst]!.kind === 'scalar') this.set(dst, 'scalar');
  }

  /** r0 = value of a key in a map, checked for NULL; then some accesses to it. */
  mapValue(): void {
    const plain = this.plainMaps();
    if (plain.length === 0) return this.arithmetic();
    const index = this.random.pick(plain);
    const map = this.maps[index]!;
    this.lookup(index, map);
    const check = !this.mistake();
    const skip = check ? this.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0) : -1;
    const before = this.snapshot();
    const keep = this.random.pick([7, 8, 9]);
    this.out.movReg(keep, 0);
    for (let n = 1 + this.random.below(3); n > 0; n--) this.valueAccess(keep, map);
    if (skip >= 0) this.out.land(skip);
    this.join(before.regs, before.slots);
    this.set(0, 'none');
    this.set(keep, 'none');
  }

  lookup(index: number, map: GeneratedMap): void {
    const slot = this.random.below(STACK_SLOTS);
    this.out.storeImm(4, FP, -8 * (slot + 1), this.random.below(map.maxEntries + 1));
    this.slots[slot] = false;
    this.out.movReg(2, FP);
    this.out.aluImm(BPF_ADD, 2, -8 * (slot + 1), true);
    this.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_FD);
    this.out.call(1);
    this.afterCall();
    this.set(0, 'none');
  }

  valueAccess(base: number, map: GeneratedMap): void {
    const size = this.random.pick(SIZES);
    let off = this.random.below(map.valueSize / size) * size;
    if (this.mistake()) off = this.random.pick([map.valueSize, map.valueSize - size + 1, -1, -size]);
    if (this.random.oneIn(4)) {
      const index = this.random.pick([1, 2, 3]);
      const value = this.scalar();
      if (value === base || value === FP) return;
      this.out.movReg(index, value);
      this.out.aluImm(BPF_AND, index, this.mistake() ? map.valueSize : 7, true);
      this.out.aluReg(BPF_ADD, index, base, true);
      this.out.load(1, 4, index, 0);
      this.set(index, 'none');
      this.set(4, 'scalar', 255);
      return;
    }
    const value = this.scalar();
    if (value === base) return;
    if (this.random.oneIn(3)) this.out.storeImm(size, base, off, this.random.edgy());
    else if (this.random.oneIn(2)) this.out.store(size, base, off, value);
    else {
      const dst = this.random.pick([0, 1, 2, 3, 4, 5]);
      this.out.load(size, dst, base, off);
      this.set(dst, 'scalar');
    }
  }

  mapWrite(): void {
    const plain = this.plainMaps();
    if (plain.length === 0) return this.stackStore();
    const index = this.random.pick(plain);
    const map = this.maps[index]!;
    if (map.valueSize > 8 * (STACK_SLOTS - 1)) return this.mapValue();
    // The value fills slots from the deepest one up, the key sits above it.
    const base = -8 * STACK_SLOTS;
    for (let at = 0; at < map.valueSize - (this.mistake() ? 8 : 0); at += 8)
      this.out.storeImm(8, FP, base + at, this.random.edgy());
    this.out.storeImm(4, FP, -8, this.random.below(map.maxEntries + 1));
    for (let s = 0; s < STACK_SLOTS; s++) if (-8 * (s + 1) < base + map.valueSize) this.slots[s] = true;
    this.slots[0] = false;
    this.out.movReg(2, FP);
    this.out.aluImm(BPF_ADD, 2, -8, true);
    this.out.movReg(3, FP);
    this.out.aluImm(BPF_ADD, 3, base, true);
    this.out.movImm(4, this.random.pick([0, 0, 1, 2]));
    this.out.ldImm64(1, index, 0, BPF_PSEUDO_MAP_FD);
    this.out.call(this.random.oneIn(4) ? 3 : 2);
    this.afterCall();
  }

  atomic(): void {
    const slot = this.random.below(STACK_SLOTS);
    const size = this.random.pick<Size>([4, 8]);
    const src = this.scalar();
    if (src === FP) return;
    this.out.storeImm(8, FP, -8 * (slot + 1), this.random.edgy());
    this.slots[slot] = true;
    const op = this.random.pick([
      BPF_ADD,
      BPF_AND,
      BPF_OR,
      BPF_XOR,
      BPF_ADD | BPF_FETCH,
      BPF_XOR | BPF_FETCH,
      BPF_XCHG,
      BPF_CMPXCHG,
    ]);
    if (op === BPF_CMPXCHG && this.regs[0]!.kind !== 'scalar') {
      this.out.movImm(0, this.random.edgy());
      this.set(0, 'scalar');
    }
    this.out.raw(BPF_STX | BPF_ATOMIC | sizeCode(size), FP, src, -8 * (slot + 1), op);
    if (op === BPF_CMPXCHG) this.set(0, 'scalar');
    else if (op & BPF_FETCH) this.set(src, 'scalar');
  }

  branch(): void {
    if (this.depth >= 3) return this.arithmetic();
    const op = this.random.pick(COMPARES);
    const cls = this.random.oneIn(3) ? BPF_JMP32 : BPF_JMP;
    const dst = this.scalar();
    const toElse = this.random.oneIn(3)
      ? this.out.jump(cls | op | BPF_X, dst, this.scalar())
      : this.out.jump(cls | op, dst, 0, this.random.edgy());
    // `scalar` may have had to make a register between the two, which moves nothing: the jump is the last instruction.
    const before = this.snapshot();
    this.depth++;
    this.block(1 + this.random.below(3));
    if (this.random.oneIn(2)) {
      const over = this.out.jump();
      this.out.land(toElse);
      const then = this.snapshot();
      this.regs = before.regs;
      this.slots = before.slots;
      this.block(1 + this.random.below(3));
      this.out.land(over);
      this.join(then.regs, then.slots);
    } else {
      this.out.land(toElse);
      this.join(before.regs, before.slots);
    }
    this.depth--;
  }

  /** A loop that counts up to a bound. */
  loop(): void {
    if (this.depth >= 2) return this.arithmetic();
    const counter = 9;
    const bound = 1 + this.random.below(12);
    this.out.movImm(counter, 0);
    this.set(counter, 'none');
    const before = this.snapshot();
    const head = this.out.pc;
    this.depth += 2;
    const sum = this.random.pick([0, 2, 3, 5]);
    if (before.regs[sum]!.kind !== 'scalar') {
      // Written in every round before it is read, so that no round reads what an earlier path left out.
      this.out.movReg(sum, counter);
      this.set(sum, 'scalar');
    }
    for (let n = this.random.below(3); n > 0; n--) {
      this.out.aluImm(
        this.random.pick([BPF_ADD, BPF_XOR, BPF_MUL, BPF_RSH, BPF_LSH]),
        sum,
        1 + this.random.below(7),
        this.random.oneIn(2),
      );
    }
    if (!this.mistake()) this.out.aluImm(BPF_ADD, counter, 1, true);
    const back = this.out.jump(BPF_JMP | BPF_JLT, counter, 0, bound);
    this.out.jumpTo(back, head);
    this.depth -= 2;
    this.join(before.regs, before.slots);
    this.set(counter, 'scalar', bound);
  }

  subprogram(): void {
    if (this.inSubprog || this.subprogs.length >= 3) return this.arithmetic();
    const args = this.random.below(4);
    for (let r = 1; r <= args; r++) {
      if (this.regs[r]!.kind === 'scalar') continue;
      this.out.movImm(r, this.random.edgy());
      this.set(r, 'scalar');
    }
    this.calls.push({ pc: this.out.callSubprog(), index: this.subprogs.length });
    const scalar: Reg = { kind: 'scalar', limit: undefined };
    this.subprogs.push({ args: Array.from({ length: args }, () => scalar), callback: false });
    this.afterCall();
  }

  /** Something that is (nearly) always wrong, of a kind that the statements above do not do. */
  nonsense(): void {
    if (!this.mistake()) return this.arithmetic();
    this.random.pick([
      () =>
        this.out.raw(
          this.random.below(256),
          this.random.below(11),
          this.random.below(11),
          this.random.below(4),
          this.random.edgy(),
        ),
      () => this.out.jumpTo(this.out.jump(), this.out.pc + 500),
      () => this.out.call(this.random.pick([9999, 4, 0, -1])),
      () => this.out.aluReg(BPF_ADD, 6, this.scalar(), true),
      () => this.out.load(4, 0, this.scalar(), 0),
      () => this.out.store(8, 6, 0, this.scalar()),
      () => this.out.aluImm(BPF_ADD, FP, 8, true),
    ])();
  }
}

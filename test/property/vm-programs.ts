/**
 * Random programs for the engine, from a seed.
 *
 * `wildProgram`: any instructions with any jumps, back and forth and into one another's loops, calls, recursion, bad addresses.
 * `countingProgram`: loops that count, in every way, and what becomes of the numbers: what the JIT concludes about their size.
 * `tameProgram`: what the verifier takes. Constant loops, accesses inside the stack, no pointer in the result.
 */

/** A small generator of random numbers: the same seed gives the same program everywhere. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  /** An unsigned 32-bit number. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** 0 to n - 1. */
  below(n: number): number {
    return this.u32() % n;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  /** An immediate: small, all ones, a power of two, or anything. */
  imm(): number {
    switch (this.below(5)) {
      case 0:
        return this.below(16) - 8;
      case 1:
        return 1 << this.below(32);
      case 2:
        return this.pick([0, -1, 1, 0x7fffffff, -0x80000000, 0xff, 0xffff]);
      default:
        return this.u32() | 0;
    }
  }
}

/** Instructions as they are written down: eight bytes each. */
export class Writer {
  readonly #words: number[][] = [];
  get length(): number {
    return this.#words.length;
  }
  put(code: number, dst = 0, src = 0, off = 0, imm = 0): void {
    this.#words.push([code, dst, src, off, imm]);
  }
  imm64(dst: number, lo: number, hi: number): void {
    this.put(0x18, dst, 0, 0, lo);
    this.put(0, 0, 0, 0, hi);
  }
  /** Changes the offset of an instruction that was put before. */
  setOff(at: number, off: number): void {
    this.#words[at]![3] = off;
  }
  setImm(at: number, imm: number): void {
    this.#words[at]![4] = imm;
  }
  bytes(): Uint8Array {
    const out = new Uint8Array(this.#words.length * 8);
    const dv = new DataView(out.buffer);
    this.#words.forEach(([code, dst, src, off, imm], i) => {
      dv.setUint8(i * 8, code!);
      dv.setUint8(i * 8 + 1, dst! | (src! << 4));
      dv.setInt16(i * 8 + 2, off!, true);
      dv.setInt32(i * 8 + 4, imm!, true);
    });
    return out;
  }
}

const ALU_OPS = [0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x90, 0xa0, 0xb0, 0xc0];
const JUMPS = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0xa0, 0xb0, 0xc0, 0xd0];
const ATOMICS = [0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1];
const SIZES = [0x00, 0x08, 0x10, 0x18];
const NARROW_SIZES = [0x00, 0x08, 0x10];
const BYTES: Readonly<Record<number, number>> = { 0: 4, 8: 2, 16: 1, 24: 8 };

/** One arithmetic instruction on registers that `reg` picks. Shift amounts stay in range, as the verifier wants. */
function putAlu(w: Writer, dice: Dice, reg: () => number, wideShare = 50): void {
  const wide = dice.chance(wideShare);
  const cls = wide ? 7 : 4;
  switch (dice.below(12)) {
    case 0:
      w.put(0x80 | cls, reg());
      return;
    case 1:
      w.put(dice.pick([0xd4, 0xdc, 0xd7]), reg(), 0, 0, dice.pick(dice.chance(wideShare) ? [16, 32, 64] : [16, 32]));
      return;
    case 2:
      w.put(0xb8 | cls, reg(), reg(), wide ? dice.pick([8, 16, 32]) : dice.pick([8, 16]));
      return;
    case 3:
      if (dice.chance(50)) w.put(dice.pick([0x38, 0x98]) | cls, reg(), reg(), 1);
      else w.put(dice.pick([0x30, 0x90]) | cls, reg(), 0, 1, dice.imm() || 1);
      return;
    case 4: {
      // A rotate, as compilers write it: the one thing that the JIT looks for across instructions.
      const [a, b] = [reg(), reg()];
      const by = 1 + dice.below(wide ? 63 : 31);
      w.put(0xb8 | cls, a, b);
      w.put(0x60 | cls, a, 0, 0, by);
      w.put(0x70 | cls, b, 0, 0, (wide ? 64 : 32) - by);
      w.put(0x48 | cls, ...(dice.chance(50) ? ([a, b] as const) : ([b, a] as const)));
      return;
    }
    default: {
      const op = dice.pick(ALU_OPS);
      const shift = op === 0x60 || op === 0x70 || op === 0xc0;
      if (dice.chance(50)) w.put(op | 0x08 | cls, reg(), reg());
      else if (shift) w.put(op | cls, reg(), 0, 0, dice.below(wide ? 64 : 32));
      else w.put(op | cls, reg(), 0, 0, dice.imm() || 1);
    }
  }
}

/** A program of `length` instructions or so, in up to three functions. r1 points to `memorySize` bytes. */
export function wildProgram(seed: number, length: number, memorySize: number): Uint8Array {
  const dice = new Dice(seed);
  const w = new Writer();
  const reg = (): number => dice.below(10);
  const functions = 1 + dice.below(3);
  const starts: number[] = [];
  const calls: number[] = [];
  for (let fn = 0; fn < functions; fn++) {
    const start = w.length;
    starts.push(start);
    const end = start + 12 + dice.below(length);
    if (fn === 0) w.put(0xbf, 6, 1);
    for (let r = 0; r < 10; r++) if (r !== 6 && dice.chance(40)) w.imm64(r, dice.imm(), dice.imm());
    while (w.length < end) {
      const at = w.length;
      const kind = dice.below(20);
      if (kind < 8) putAlu(w, dice, reg);
      else if (kind < 12) {
        const target = start + dice.below(end - start);
        const x = dice.chance(50);
        w.put(dice.pick(JUMPS) | (x ? 8 : 0) | dice.pick([5, 6]), reg(), x ? reg() : 0, target - at - 1, dice.imm());
      } else if (kind === 12) {
        const target = start + dice.below(end - start);
        if (dice.chance(50)) w.put(0x05, 0, 0, target - at - 1);
        else w.put(0x06, 0, 0, 0, target - at - 1);
      } else if (kind < 17) putAccess(w, dice, reg, memorySize);
      else if (kind === 17) {
        calls.push(w.length);
        w.put(0x85, 0, 1);
      } else if (kind === 18) w.put(0x18 + dice.below(3), reg(), reg(), dice.below(9), dice.imm());
      else w.put(dice.chance(50) ? 0xe5 : 0x95, 0, 0, dice.chance(50) ? 1 : -2);
    }
    w.put(0x95);
  }
  for (const call of calls) w.setImm(call, dice.pick(starts) - call - 1);
  return w.bytes();
}

function putAccess(w: Writer, dice: Dice, reg: () => number, memorySize: number): void {
  const size = dice.pick(SIZES);
  const bytes = BYTES[size]!;
  const onStack = dice.chance(60);
  const base = dice.chance(4) ? reg() : onStack ? 10 : 6;
  const off = onStack ? -bytes - dice.below(80) : dice.below(memorySize + 2 - bytes);
  switch (dice.below(4)) {
    case 0:
      w.put(0x61 | size, reg(), base, off);
      return;
    case 1:
      w.put(dice.chance(50) ? 0x63 | size : 0x62 | size, base, reg(), off, dice.imm());
      return;
    case 2:
      w.put(size === 0x18 ? 0x79 : 0x81 | size, reg(), base, off);
      return;
    default:
      w.put(dice.chance(50) ? 0xdb : 0xc3, base, reg(), off, dice.pick([...ATOMICS, 0x100, 0x110]));
  }
}

/** Comparisons of both widths, with a number or another counter. */
const LOOP_JUMPS = [
  0x15, 0x55, 0x25, 0x35, 0xa5, 0xb5, 0x65, 0x75, 0xc5, 0xd5, 0x1d, 0x5d, 0x2d, 0xad, 0x3d, 0x56, 0xa6, 0x26, 0x66,
  0xc6,
];

/**
 * Nested loops whose counters begin near 0, 2^31, 2^32 or anywhere, step up or down and end, or do not, by all kinds of comparisons.
 * Between, numbers are made of them that may be wide or not, and in the end all are told, 64 bits of each. Fuel ends what does not.
 */
export function countingProgram(seed: number): Uint8Array {
  const dice = new Dice(seed);
  const w = new Writer();
  const near = (): number => dice.pick([0, 1, 2, 5, 30, 255, 256, 0x7ffffffe, 0x7fffffff, -1, -2, -20, -0x80000000]);
  const reg = (): number => dice.below(9);
  w.put(0xbf, 9, 1);
  for (let r = 0; r < 9; r++) {
    if (dice.chance(30)) w.imm64(r, near(), dice.pick([0, 0, 1, -1]));
    else w.put(dice.pick([0xb4, 0xb7]), r, 0, 0, near());
  }
  const heads: number[] = [];
  for (let i = 4 + dice.below(12); i > 0; i--) {
    switch (dice.below(10)) {
      case 0:
      case 1:
        heads.push(w.length);
        break;
      case 7: {
        // A choice between two values: a branch over a move, or over one that goes where the branch goes.
        const jump = dice.pick([...LOOP_JUMPS, 0x45, 0x4d, 0x46]);
        const on = dice.chance(50) || heads.length === 0 ? 1 : heads.at(-1)! - w.length - 1;
        w.put(jump, reg(), (jump & 8) !== 0 ? reg() : 0, on, near());
        const [dst, src] = [reg(), reg()];
        if (dice.chance(50)) w.put(dice.pick([0xbf, 0xbc]), dst, src);
        else w.put(dice.pick([0xb7, 0xb4]), dst, 0, 0, near());
        if (on !== 1) w.put(0x05, 0, 0, on - 2);
        break;
      }
      case 2:
      case 3: {
        const counter = reg();
        // Sometimes what is compared is what the counter was before it is counted up.
        const old = dice.chance(30) ? reg() : counter;
        if (old !== counter) w.put(dice.pick([0xbf, 0xbf, 0xbc]), old, counter);
        w.put(dice.pick([0x07, 0x07, 0x04]), counter, 0, 0, dice.pick([1, 1, 1, 2, 3, -1, -1, -2, 256]));
        const head = heads.length > 0 && dice.chance(80) ? heads.pop()! : w.length - 1;
        const jump = dice.pick(LOOP_JUMPS);
        w.put(jump, old, (jump & 8) !== 0 ? reg() : 0, head - w.length - 1, near());
        break;
      }
      case 4:
        w.put(dice.pick([0x67, 0x77, 0xc7, 0x64, 0x74]), reg(), 0, 0, dice.pick([1, 7, 16, 31, 32, 33, 63]) & 31);
        break;
      case 5: {
        // What compilers of 32-bit numbers on 64 bits write.
        const r = reg();
        w.put(0x67, r, 0, 0, 32);
        w.put(dice.pick([0x77, 0xc7]), r, 0, 0, 32);
        break;
      }
      case 6: {
        // An address out of a constant and a number, where it lies inside.
        const [r, at] = [reg(), reg()];
        w.put(0xa5, r, 0, 1, 56);
        w.put(0xb7, r, 0, 0, dice.below(56));
        w.put(0xbf, at, 10);
        w.put(0x07, at, 0, 0, -64);
        w.put(0x0f, at, r);
        w.put(dice.pick([0x73, 0x63, 0x7b, 0x71, 0x79]), at, at, dice.below(8));
        break;
      }
      default:
        putAlu(w, dice, reg, 70);
    }
  }
  for (let r = 0; r < 7; r++) w.put(0x7b, 9, r, 8 * r);
  w.put(0xaf, 0, 7);
  w.put(0xaf, 0, 8);
  w.put(0x95);
  return w.bytes();
}

const STACK_BYTES = 64;

/**
 * A program that Linux takes as a socket filter: it fills its stack, computes, loops a constant number of times, calls
 * functions, and answers a digest of registers and stack in the low 32 bits of r0.
 */
export function tameProgram(seed: number): Uint8Array {
  const dice = new Dice(seed);
  const w = new Writer();
  const calls: number[] = [];
  const functions = 1 + dice.below(3);
  const leaves = dice.below(3);
  // Some programs hardly know more than 32 bits: the JIT keeps such registers apart.
  const wideShare = dice.pick([50, 50, 8, 2]);
  const starts: number[] = [];
  for (let fn = 0; fn < functions; fn++) {
    starts.push(w.length);
    // r9 counts loops; r0 to r8 are numbers all along.
    for (let r = 0; r < 9; r++) {
      if (fn > 0 && r >= 1 && r <= 5) continue;
      if (dice.chance(wideShare)) w.imm64(r, dice.imm(), dice.imm());
      else w.put(0xb4, r, 0, 0, dice.imm());
    }
    for (let at = 8; at <= STACK_BYTES; at += 8) w.put(0x7b, 10, dice.below(9), -at);
    // Every function is called at least by the one before: Linux refuses what nothing reaches.
    if (fn + 1 < functions + leaves) putCall(w, dice, calls);
    const loops = 1 + dice.below(3);
    for (let i = 0; i < loops; i++) {
      const times = 1 + dice.below(4);
      w.put(0xb7, 9, 0, 0, times);
      const head = w.length;
      putStraight(
        w,
        dice,
        wideShare,
        3 + dice.below(12),
        fn + 1 < functions + leaves && dice.chance(40) ? calls : null,
      );
      w.put(0x07, 9, 0, 0, -1);
      w.put(0x55, 9, 0, head - w.length - 1, 0);
    }
    for (let r = 1; r < 9; r++) w.put(0xaf, 0, r);
    for (let at = 8; at <= STACK_BYTES; at += 8) {
      w.put(0x79, 1, 10, -at);
      w.put(0x27, 0, 0, 0, 0x9e3779b1 | 0);
      w.put(0xaf, 0, 1);
    }
    w.put(0xbf, 1, 0);
    w.put(0x77, 1, 0, 0, 32);
    w.put(0xaf, 0, 1);
    w.put(0x67, 0, 0, 0, 32);
    w.put(0x77, 0, 0, 0, 32);
    w.put(0x95);
  }
  for (let leaf = 0; leaf < leaves; leaf++) {
    starts.push(w.length);
    putLeaf(w, dice, leaf + 1 < leaves ? calls : null);
  }
  const called = new Set<number>();
  for (const call of calls) {
    const later = starts.filter((s) => s > call);
    const target = called.has(later[0]!) ? dice.pick(later) : later[0]!;
    called.add(target);
    w.setImm(call, target - call - 1);
  }
  return w.bytes();
}

/** A short function without branches, loops and stack: what the JIT writes in the place of calls. */
function putLeaf(w: Writer, dice: Dice, calls: number[] | null): void {
  w.put(0xbf, 0, 1);
  w.put(0xbf, 6, 2);
  for (let i = dice.below(3); i >= 0; i--) putAlu(w, dice, () => dice.below(7));
  if (calls) putCall(w, dice, calls);
  w.put(0xaf, 0, 6);
  w.put(0x95);
}

function putStraight(w: Writer, dice: Dice, wideShare: number, count: number, calls: number[] | null): void {
  const reg = (): number => dice.below(9);
  for (let i = 0; i < count; i++) {
    const kind = dice.below(10);
    if (kind < 6) putAlu(w, dice, reg, wideShare);
    else if (kind < 8) {
      const size = dice.pick(dice.chance(wideShare) ? SIZES : NARROW_SIZES);
      const bytes = BYTES[size]!;
      const slot = -bytes * (1 + dice.below(STACK_BYTES / bytes));
      const which = dice.below(4);
      if (which === 0) w.put(0x61 | size, reg(), 10, slot);
      else if (which === 1) w.put(0x63 | size, 10, reg(), slot);
      else if (which === 2 && size !== 0x18 && dice.chance(wideShare)) w.put(0x81 | size, reg(), 10, slot);
      else if (bytes >= 4) w.put(bytes === 8 ? 0xdb : 0xc3, 10, reg(), slot, dice.pick(ATOMICS));
    } else if (kind === 8) {
      const at = w.length;
      const x = dice.chance(50);
      w.put(dice.pick(JUMPS) | (x ? 8 : 0) | dice.pick([5, 6]), reg(), x ? reg() : 0, 0, x ? 0 : dice.imm());
      putAlu(w, dice, reg, wideShare);
      if (dice.chance(50)) putAlu(w, dice, reg, wideShare);
      w.setOff(at, w.length - at - 1);
    } else if (calls) {
      putCall(w, dice, calls);
    }
  }
}

/** A call, which leaves nothing in r1 to r5. */
function putCall(w: Writer, dice: Dice, calls: number[]): void {
  calls.push(w.length);
  w.put(0x85, 0, 1);
  for (let r = 1; r <= 5; r++) w.imm64(r, dice.imm(), dice.imm());
}

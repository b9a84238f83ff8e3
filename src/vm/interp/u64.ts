/**
 * 64-bit arithmetic on pairs of 32-bit halves: what the interpreter's registers are made of.
 *
 * A register is two lanes of an Int32Array, low half first, and `at` is the index of its low half. No function
 * allocates. Only this file and the interpreter's switch know about the halves.
 */

/** An unsigned 32-bit number times another: the upper half of the product, as a signed number. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const mid = a1 * b0 + ((a0 * b0) >>> 16);
  const carry = a0 * b1 + (mid & 0xffff);
  return (a1 * b1 + Math.floor(mid / 65536) + Math.floor(carry / 65536)) | 0;
}

export function mul(regs: Int32Array, at: number, lo: number, hi: number): void {
  const a = regs[at]!;
  regs[at + 1] = mulHigh(a, lo) + Math.imul(a, hi) + Math.imul(regs[at + 1]!, lo);
  regs[at] = Math.imul(a, lo);
}

export function neg(regs: Int32Array, at: number): void {
  const lo = regs[at]!;
  regs[at] = -lo;
  regs[at + 1] = ~regs[at + 1]! + (lo === 0 ? 1 : 0);
}

/** Shifts by 0 to 63. */
export function lsh(regs: Int32Array, at: number, by: number): void {
  if (by === 0) return;
  const lo = regs[at]!;
  if (by >= 32) {
    regs[at + 1] = lo << (by - 32);
    regs[at] = 0;
  } else {
    regs[at + 1] = (regs[at + 1]! << by) | (lo >>> (32 - by));
    regs[at] = lo << by;
  }
}

export function rsh(regs: Int32Array, at: number, by: number): void {
  if (by === 0) return;
  const hi = regs[at + 1]!;
  if (by >= 32) {
    regs[at] = hi >>> (by - 32);
    regs[at + 1] = 0;
  } else {
    regs[at] = (regs[at]! >>> by) | (hi << (32 - by));
    regs[at + 1] = hi >>> by;
  }
}

export function arsh(regs: Int32Array, at: number, by: number): void {
  if (by === 0) return;
  const hi = regs[at + 1]!;
  if (by >= 32) {
    regs[at] = hi >> (by - 32);
    regs[at + 1] = hi >> 31;
  } else {
    regs[at] = (regs[at]! >>> by) | (hi << (32 - by));
    regs[at + 1] = hi >> by;
  }
}

/** Unsigned division. By zero: the quotient is 0. */
export function div(regs: Int32Array, at: number, lo: number, hi: number): void {
  divide(regs, at, lo, hi, false);
}

/** Unsigned remainder. By zero: the dividend stays. */
export function mod(regs: Int32Array, at: number, lo: number, hi: number): void {
  divide(regs, at, lo, hi, true);
}

/** Signed division, rounding towards zero. By zero 0; the smallest number by -1 stays itself. */
export function sdiv(regs: Int32Array, at: number, lo: number, hi: number): void {
  const negative = regs[at + 1]! < 0 !== hi < 0;
  divideMagnitudes(regs, at, lo, hi, false);
  if (negative) neg(regs, at);
}

/** Signed remainder, with the dividend's sign. By zero the dividend stays. */
export function smod(regs: Int32Array, at: number, lo: number, hi: number): void {
  const negative = regs[at + 1]! < 0;
  divideMagnitudes(regs, at, lo, hi, true);
  if (negative) neg(regs, at);
}

function divideMagnitudes(regs: Int32Array, at: number, lo: number, hi: number, remainder: boolean): void {
  if (regs[at + 1]! < 0) neg(regs, at);
  if (hi < 0) divide(regs, at, -lo | 0, (~hi + (lo === 0 ? 1 : 0)) | 0, remainder);
  else divide(regs, at, lo, hi, remainder);
}

function divide(regs: Int32Array, at: number, lo: number, hi: number, remainder: boolean): void {
  const aLo = regs[at]! >>> 0;
  const aHi = regs[at + 1]! >>> 0;
  const bLo = lo >>> 0;
  const bHi = hi >>> 0;
  if (bHi === 0) {
    if (bLo === 0) {
      if (!remainder) regs[at] = regs[at + 1] = 0;
    } else if (aHi === 0) {
      regs[at] = remainder ? aLo % bLo : Math.floor(aLo / bLo);
      regs[at + 1] = 0;
    } else {
      divideByWord(regs, at, aLo, aHi, bLo, remainder);
    }
    return;
  }
  // The quotient has at most 32 bits, and two doubles tell it to within one.
  let quotient = Math.floor((aHi * 4294967296 + aLo) / (bHi * 4294967296 + bLo));
  if (quotient > 0) quotient--;
  const productLo = Math.imul(quotient, lo) >>> 0;
  const productHi = (mulHigh(quotient, lo) + Math.imul(quotient, hi)) >>> 0;
  let restLo = aLo - productLo;
  let restHi = aHi - productHi;
  if (restLo < 0) {
    restLo += 4294967296;
    restHi--;
  }
  while (restHi > bHi || (restHi === bHi && restLo >= bLo)) {
    quotient++;
    restLo -= bLo;
    restHi -= bHi;
    if (restLo < 0) {
      restLo += 4294967296;
      restHi--;
    }
  }
  regs[at] = remainder ? restLo : quotient;
  regs[at + 1] = remainder ? restHi : 0;
}

/** By a divisor of 32 bits: long division with digits of 32 and twice 16 bits, so that every step is exact in a double. */
function divideByWord(regs: Int32Array, at: number, aLo: number, aHi: number, b: number, remainder: boolean): void {
  const high = Math.floor(aHi / b);
  const first = (aHi % b) * 65536 + (aLo >>> 16);
  const mid = Math.floor(first / b);
  const second = (first % b) * 65536 + (aLo & 0xffff);
  if (remainder) {
    regs[at] = second % b;
    regs[at + 1] = 0;
  } else {
    regs[at] = mid * 65536 + Math.floor(second / b);
    regs[at + 1] = high;
  }
}

export function swap32(x: number): number {
  return (x << 24) | ((x & 0xff00) << 8) | ((x >>> 8) & 0xff00) | (x >>> 24);
}

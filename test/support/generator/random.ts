/** Seeded randomness: the same seed gives the same choices, so that a failure can be made again. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** An unsigned 32-bit number (splitmix32). */
  u32(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }

  /** 0 <= n < limit. */
  below(limit: number): number {
    return this.u32() % limit;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** A choice by weight. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let at = this.below(choices.reduce((sum, [w]) => sum + w, 0));
    for (const [weight, value] of choices) if ((at -= weight) < 0) return value;
    return choices[0]![1];
  }

  /** Numbers where arithmetic goes wrong: around zero, powers of two, the ends of each width. */
  edgy(): number {
    const n = this.weighted<() => number>([
      [4, () => this.below(17) - 8],
      [2, () => 1 << this.below(32)],
      [2, () => (1 << this.below(32)) - 1],
      [1, () => -(1 << this.below(31))],
      [1, () => 0x7fffffff],
      [1, () => -0x80000000],
      [2, () => this.below(256)],
      [2, () => this.u32()],
    ])();
    return n | 0;
  }

  bytes(size: number): Uint8Array {
    return Uint8Array.from({ length: size }, () => this.below(256));
  }
}

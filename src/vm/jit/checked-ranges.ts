/**
 * Checked mode: which bytes behind each register have passed a check since the block began, so that none is checked twice.
 * Regions do not change while a program runs.
 */

interface Range {
  readonly start: number;
  readonly end: number;
  /** What may be written may be read; not the other way round. */
  readonly write: boolean;
}

export class CheckedRanges {
  #of: (Range[] | undefined)[] = [];

  covers(reg: number, off: number, size: number, write: boolean): boolean {
    return (
      this.#of[reg]?.some((range) => range.start <= off && off + size <= range.end && (range.write || !write)) ?? false
    );
  }

  add(reg: number, off: number, size: number, write: boolean): void {
    (this.#of[reg] ??= []).push({ start: off, end: off + size, write });
  }

  /** The register holds something else. */
  forget(reg: number): void {
    this.#of[reg] = undefined;
  }

  /** Ways join here, or the registers are those of another function. */
  clear(): void {
    this.#of = [];
  }
}

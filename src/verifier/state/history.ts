/**
 * The history of a state: instructions whose predecessor or stack access cannot be told from the code alone, in the
 * order of the path since the last checkpoint. Entries are ENTRY lanes each, so that a copy is one move of memory.
 */

// Lanes of an entry.
export const HIST_IDX = 0;
export const HIST_PREV = 1;
export const HIST_FLAGS = 2;
/** Numbers that learned together (branch/linked.ts), packed. */
export const HIST_LINKED = 3;
export const ENTRY = 5;

/** History flags: a stack access through this frame and slot. */
export const HIST_STACK_ACCESS = 1 << 9;
/** The comparison's operand is a stack pointer: nothing to follow in it. */
export const HIST_DST_STACK = 1 << 10;
export const HIST_SRC_STACK = 1 << 11;
export const histFlags = (frameno: number, slot: number): number => frameno | (slot << 3) | HIST_STACK_ACCESS;
export const histFrame = (flags: number): number => flags & 7;
export const histSlot = (flags: number): number => (flags >> 3) & 63;

/** Entries that memory is first made for. */
const FIRST_ROOM = 8;
const NOTHING = new Int32Array(0);

export class History {
  lanes: Int32Array = NOTHING;
  count = 0;

  push(idx: number, prev: number, flags: number, linkedLo: number, linkedHi: number): void {
    const at = this.count * ENTRY;
    if (at === this.lanes.length) this.#grow(Math.max(FIRST_ROOM, this.count * 2));
    const { lanes } = this;
    lanes[at + HIST_IDX] = idx;
    lanes[at + HIST_PREV] = prev;
    lanes[at + HIST_FLAGS] = flags;
    lanes[at + HIST_LINKED] = linkedLo;
    lanes[at + HIST_LINKED + 1] = linkedHi;
    this.count++;
  }

  #grow(room: number): void {
    const more = new Int32Array(room * ENTRY);
    more.set(this.lanes);
    this.lanes = more;
  }

  copyFrom(from: History): void {
    const { count } = from;
    this.count = count;
    if (count === 0) return;
    const used = count * ENTRY;
    if (this.lanes.length < used) this.lanes = new Int32Array(used);
    const { lanes } = this;
    const source = from.lanes;
    for (let k = 0; k < used; k++) lanes[k] = source[k]!;
  }

  clear(): void {
    this.count = 0;
  }

  /** As clear, for one that waits to be used again. Memory that grew far beyond what most states need is not kept. */
  forget(): void {
    this.count = 0;
    if (this.lanes.length > KEPT) this.lanes = NOTHING;
  }
}

/** Lanes that a forgotten history keeps for the next one. */
const KEPT = 64 * ENTRY;

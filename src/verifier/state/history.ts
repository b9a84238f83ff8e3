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

/**
 * Kept states have their entries to themselves. The state being walked writes its own to a stack that it shares with the
 * branches put aside: each of those knows where its entries lie, and nothing below the floor, where the last of them
 * ends, is written to. Paths are walked depth first, so when a branch is walked, all above its entries is forgotten.
 */
export class History {
  lanes: Int32Array = NOTHING;
  /** First lane of the first entry. */
  start = 0;
  count = 0;
  /** Lanes below this one belong to others, too. */
  #floor = 0;

  get #end(): number {
    return this.start + this.count * ENTRY;
  }

  push(idx: number, prev: number, flags: number, linkedLo: number, linkedHi: number): void {
    const at = this.#end;
    if (at + ENTRY > this.lanes.length) this.#grow(at + ENTRY);
    const { lanes } = this;
    lanes[at + HIST_IDX] = idx;
    lanes[at + HIST_PREV] = prev;
    lanes[at + HIST_FLAGS] = flags;
    lanes[at + HIST_LINKED] = linkedLo;
    lanes[at + HIST_LINKED + 1] = linkedHi;
    this.count++;
  }

  /** The first lane of the last entry, which may be written to. */
  last(): number {
    if (this.#end <= this.#floor) this.#moveUp();
    return this.#end - ENTRY;
  }

  #grow(needed: number): void {
    const more = new Int32Array(Math.max(FIRST_ROOM * ENTRY, needed * 2));
    more.set(this.lanes);
    this.lanes = more;
  }

  /** Entries that a branch shares go on being its own: a copy of them above the floor takes their place. */
  #moveUp(): void {
    const end = this.#end;
    const needed = this.#floor + end - this.start;
    if (needed > this.lanes.length) this.#grow(needed);
    this.lanes.copyWithin(this.#floor, this.start, end);
    this.start = this.#floor;
  }

  copyFrom(from: History): void {
    const { count } = from;
    this.start = 0;
    this.count = count;
    if (count === 0) return;
    const used = count * ENTRY;
    if (this.lanes.length < used) this.lanes = new Int32Array(used);
    const { lanes } = this;
    const source = from.lanes;
    const first = from.start;
    for (let k = 0; k < used; k++) lanes[k] = source[first + k]!;
  }

  /** `branch`, put aside, has the entries so far as well. */
  share(branch: History): void {
    branch.start = this.start;
    branch.count = this.count;
    this.#floor = this.#end;
  }

  /** `branch`, put aside, has none. */
  shareNothing(branch: History): void {
    branch.start = this.#end;
    branch.count = 0;
    this.#floor = this.#end;
  }

  /** Goes on as `branch` did, where `below` is the one that was put aside before it. */
  resume(branch: History, below: History | undefined): void {
    this.start = branch.start;
    this.count = branch.count;
    this.#floor = below ? below.#end : 0;
  }

  /** Starts anew. */
  clear(): void {
    this.start = this.#floor;
    this.count = 0;
  }

  /** Nothing waits any more. */
  reset(): void {
    this.#floor = 0;
    this.clear();
  }

  /** Of a state that is not used any more. Memory that grew far beyond what most states need is not kept. */
  forget(): void {
    this.count = 0;
    if (this.lanes.length > KEPT) this.lanes = NOTHING;
  }
}

/** Lanes that a forgotten history keeps for the next one. */
const KEPT = 64 * ENTRY;

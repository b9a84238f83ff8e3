/**
 * Which stack slots some path still reads.
 *
 * A function called from different places may be handed different stack pointers, so facts are kept for each chain of
 * call sites (an instance). For every instruction of an instance and every frame it can reach: slots it may read, slots
 * it surely writes. Where a path ends, the data flow of its instances is brought up to date, and what a callee does to
 * the frames above it is booked at its call site. Linux: kernel/bpf/liveness.c.
 */
import type { Env } from '../env.ts';
import type { StateBase } from '../state/state.ts';
import type { Flow } from '../structure/flow.ts';

// Masks of one instruction, each 64 bits as low and high lane.
const READ = 0;
const WRITE = 2;
const WRITTEN = 4;
const LIVE = 6;
const STRIDE = 8;
/** What an instance takes beside its masks, about. */
const INSTANCE_BYTES = 512;

/** What the instructions of an instance do to the slots of one frame. */
class Masks {
  /** STRIDE lanes an instruction, in the order of the program. */
  readonly m: Int32Array;
  /** A bit an instruction, in postorder: something that its masks follow from has changed. */
  readonly stale: Int32Array;

  constructor(length: number) {
    this.m = new Int32Array(length * STRIDE);
    this.stale = new Int32Array((length + 31) >> 5);
  }
}

class Instance {
  /** The instance that called this one; null at the start of a walk. */
  readonly caller: Instance | null;
  /** Where it called. */
  readonly callsite: number;
  readonly subprog: number;
  readonly start: number;
  readonly length: number;
  /** 0 for an instance that nobody called. */
  readonly depth: number;
  /** By frame, where some slot of that frame was touched. */
  readonly frames: (Masks | undefined)[] = [];
  readonly writeSet: Uint8Array;
  /** Instructions that wrote no slot the first time: they never surely write one. */
  readonly writesNothing: Uint8Array;
  /** Instances that this one called. */
  readonly callees: Instance[] = [];
  updated = false;
  writeDropped = false;

  constructor(caller: Instance | null, callsite: number, subprog: number, start: number, length: number) {
    this.caller = caller;
    this.callsite = callsite;
    this.subprog = subprog;
    this.start = start;
    this.length = length;
    this.depth = caller ? caller.depth + 1 : 0;
    this.writeSet = new Uint8Array(length);
    this.writesNothing = new Uint8Array(length);
  }

  label(): string {
    let sites = `${this.start}`;
    for (let at: Instance = this; at.caller; at = at.caller) sites = `${at.callsite},${sites}`;
    return `(${sites})`;
  }
}

export class Liveness {
  readonly #env: Env;
  readonly #flow: Flow;
  /** Instances that nobody called, by function. */
  readonly #roots: (Instance | undefined)[] = [];
  /** The instance of the current frame; null after a call or return until the next instruction. */
  #current: Instance | null = null;
  #writePc = 0;
  readonly #writes = new Int32Array(16);
  /** Whether any of them is set. */
  #wrote = false;
  /** The innermost instance of the queried state. */
  #query: Instance | null = null;
  #queryPc = 0;
  /** The answer of `queryFrame`. */
  aliveLo = 0;
  aliveHi = 0;

  constructor(env: Env, flow: Flow) {
    this.#env = env;
    this.#flow = flow;
  }

  /** The chain of frames changed. */
  leave(): void {
    this.#current = null;
  }

  /** Starts collecting the writes of one instruction. */
  begin(pc: number): void {
    if (this.#current === null) this.#current = this.#instance(this.#env.cur);
    this.#writePc = pc;
    if (!this.#wrote) return;
    this.#writes.fill(0);
    this.#wrote = false;
  }

  /** The instruction surely writes all of slot `n` of frame `frame`. */
  write(frame: number, n: number): void {
    this.#wrote = true;
    this.#writes[frame * 2 + (n >> 5)]! |= 1 << (n & 31);
  }

  /** The instruction at `pc` may read slot `n` of frame `frame`. */
  read(frame: number, pc: number, n: number): void {
    if (this.#current === null) this.#current = this.#instance(this.#env.cur);
    const bit = 1 << (n & 31);
    if (n < 32) this.#markRead(this.#current, frame, pc, bit, 0);
    else this.#markRead(this.#current, frame, pc, 0, bit);
  }

  commit(): void {
    if (this.#current) this.#commitTo(this.#current, this.#writePc);
  }

  /** A path ends or a function returns: brings the instances of all frames up to date, innermost first. */
  update(): void {
    for (let at: Instance | null = this.#instance(this.#env.cur); at; at = at.caller) this.#updateInstance(at);
  }

  /** Prepares `queryFrame` for a state. */
  query(state: StateBase): void {
    this.#query = this.#instance(state);
    this.#queryPc = state.insnIdx;
  }

  /** Finds which slots of frame `frame` may still be read from the queried state on: `aliveLo` and `aliveHi`. */
  queryFrame(frame: number): void {
    this.aliveLo = 0;
    this.aliveHi = 0;
    let pc = this.#queryPc;
    for (let at = this.#query; at && at.depth >= frame; at = at.caller) {
      const m = at.frames[frame]?.m;
      if (m) {
        const lane = (pc - at.start) * STRIDE + LIVE;
        this.aliveLo |= m[lane]!;
        this.aliveHi |= m[lane + 1]!;
      }
      if (at.caller) pc = this.#env.aux.callsCallback[at.callsite] ? at.callsite : at.callsite + 1;
    }
  }

  /** The instance of the innermost frame of `state`. */
  #instance(state: StateBase): Instance {
    const { frames } = state;
    const first = frames[0]!.subprog;
    let at = (this.#roots[first] ??= this.#make(null, -1, first));
    for (let f = 1; f <= state.curframe; f++) {
      const { callsite, subprog } = frames[f]!;
      at = find(at.callees, callsite, subprog) ?? this.#make(at, callsite, subprog);
    }
    return at;
  }

  #make(caller: Instance | null, callsite: number, subprog: number): Instance {
    const s = this.#env.subprogs[subprog]!;
    this.#env.charge((s.end - s.start) * 2 + INSTANCE_BYTES);
    const made = new Instance(caller, callsite, subprog, s.start, s.end - s.start);
    caller?.callees.push(made);
    return made;
  }

  #masks(instance: Instance, frame: number): Masks {
    const known = instance.frames[frame];
    if (known) return known;
    this.#env.charge(instance.length * STRIDE * Int32Array.BYTES_PER_ELEMENT);
    const made = new Masks(instance.length);
    instance.frames[frame] = made;
    return made;
  }

  #markRead(instance: Instance, frame: number, pc: number, lo: number, hi: number): void {
    const masks = this.#masks(instance, frame);
    const { m } = masks;
    const at = (pc - instance.start) * STRIDE;
    const newLo = m[at + READ]! | lo;
    const newHi = m[at + READ + 1]! | hi;
    if (newLo === m[at + READ] && newHi === m[at + READ + 1]) return;
    if ((newLo & ~m[at + LIVE]!) !== 0 || (newHi & ~m[at + LIVE + 1]!) !== 0) instance.updated = true;
    m[at + READ] = newLo;
    m[at + READ + 1] = newHi;
    this.#setStale(masks, pc);
  }

  #commitTo(instance: Instance, pc: number): void {
    const idx = pc - instance.start;
    const known = instance.writeSet[idx] !== 0;
    // Nothing written, now as the first time.
    if (known && !this.#wrote && instance.writesNothing[idx] !== 0) return;
    if (!known && !this.#wrote) instance.writesNothing[idx] = 1;
    for (let f = 0; f <= instance.depth; f++) {
      let lo = this.#writes[f * 2]!;
      let hi = this.#writes[f * 2 + 1]!;
      if (lo === 0 && hi === 0 && (!known || !instance.frames[f])) continue;
      const masks = this.#masks(instance, f);
      const { m } = masks;
      const at = idx * STRIDE + WRITE;
      const oldLo = m[at]!;
      const oldHi = m[at + 1]!;
      if (known) {
        lo &= oldLo;
        hi &= oldHi;
      }
      if (lo !== oldLo || hi !== oldHi) {
        m[at] = lo;
        m[at + 1] = hi;
        instance.updated = true;
        this.#setStale(masks, pc);
      }
      if ((oldLo & ~lo) !== 0 || (oldHi & ~hi) !== 0) instance.writeDropped = true;
    }
    instance.writeSet[idx] = 1;
  }

  #setStale(masks: Masks, pc: number): void {
    const place = this.#flow.place[pc]!;
    masks.stale[place >> 5]! |= 1 << (place & 31);
  }

  #updateInstance(instance: Instance): void {
    if (!instance.updated) return;
    const env = this.#env;
    if (instance.writeDropped) {
      for (const masks of instance.frames) if (masks) this.#forgetWritten(instance, masks);
    }
    let rounds = 0;
    for (let changed = true; changed; rounds++) {
      changed = false;
      for (const [f, masks] of instance.frames.entries()) {
        if (masks && this.#settle(instance, masks, f)) changed = true;
      }
    }
    if (env.log.level2) env.write(`${instance.label()} live stack update done in ${rounds} iterations\n`);
    instance.updated = false;
    instance.writeDropped = false;
    if (instance.caller) this.#bookAtCallsite(instance, instance.caller);
  }

  /** Some instruction does not surely write what it seemed to: all that follows from writes is found anew. */
  #forgetWritten(instance: Instance, masks: Masks): void {
    const { m } = masks;
    for (let at = WRITTEN; at < m.length; at += STRIDE) {
      m[at] = 0;
      m[at + 1] = 0;
    }
    for (const pc of this.#flow.postorder[instance.subprog]!) this.#setStale(masks, pc);
  }

  /**
   * Goes over the instructions once, successors first; answers whether something changed. What none of its successors
   * changed for stays as it is, so only stale ones are looked at.
   */
  #settle(instance: Instance, masks: Masks, frame: number): boolean {
    const { stale } = masks;
    const order = this.#flow.postorder[instance.subprog]!;
    let changed = false;
    for (let word = 0; word < stale.length; word++) {
      // Of this round: places after the one looked at last. Those before it wait for the next.
      let ahead = -1;
      for (let bits = stale[word]!; bits !== 0; bits = stale[word]! & ahead) {
        const bit = bits & -bits;
        ahead = ~((bit << 1) - 1);
        stale[word]! &= ~bit;
        const pc = order[word * 32 + 31 - Math.clz32(bit)]!;
        if (!this.#updateInsn(instance, masks.m, frame, pc)) continue;
        changed = true;
        this.#setStaleBefore(masks, pc);
      }
    }
    return changed;
  }

  /** Those from which control goes to `pc`. */
  #setStaleBefore(masks: Masks, pc: number): void {
    const { firstBefore, before } = this.#flow.predecessors;
    const end = firstBefore[pc + 1]!;
    for (let k = firstBefore[pc]!; k < end; k++) this.#setStale(masks, before[k]!);
  }

  #bookAtCallsite(instance: Instance, outer: Instance): void {
    this.#writes.fill(0);
    for (let f = 0; f < instance.depth; f++) {
      const m = instance.frames[f]?.m;
      if (!m) continue;
      this.#writes[f * 2] = m[WRITTEN]!;
      this.#writes[f * 2 + 1] = m[WRITTEN + 1]!;
      this.#markRead(outer, f, instance.callsite, m[LIVE]!, m[LIVE + 1]!);
    }
    this.#wrote = true;
    this.#commitTo(outer, instance.callsite);
    this.#writes.fill(0);
    this.#wrote = false;
  }

  #updateInsn(instance: Instance, m: Int32Array, frame: number, pc: number): boolean {
    const at = (pc - instance.start) * STRIDE;
    const next = this.#flow.next[pc]!;
    const jump = this.#flow.jump[pc]!;
    let afterLo = 0;
    let afterHi = 0;
    let writtenLo = next >= 0 || jump >= 0 ? -1 : 0;
    let writtenHi = writtenLo;
    if (next >= 0) {
      const s = (next - instance.start) * STRIDE;
      afterLo |= m[s + LIVE]!;
      afterHi |= m[s + LIVE + 1]!;
      writtenLo &= m[s + WRITTEN]!;
      writtenHi &= m[s + WRITTEN + 1]!;
    }
    if (jump >= 0) {
      const s = (jump - instance.start) * STRIDE;
      afterLo |= m[s + LIVE]!;
      afterHi |= m[s + LIVE + 1]!;
      writtenLo &= m[s + WRITTEN]!;
      writtenHi &= m[s + WRITTEN + 1]!;
    }
    writtenLo |= m[at + WRITE]!;
    writtenHi |= m[at + WRITE + 1]!;
    const liveLo = (afterLo & ~m[at + WRITE]!) | m[at + READ]!;
    const liveHi = (afterHi & ~m[at + WRITE + 1]!) | m[at + READ + 1]!;
    const sameLive = liveLo === m[at + LIVE] && liveHi === m[at + LIVE + 1];
    const sameWritten = writtenLo === m[at + WRITTEN] && writtenHi === m[at + WRITTEN + 1];
    if (sameLive && sameWritten) return false;
    const env = this.#env;
    if (env.log.level2) {
      const touched = (m[at + READ]! | m[at + READ + 1]! | m[at + WRITE]! | m[at + WRITE + 1]!) !== 0;
      if (touched || pc === instance.start || env.aux.prunePoint[pc]) {
        const head = `${instance.label()} frame ${frame} insn ${pc} `;
        env.write(changeText(head, 'live', m[at + LIVE]!, m[at + LIVE + 1]!, liveLo, liveHi));
        env.write(changeText(head, 'written', m[at + WRITTEN]!, m[at + WRITTEN + 1]!, writtenLo, writtenHi));
      }
    }
    m[at + LIVE] = liveLo;
    m[at + LIVE + 1] = liveHi;
    m[at + WRITTEN] = writtenLo;
    m[at + WRITTEN + 1] = writtenHi;
    return true;
  }
}

function find(list: readonly Instance[], callsite: number, subprog: number): Instance | undefined {
  for (let k = 0; k < list.length; k++) {
    const found = list[k]!;
    if (found.callsite === callsite && found.subprog === subprog) return found;
  }
  return undefined;
}

function changeText(head: string, what: string, oldLo: number, oldHi: number, lo: number, hi: number): string {
  const onesLo = lo & ~oldLo;
  const onesHi = hi & ~oldHi;
  const zerosLo = oldLo & ~lo;
  const zerosHi = oldHi & ~hi;
  if ((onesLo | onesHi | zerosLo | zerosHi) === 0) return '';
  let out = head;
  if (onesLo | onesHi) out += `+${what} ${slotsText(onesLo, onesHi)} `;
  if (zerosLo | zerosHi) out += `-${what} ${slotsText(zerosLo, zerosHi)}`;
  return `${out}\n`;
}

/** Slots of a mask by their offsets from the frame pointer: `-8,-16`. */
export function slotsText(lo: number, hi: number): string {
  const out: number[] = [];
  for (let n = 0; n < 64; n++) if (((n < 32 ? lo : hi) >>> (n & 31)) & 1) out.push(-(n + 1) * 8);
  return out.join(',');
}

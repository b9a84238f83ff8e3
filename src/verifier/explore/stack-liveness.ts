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

class Instance {
  readonly callsites: readonly number[];
  readonly subprog: number;
  readonly start: number;
  readonly length: number;
  /** Masks by frame, where some slot of that frame was touched. */
  readonly frames: (Int32Array | undefined)[] = [];
  readonly writeSet: Uint8Array;
  /** Instructions that wrote no slot the first time: they never surely write one. */
  readonly writesNothing: Uint8Array;
  updated = false;
  writeDropped = false;

  constructor(callsites: readonly number[], subprog: number, start: number, length: number) {
    this.callsites = callsites;
    this.subprog = subprog;
    this.start = start;
    this.length = length;
    this.writeSet = new Uint8Array(length);
    this.writesNothing = new Uint8Array(length);
  }

  get depth(): number {
    return this.callsites.length;
  }

  masks(frame: number): Int32Array {
    return (this.frames[frame] ??= new Int32Array(this.length * STRIDE));
  }

  label(): string {
    return `(${[...this.callsites, this.start].join(',')})`;
  }
}

export class Liveness {
  readonly #env: Env;
  readonly #flow: Flow;
  readonly #instances = new Map<string, Instance>();
  /** The instance of the current frame; null after a call or return until the next instruction. */
  #current: Instance | null = null;
  #writePc = 0;
  readonly #writes = new Int32Array(16);
  /** Whether any of them is set. */
  #wrote = false;
  #query: Instance[] = [];
  #queryPc = 0;
  #queryCallsites: number[] = [];

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
    const env = this.#env;
    this.#current ??= this.#lookup(env.cur, env.cur.curframe);
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
    const env = this.#env;
    this.#current ??= this.#lookup(env.cur, env.cur.curframe);
    const bit = 1 << (n & 31);
    if (n < 32) this.#markRead(this.#current, frame, pc, bit, 0);
    else this.#markRead(this.#current, frame, pc, 0, bit);
  }

  commit(): void {
    if (this.#current) this.#commitTo(this.#current, this.#writePc);
  }

  /** A path ends or a function returns: brings the instances of all frames up to date, innermost first. */
  update(): void {
    const { cur } = this.#env;
    for (let f = cur.curframe; f >= 0; f--) this.#updateInstance(this.#lookup(cur, f));
  }

  /** Prepares `isAlive` for a state. */
  query(state: StateBase): void {
    this.#query = [];
    this.#queryCallsites = [];
    for (let f = 0; f <= state.curframe; f++) {
      this.#query.push(this.#lookup(state, f));
      if (f < state.curframe) this.#queryCallsites.push(state.frames[f + 1]!.callsite);
    }
    this.#queryPc = state.insnIdx;
  }

  /** Whether slot `n` of frame `frame` may still be read from the queried state on. */
  isAlive(frame: number, n: number): boolean {
    const last = this.#query.length - 1;
    if (isLive(this.#query[last]!, this.#queryPc, frame, n)) return true;
    for (let f = frame; f < last; f++) {
      const site = this.#queryCallsites[f]!;
      const at = this.#env.aux.callsCallback[site] ? site : site + 1;
      if (isLive(this.#query[f]!, at, frame, n)) return true;
    }
    return false;
  }

  #lookup(state: StateBase, frameno: number): Instance {
    let key = '';
    for (let f = 1; f <= frameno; f++) key += `${state.frames[f]!.callsite},`;
    const subprog = state.frames[frameno]!.subprog;
    key += subprog;
    let found = this.#instances.get(key);
    if (!found) {
      const callsites: number[] = [];
      for (let f = 1; f <= frameno; f++) callsites.push(state.frames[f]!.callsite);
      const s = this.#env.subprogs[subprog]!;
      found = new Instance(callsites, subprog, s.start, s.end - s.start);
      this.#instances.set(key, found);
    }
    return found;
  }

  #markRead(instance: Instance, frame: number, pc: number, lo: number, hi: number): void {
    const m = instance.masks(frame);
    const at = (pc - instance.start) * STRIDE;
    const newLo = m[at + READ]! | lo;
    const newHi = m[at + READ + 1]! | hi;
    if (newLo !== m[at + READ] || newHi !== m[at + READ + 1]) {
      if ((newLo & ~m[at + LIVE]!) !== 0 || (newHi & ~m[at + LIVE + 1]!) !== 0) instance.updated = true;
      m[at + READ] = newLo;
      m[at + READ + 1] = newHi;
    }
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
      const m = instance.masks(f);
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
      }
      if ((oldLo & ~lo) !== 0 || (oldHi & ~hi) !== 0) instance.writeDropped = true;
    }
    instance.writeSet[idx] = 1;
  }

  #updateInstance(instance: Instance): void {
    if (!instance.updated) return;
    const env = this.#env;
    if (instance.writeDropped) {
      for (const m of instance.frames) {
        if (!m) continue;
        for (let at = WRITTEN; at < m.length; at += STRIDE) {
          m[at] = 0;
          m[at + 1] = 0;
        }
      }
    }
    const order = this.#flow.postorder[instance.subprog]!;
    for (let f = 0; f <= instance.depth; f++) {
      const m = instance.frames[f];
      if (!m) continue;
      let rounds = 0;
      for (let changed = true; changed; rounds++) {
        changed = false;
        for (const pc of order) if (this.#updateInsn(instance, m, f, pc)) changed = true;
      }
      if (env.log.level2) env.write(`${instance.label()} live stack update done in ${rounds} iterations\n`);
    }
    instance.updated = false;
    instance.writeDropped = false;
    if (instance.depth > 0) this.#bookAtCallsite(instance);
  }

  #bookAtCallsite(instance: Instance): void {
    const outer = this.#lookupOuter(instance);
    const callsite = instance.callsites.at(-1)!;
    this.#writes.fill(0);
    for (let f = 0; f < instance.depth; f++) {
      const m = instance.frames[f];
      if (!m) continue;
      this.#writes[f * 2] = m[WRITTEN]!;
      this.#writes[f * 2 + 1] = m[WRITTEN + 1]!;
      this.#markRead(outer, f, callsite, m[LIVE]!, m[LIVE + 1]!);
    }
    this.#wrote = true;
    this.#commitTo(outer, callsite);
    this.#writes.fill(0);
    this.#wrote = false;
  }

  #lookupOuter(instance: Instance): Instance {
    const { cur } = this.#env;
    return this.#lookup(cur, instance.depth - 1);
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

function isLive(instance: Instance, pc: number, frame: number, n: number): boolean {
  const m = instance.frames[frame];
  if (!m) return false;
  return (m[(pc - instance.start) * STRIDE + LIVE + (n >> 5)]! & (1 << (n & 31))) !== 0;
}

function changeText(head: string, what: string, oldLo: number, oldHi: number, lo: number, hi: number): string {
  const onesLo = lo & ~oldLo;
  const onesHi = hi & ~oldHi;
  const zerosLo = oldLo & ~lo;
  const zerosHi = oldHi & ~hi;
  if ((onesLo | onesHi | zerosLo | zerosHi) === 0) return '';
  let out = head;
  if (onesLo | onesHi) out += `+${what} ${slotsText(onesLo, onesHi)} `;
  if (zerosLo | zerosHi) out += `-${what} ${slotsText(zerosLo, zerosHi)} `;
  return `${out}\n`;
}

/** Slots of a mask by their offsets from the frame pointer: `-8,-16`. */
export function slotsText(lo: number, hi: number): string {
  const out: number[] = [];
  for (let n = 0; n < 64; n++) if (((n < 32 ? lo : hi) >>> (n & 31)) & 1) out.push(-(n + 1) * 8);
  return out.join(',');
}

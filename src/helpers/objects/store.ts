/**
 * Objects that programs allocate, whoever holds them: the program itself, a list, a tree, a field of a map's value or of
 * another object. The verifier has proven that each is given back, or given to one of these; what goes takes with it what
 * it holds.
 *
 * What an object is made of is known by its address, so it outlives the program whose types say so. An address that is
 * none of an object's is left alone: a program that nobody verified may say anything.
 */
import type { Addr, Memory } from '../../base/memory.ts';
import { listObjects, setListObject } from './list.ts';
import { setTreeObject, treeObjects } from './tree.ts';

/** Parts of an object, or of a map's value, that are the kernel's own. */
export interface OwnField {
  readonly kind: string;
  /** Bytes from the start of the object. */
  readonly offset: number;
  readonly size: number;
}

/** What is known about a structure that programs allocate. */
export interface ObjectLayout {
  /** Bytes. */
  readonly size: number;
  readonly fields: readonly OwnField[];
}

interface Live {
  readonly layout: ObjectLayout;
  /** Where its struct bpf_refcount lies; -1 where it has none. */
  readonly refcount: number;
  /** Bytes from one CPU's copy to the next; 0 where there is one for all. */
  readonly stride: number;
}

export class ObjectStore {
  readonly #mem: Memory;
  readonly #cpus: number;
  readonly #live = new Map<Addr, Live>();
  /** Objects that are gone, whose memory is not given back yet. */
  readonly #gone: Addr[] = [];
  /** Gives back a reference to something of the kernel's own that a program could hold: a task, a cgroup. */
  readonly #releaseOther: (addr: Addr) => void;

  constructor(mem: Memory, cpus: number, releaseOther: (addr: Addr) => void) {
    this.#mem = mem;
    this.#cpus = cpus;
    this.#releaseOther = releaseOther;
  }

  /** Objects that were allocated and are not gone. */
  get size(): number {
    return this.#live.size;
  }

  /** A new object, zero but for what the kernel keeps in it; 0 where memory is out. */
  create(layout: ObjectLayout): Addr {
    const mem = this.#mem;
    const addr = mem.alloc(layout.size);
    if (addr === 0) return 0;
    let refcount = -1;
    for (const { kind, offset } of layout.fields) {
      if (kind === 'bpf_list_node') setListObject(mem, addr + offset, addr);
      else if (kind === 'bpf_rb_node') setTreeObject(mem, addr + offset, addr);
      else if (kind === 'bpf_refcount') refcount = offset;
    }
    if (refcount >= 0) mem.setU32(addr + refcount, 1);
    this.#live.set(addr, { layout, refcount, stride: 0 });
    return addr;
  }

  /** A new object with a copy for each CPU, all zero; 0 where memory is out. */
  createPercpu(layout: ObjectLayout): Addr {
    const stride = (layout.size + 7) & ~7;
    const addr = this.#mem.alloc(stride * this.#cpus);
    if (addr !== 0) this.#live.set(addr, { layout, refcount: -1, stride });
    return addr;
  }

  /** The copy that a CPU has of a per-CPU object; 0 where there is no such object or CPU. */
  percpu(addr: Addr, cpu: number): Addr {
    const stride = this.#live.get(addr)?.stride ?? 0;
    return stride === 0 || cpu >= this.#cpus ? 0 : addr + cpu * stride;
  }

  /** One more reference: the object; 0 where nobody holds it any more. */
  acquire(addr: Addr): Addr {
    const refcount = this.#live.get(addr)?.refcount ?? -1;
    if (refcount < 0) return 0;
    const count = this.#mem.u32(addr + refcount);
    if (count === 0) return 0;
    this.#mem.setU32(addr + refcount, count + 1);
    return addr;
  }

  /** One reference less. The last one takes the object with it, and what it holds. */
  drop(addr: Addr): void {
    // A list of what is to go instead of calls: an object may hold another, and that one another, as deep as memory goes.
    const going = [addr];
    for (let at = going.pop(); at !== undefined; at = going.pop()) this.#dropOne(at, going);
  }

  /** Empties a field: what it held loses a reference. Fields that hold nothing become zero. */
  clear({ kind, offset, size }: OwnField, base: Addr): void {
    const going: Addr[] = [];
    this.#takeFrom(kind, base + offset, going);
    this.#mem.fill(base + offset, size, 0);
    for (const addr of going) this.drop(addr);
  }

  #dropOne(addr: Addr, going: Addr[]): void {
    const object = this.#live.get(addr);
    if (object === undefined) {
      this.#releaseOther(addr);
      return;
    }
    const { layout, refcount, stride } = object;
    if (refcount >= 0) {
      const count = this.#mem.u32(addr + refcount) - 1;
      this.#mem.setU32(addr + refcount, count);
      if (count > 0) return;
    }
    if (stride === 0) for (const field of layout.fields) this.#takeFrom(field.kind, addr + field.offset, going);
    this.#live.delete(addr);
    this.#gone.push(addr);
  }

  /**
   * Gives back the memory of what is gone. Not while a program runs: it may still look at an object that it has given
   * away, until its RCU section ends.
   */
  reclaim(): void {
    if (this.#gone.length === 0) return;
    for (const addr of this.#gone) this.#mem.free(addr);
    this.#gone.length = 0;
  }

  /** Adds what a field holds to `into`. */
  #takeFrom(kind: string, field: Addr, into: Addr[]): void {
    const mem = this.#mem;
    switch (kind) {
      case 'bpf_list_head':
        listObjects(mem, field, into);
        return;
      case 'bpf_rb_root':
        treeObjects(mem, field, into);
        return;
      case 'kptr':
      case 'percpu_kptr': {
        const held = mem.u32(field);
        if (held !== 0) into.push(held);
      }
    }
  }
}

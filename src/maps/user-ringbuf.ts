/**
 * BPF_MAP_TYPE_USER_RINGBUF: records of any size from user space to programs, which take them with
 * bpf_user_ringbuf_drain.
 *
 * Positions count bytes and never wrap; a record lies at `position & (size - 1)`, 8 bytes of header and its data, padded
 * to 8. There is room for twice the ring, so that one which crosses its end is in one piece.
 *
 * Linux: kernel/bpf/ringbuf.c.
 */
import { alignUp } from '../base/bytes.ts';
import type { Addr } from '../base/memory.ts';
import { BaseMap, orNull } from './base-map.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { checkRing } from './ringbuf.ts';

const HEADER = 8;
const DYNPTR_SIZE = 16;

export const userRingbuf: MapType = {
  check: checkRing,
  create: (def, env) => orNull(() => new UserRingBufferMap(def, env)),
};

export class UserRingBufferMap extends BaseMap {
  readonly #data: Addr;
  readonly #size: number;
  /** Room for the dynptr that a program is given. */
  readonly dynptr: Addr;
  /** A program is taking records: a second one, from inside its callback, gets none. */
  draining = false;
  #produced = 0;
  #consumed = 0;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#size = def.maxEntries;
    this.#data = this.allocate(2 * this.#size);
    this.dynptr = this.allocate(DYNPTR_SIZE);
  }

  /** Bytes of the largest record. */
  get largest(): number {
    return this.#size - HEADER;
  }

  /** Puts a record behind the others; false where there is no room for it now. */
  write(record: Uint8Array): boolean {
    const whole = alignUp(record.length + HEADER, 8);
    if (this.#produced + whole - this.#consumed > this.#size) return false;
    const at = this.#at(this.#produced);
    this.mem.setU32(at, record.length);
    this.mem.write(at + HEADER, record);
    this.#produced += whole;
    return true;
  }

  /** The oldest record, which stays until `consume`; undefined where there is none. */
  oldest(): { addr: Addr; size: number } | undefined {
    if (this.#consumed === this.#produced) return undefined;
    const at = this.#at(this.#consumed);
    return { addr: at + HEADER, size: this.mem.u32(at) };
  }

  /** The oldest record is done with: a writer may have waited for its room. */
  consume(): void {
    const at = this.#at(this.#consumed);
    this.#consumed = Math.min(this.#consumed + alignUp(this.mem.u32(at) + HEADER, 8), this.#produced);
    this.env.notify(this);
  }

  #at(position: number): Addr {
    return this.#data + (position % this.#size);
  }
}

/**
 * BPF_MAP_TYPE_BLOOM_FILTER: whether a value was ever pushed: `no`, or `probably`.
 *
 * The low 4 bits of map_extra say how many hashes a value sets bits for; 0 means 5. There are about 1.44 bits for each
 * hash and entry, rounded up to a power of two, so about half are set when max_entries values were pushed.
 *
 * Linux: kernel/bpf/bloom_filter.c.
 */
import { E2BIG, EINVAL, ENOENT, EOPNOTSUPP } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_ANY, BPF_F_ZERO_SEED } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { COMMON_FLAGS, flagsAllowed, low32, MAX_ELEMENT } from './flags.ts';
import { hashKey, hashMultipliers } from './hash-function.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';

const DEFAULT_HASHES = 5;
const MAX_HASHES = 15n;
const MAX_BITS = 2 ** 31;

export const bloomFilter: MapType = {
  check(def) {
    if (def.valueSize > MAX_ELEMENT) return -E2BIG;
    if (def.keySize !== 0 || def.valueSize === 0 || def.maxEntries === 0) return -EINVAL;
    if (!flagsAllowed(def, COMMON_FLAGS | BPF_F_ZERO_SEED) || def.extra > MAX_HASHES) return -EINVAL;
    return 0;
  },
  create: (def, env) => orNull(() => new BloomFilterMap(def, env)),
};

class BloomFilterMap extends BaseMap {
  readonly #bits: Addr;
  readonly #mask: number;
  readonly #hashes: number;
  /** Of two hashes, from which all others come. */
  readonly #multipliers: readonly [Int32Array, Int32Array];
  readonly #room: Addr;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#hashes = Number(def.extra) || DEFAULT_HASHES;
    const seed = (def.flags & BPF_F_ZERO_SEED) === 0 ? env.random() : 0;
    this.#multipliers = [hashMultipliers(seed, def.valueSize), hashMultipliers(~seed, def.valueSize)];
    const wanted = (def.maxEntries * this.#hashes * 7) / 5;
    const bits = Math.min(Math.max(2 ** Math.ceil(Math.log2(wanted)), 64), MAX_BITS);
    this.#mask = bits - 1;
    this.#bits = this.allocate(bits / 8);
    this.#room = this.allocate(def.valueSize);
    this.setStorage(this.#bits, 0);
  }

  override push(value: Addr, flags: number): number {
    if (flags !== BPF_ANY) return -EINVAL;
    const [first, step] = this.#hashesOf(value);
    for (let nth = 0; nth < this.#hashes; nth++) {
      const bit = this.#bit(first, step, nth);
      const at = this.#bits + (bit >>> 3);
      this.mem.setU8(at, this.mem.u8(at) | (1 << (bit & 7)));
    }
    return 0;
  }

  override peek(value: Addr): number {
    const [first, step] = this.#hashesOf(value);
    for (let nth = 0; nth < this.#hashes; nth++) {
      const bit = this.#bit(first, step, nth);
      if ((this.mem.u8(this.#bits + (bit >>> 3)) & (1 << (bit & 7))) === 0) return -ENOENT;
    }
    return 0;
  }

  override pop(_value: Addr): number {
    return -EOPNOTSUPP;
  }

  #hashesOf(value: Addr): [number, number] {
    const hash = (multipliers: Int32Array) => hashKey(this.mem, value, this.def.valueSize, multipliers);
    const [first, second] = this.#multipliers;
    return [hash(first), hash(second)];
  }

  /** The step is made odd, so that no two of a value's bits are the same for want of steps. */
  #bit(first: number, step: number, nth: number): number {
    return (first + Math.imul(nth, step | 1)) & this.#mask;
  }

  /** The only map whose lookup takes a value: `key` is the value that is asked for, and the answer. */
  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    if (key.length !== this.def.valueSize) return -EINVAL;
    this.mem.write(this.#room, key);
    return this.peek(this.#room) === 0 ? key.slice() : -ENOENT;
  }
  override writeElem(_key: Uint8Array, value: Uint8Array, flags: bigint): number {
    this.mem.write(this.#room, value.subarray(0, this.def.valueSize));
    return this.push(this.#room, low32(flags));
  }
  override deleteElem(_key: Uint8Array): number {
    return -EOPNOTSUPP;
  }
  override nextKey(_key: Uint8Array | null): number {
    return -EOPNOTSUPP;
  }
}

/**
 * BPF_MAP_TYPE_STACK_TRACE: stacks by id, written by bpf_get_stackid, read by user space.
 *
 * An id is a bucket: the hash of the stack, so the same stack gets the same id. There are as many buckets as
 * max_entries rounded up to a power of two, and a bucket has room for one stack.
 *
 *     bucket   +0 how many addresses   +4 hash   +8 the addresses, innermost first, then zeros
 *
 * An address is a u64, or with BPF_F_STACK_BUILD_ID a struct bpf_stack_build_id.
 *
 * Linux: kernel/bpf/stackmap.c.
 */
import { E2BIG, EEXIST, EINVAL, ENOENT } from '../base/errno.ts';
import type { Addr } from '../base/memory.ts';
import {
  BPF_F_FAST_STACK_CMP,
  BPF_F_NUMA_NODE,
  BPF_F_REUSE_STACKID,
  BPF_F_STACK_BUILD_ID,
  BPF_STACK_BUILD_ID_IP,
} from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { flagsAllowed, SYSCALL_ACCESS } from './flags.ts';
import { hashKey, hashMultipliers } from './hash-function.ts';
import { indexOf, u32Bytes } from './index-key.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';

/** kernel.perf_event_max_stack: the most addresses that are collected. */
export const MAX_STACK = 127;
/**
 * struct bpf_stack_build_id: s32 status, 20 bytes of build id, u64 offset. Files behind addresses are not known here, so
 * every entry is what Linux makes of code that no file backs: BPF_STACK_BUILD_ID_IP and the address.
 */
const BUILD_ID_SIZE = 32;
const BUILD_ID_IP = 24;
const STACK = 8;
const MAX_BUCKETS = 2 ** 31;

export const stackTrace: MapType = {
  check(def) {
    if (!flagsAllowed(def, BPF_F_NUMA_NODE | SYSCALL_ACCESS | BPF_F_STACK_BUILD_ID)) return -EINVAL;
    const unit = unitOf(def);
    if (def.maxEntries === 0 || def.keySize !== 4 || def.valueSize < 8) return -EINVAL;
    return def.valueSize % unit !== 0 || def.valueSize / unit > MAX_STACK ? -EINVAL : 0;
  },
  create: (def, env) => orNull(() => new StackTraceMap(def, env)),
};

/** Bytes for an address. */
function unitOf(def: MapDef): number {
  return (def.flags & BPF_F_STACK_BUILD_ID) !== 0 ? BUILD_ID_SIZE : 8;
}

export class StackTraceMap extends BaseMap {
  readonly #buckets: Addr;
  readonly #count: number;
  readonly #stride: number;
  /** Where a stack is put to be hashed and compared. */
  readonly #room: Addr;
  readonly #multipliers: Int32Array;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#count = Math.min(2 ** Math.ceil(Math.log2(def.maxEntries)), MAX_BUCKETS);
    this.#stride = STACK + def.valueSize;
    this.#buckets = this.allocate(this.#count * this.#stride);
    this.#room = this.allocate(def.valueSize);
    this.#multipliers = hashMultipliers(0, def.valueSize);
    this.setStorage(this.#buckets, this.#stride);
  }

  /** How many addresses a stack can have. */
  get depth(): number {
    return this.def.valueSize / unitOf(this.def);
  }

  /**
   * The id of a stack. `flags` has BPF_F_FAST_STACK_CMP (equal hashes will do) and BPF_F_REUSE_STACKID (a bucket with
   * another stack is overwritten, else that is -EEXIST).
   */
  put(stack: BigUint64Array, flags: number): number {
    const { mem } = this;
    const length = Math.min(stack.length, this.depth);
    const unit = unitOf(this.def);
    const size = length * unit;
    for (let i = 0; i < length; i++) {
      const at = this.#room + i * unit;
      if (unit === BUILD_ID_SIZE) mem.setU32(at, BPF_STACK_BUILD_ID_IP);
      mem.setU64(unit === BUILD_ID_SIZE ? at + BUILD_ID_IP : at, stack[i]!);
    }
    const hash = hashKey(mem, this.#room, size, this.#multipliers);
    const id = hash & (this.#count - 1);
    const bucket = this.#bucket(id);
    const used = mem.u32(bucket);
    const sameHash = used !== 0 && mem.u32(bucket + 4) === hash;
    if (sameHash && (flags & BPF_F_FAST_STACK_CMP) !== 0) return id;
    if (sameHash && used === length && mem.equal(bucket + STACK, this.#room, size)) return id;
    if (used !== 0 && (flags & BPF_F_REUSE_STACKID) === 0) return -EEXIST;
    mem.setU32(bucket, length);
    mem.setU32(bucket + 4, hash);
    mem.copy(bucket + STACK, this.#room, size);
    mem.fill(bucket + STACK + size, this.def.valueSize - size, 0);
    return id;
  }

  #bucket(id: number): Addr {
    return this.#buckets + id * this.#stride;
  }

  #isUsed(id: number): boolean {
    return id >= 0 && id < this.#count && this.mem.u32(this.#bucket(id)) !== 0;
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const id = indexOf(key);
    return this.#isUsed(id) ? this.mem.read(this.#bucket(id) + STACK, this.def.valueSize) : -ENOENT;
  }

  override writeElem(_key: Uint8Array, _value: Uint8Array, _flags: bigint): number {
    return -EINVAL;
  }

  override delete(key: Addr): number {
    const id = this.mem.u32(key);
    if (id >= this.#count) return -E2BIG;
    if (!this.#isUsed(id)) return -ENOENT;
    this.mem.setU32(this.#bucket(id), 0);
    return 0;
  }
  override deleteElem(key: Uint8Array): number {
    return this.delete(this.place(key));
  }

  override takeElem(key: Uint8Array, flags: bigint): Uint8Array | number {
    const stack = this.readElem(key, flags);
    if (typeof stack !== 'number') this.deleteElem(key);
    return stack;
  }

  override nextKey(key: Uint8Array | null): Uint8Array | number {
    const current = key === null ? -1 : indexOf(key);
    let id = this.#isUsed(current) ? current + 1 : 0;
    while (id < this.#count && !this.#isUsed(id)) id++;
    if (id >= this.#count) return -ENOENT;
    return u32Bytes(id);
  }
}

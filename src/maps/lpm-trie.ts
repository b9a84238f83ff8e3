/**
 * BPF_MAP_TYPE_LPM_TRIE: longest prefix match. A key is a u32 prefix length in bits and that many bits of data, most
 * significant first, in key_size - 4 bytes; a lookup finds the longest stored prefix of its key.
 *
 * A binary trie without single-child chains: a node stands where an entry ends or where two entries part.
 *
 *     node   +0 child for a 0 bit   +4 child for a 1 bit   +8 key (prefix length and what the node is, data), padded to 8
 *            then the value, where it has room for one
 *
 * Compiled programs look up by themselves, and begin at the stem (lpm-stem.ts), which every change keeps up to date.
 *
 * Linux: kernel/bpf/lpm_trie.c.
 */
import { alignUp } from '../base/bytes.ts';
import { EINVAL, ENOENT, ENOMEM, ENOSPC } from '../base/errno.ts';
import {
  LPM_CHILDREN,
  LPM_HAS_ROOM,
  LPM_IS_ENTRY,
  LPM_KEY,
  LPM_LENGTH_MASK,
  LPM_PREFIX_SIZE,
  POOL_BOOKS,
} from '../base/map-storage.ts';
import type { Addr } from '../base/memory.ts';
import { BPF_EXIST, BPF_F_NO_PREALLOC } from '../uapi/generated/constants.ts';
import { BaseMap, orNull } from './base-map.ts';
import { ElementPool } from './element-pool.ts';
import { COMMON_FLAGS, checkExistence, flagsAllowed, low32, MAX_ELEMENT } from './flags.ts';
import { LpmStem } from './lpm-stem.ts';
import type { MapDef, MapEnv, MapType } from './map.ts';
import { copyValue, readValue, writeValue } from './values.ts';

const MAX_DATA = 256;
/** What Linux keeps in a node beside data and value. */
const NODE_OVERHEAD = 40;

export const lpmTrie: MapType = {
  check(def) {
    if (def.maxEntries === 0 || (def.flags & BPF_F_NO_PREALLOC) === 0) return -EINVAL;
    if (!flagsAllowed(def, COMMON_FLAGS | BPF_F_NO_PREALLOC)) return -EINVAL;
    const data = def.keySize - LPM_PREFIX_SIZE;
    if (data < 1 || data > MAX_DATA || def.valueSize === 0) return -EINVAL;
    return def.valueSize > MAX_ELEMENT - MAX_DATA - NODE_OVERHEAD ? -EINVAL : 0;
  },
  create: (def, env) => orNull(() => new LpmTrieMap(def, env)),
};

class LpmTrieMap extends BaseMap {
  readonly #entries: ElementPool;
  /** Nodes that only part others: without a value. */
  readonly #forks: ElementPool;
  readonly #maxBits: number;
  readonly #valueOffset: number;
  /** Address of the u32 that holds the root: links are addresses of such words. */
  readonly #root: Addr;
  readonly #stem: LpmStem;
  #count = 0;

  constructor(def: MapDef, env: MapEnv) {
    super(def, env);
    this.#maxBits = (def.keySize - LPM_PREFIX_SIZE) * 8;
    this.#valueOffset = LPM_KEY + alignUp(def.keySize, 8);
    this.#root = this.allocate(8);
    const stride = this.#valueOffset + alignUp(def.valueSize, 8);
    const pool = (books: Addr, bytes: number, most: number) =>
      new ElementPool(env.mem, books, (size) => this.tryAllocate(size), bytes, most);
    // An entry is replaced before the old one goes; one that two others need stays, without being an entry.
    this.#entries = pool(this.addr, stride, 2 * def.maxEntries + 1);
    this.#forks = pool(this.addr + POOL_BOOKS, this.#valueOffset, def.maxEntries);
    this.#stem = new LpmStem({
      mem: env.mem,
      map: this.addr,
      root: this.#root,
      valueOffset: this.#valueOffset,
      maxBits: this.#maxBits,
      allocate: (size) => this.tryAllocate(size),
      free: (block) => this.free(block),
    });
    this.setStorage(this.#root, stride);
  }

  override lookup(key: Addr): Addr {
    const bits = this.mem.u32(key);
    if (bits > this.#maxBits) return 0;
    let best = 0;
    let node = this.mem.u32(this.#root);
    while (node !== 0) {
      const length = this.#bits(node);
      if (length > bits || this.#commonBits(node, key, length) < length) break;
      if (this.#isEntry(node)) best = node + this.#valueOffset;
      if (length === this.#maxBits) break;
      node = this.mem.u32(this.#childLink(node, this.#bit(key, length)));
    }
    return best;
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const node = this.#entryToWrite(key, flags);
    if (node < 0) return node;
    copyValue(this.mem, this.def, node + this.#valueOffset, value);
    return 0;
  }

  override writeElem(key: Uint8Array, value: Uint8Array, flags: bigint): number {
    const node = this.#entryToWrite(this.place(key), low32(flags));
    if (node < 0) return node;
    writeValue(this.mem, this.def, node + this.#valueOffset, value);
    return 0;
  }

  /** The entry whose value an update is to write, made if need be; or -errno. */
  #entryToWrite(key: Addr, flags: number): Addr | number {
    if (flags >>> 0 > BPF_EXIST || this.mem.u32(key) > this.#maxBits) return -EINVAL;
    const link = this.#linkFor(key);
    const at = this.mem.u32(link);
    const exists = at !== 0 && this.#isEntry(at) && this.#isAt(at, key);
    const conflict = checkExistence(exists, flags);
    if (conflict !== 0) return conflict;
    if (!exists && this.#count === this.def.maxEntries) return -ENOSPC;
    const entry = this.#putEntry(link, at, key);
    if (entry > 0) this.#stem.changed(key, this.#count);
    return entry;
  }

  /** The link to the node at which the walk along `key` ends: equal to it, past it, or parting from it; or none. */
  #linkFor(key: Addr): Addr {
    const bits = this.mem.u32(key);
    let link = this.#root;
    for (;;) {
      const node = this.mem.u32(link);
      if (node === 0) return link;
      const length = this.#bits(node);
      if (length >= bits || this.#commonBits(node, key, length) < length) return link;
      link = this.#childLink(node, this.#bit(key, length));
    }
  }

  /** Puts an entry for `key` where `link` points to `at`. The node of an old entry is replaced, not written to. */
  #putEntry(link: Addr, at: Addr, key: Addr): Addr | number {
    const { mem } = this;
    const bits = mem.u32(key);
    const entry = this.#newNode(this.#entries, key, bits | LPM_IS_ENTRY | LPM_HAS_ROOM);
    if (entry === 0) return -ENOMEM;
    const isSame = at !== 0 && this.#isAt(at, key);
    if (!isSame || !this.#isEntry(at)) this.#count++;
    if (at === 0) {
      mem.setU32(link, entry);
      return entry;
    }
    if (isSame) {
      mem.copy(entry, at, 2 * 4);
      mem.setU32(link, entry);
      this.#give(at);
      return entry;
    }
    const common = this.#commonBits(at, key, Math.min(bits, this.#bits(at)));
    const top = common === bits ? entry : this.#newNode(this.#forks, key, common);
    if (top === 0) {
      this.#give(entry);
      this.#count--;
      return -ENOMEM;
    }
    if (top !== entry) mem.setU32(this.#childLink(top, this.#bit(key, common)), entry);
    mem.setU32(this.#childLink(top, this.#bit(at + LPM_KEY, common)), at);
    mem.setU32(link, top);
    return entry;
  }

  override delete(key: Addr): number {
    const { mem } = this;
    if (mem.u32(key) > this.#maxBits) return -EINVAL;
    const bits = mem.u32(key);
    let parentLink = 0;
    let link = this.#root;
    let node = mem.u32(link);
    while (
      node !== 0 &&
      this.#bits(node) < bits &&
      this.#commonBits(node, key, this.#bits(node)) === this.#bits(node)
    ) {
      parentLink = link;
      link = this.#childLink(node, this.#bit(key, this.#bits(node)));
      node = mem.u32(link);
    }
    if (node === 0 || !this.#isEntry(node) || !this.#isAt(node, key)) return -ENOENT;
    this.#count--;
    this.#unlink(node, link, parentLink);
    this.#stem.changed(key, this.#count);
    return 0;
  }

  /** Takes an entry out, and with it the fork above it that has nothing left to part. */
  #unlink(node: Addr, link: Addr, parentLink: Addr): void {
    const { mem } = this;
    const left = mem.u32(node);
    const right = mem.u32(node + 4);
    if (left !== 0 && right !== 0) {
      mem.setU32(node + LPM_KEY, this.#bits(node) | LPM_HAS_ROOM);
      return;
    }
    mem.setU32(link, left === 0 ? right : left);
    this.#give(node);
    if (mem.u32(link) !== 0 || parentLink === 0) return;
    const parent = mem.u32(parentLink);
    if (this.#isEntry(parent)) return;
    const sibling = link === parent ? mem.u32(parent + 4) : mem.u32(parent);
    mem.setU32(parentLink, sibling);
    this.#give(parent);
  }

  override readElem(key: Uint8Array, _flags: bigint): Uint8Array | number {
    const value = this.lookup(this.place(key));
    return value === 0 ? -ENOENT : readValue(this.mem, this.def, value);
  }

  override deleteElem(key: Uint8Array): number {
    return this.delete(this.place(key));
  }

  /** Longer prefixes come before the shorter ones that contain them: children first, the 0 side before the 1 side. */
  override nextKey(key: Uint8Array | null): Uint8Array | number {
    const path = key === null ? null : this.#pathTo(this.place(key));
    const next = path === null ? this.#firstBelow(this.mem.u32(this.#root)) : this.#after(path);
    if (next === 0) return -ENOENT;
    const found = this.mem.read(next + LPM_KEY, this.def.keySize);
    new DataView(found.buffer).setUint32(0, this.#bits(next), true);
    return found;
  }

  /** The nodes from the root to the entry of `key`, or null where there is none. */
  #pathTo(key: Addr): Addr[] | null {
    const bits = this.mem.u32(key);
    const path: Addr[] = [];
    let node = this.mem.u32(this.#root);
    while (node !== 0) {
      path.push(node);
      const length = this.#bits(node);
      if (length >= bits) return this.#isEntry(node) && this.#isAt(node, key) ? path : null;
      if (this.#commonBits(node, key, length) < length) return null;
      node = this.mem.u32(this.#childLink(node, this.#bit(key, length)));
    }
    return null;
  }

  /** The entry that follows the last node of `path`, or 0. */
  #after(path: Addr[]): Addr {
    let node = path.pop() ?? 0;
    for (let parent = path.pop(); parent !== undefined; parent = path.pop()) {
      const right = this.mem.u32(parent + 4);
      if (right !== 0 && right !== node) return this.#firstBelow(right);
      if (this.#isEntry(parent)) return parent;
      node = parent;
    }
    return 0;
  }

  /** The first entry of a subtree: a node without children is one. */
  #firstBelow(node: Addr): Addr {
    let at = node;
    while (at !== 0) {
      const child = this.mem.u32(at) || this.mem.u32(at + 4);
      if (child === 0) return at;
      at = child;
    }
    return 0;
  }

  /** A node for the first bits of `key`, `head` saying how many and what it is; or 0 where memory is out. */
  #newNode(pool: ElementPool, key: Addr, head: number): Addr {
    const node = pool.take();
    if (node === 0) return 0;
    this.mem.setLoHi(node, 0, 0);
    this.mem.copy(node + LPM_KEY, key, this.def.keySize);
    this.mem.setU32(node + LPM_KEY, head);
    return node;
  }

  #give(node: Addr): void {
    const hasRoom = (this.mem.u32(node + LPM_KEY) & LPM_HAS_ROOM) !== 0;
    (hasRoom ? this.#entries : this.#forks).give(node);
  }

  #bits(node: Addr): number {
    return this.mem.u32(node + LPM_KEY) & LPM_LENGTH_MASK;
  }
  #isEntry(node: Addr): boolean {
    return (this.mem.u32(node + LPM_KEY) & LPM_IS_ENTRY) !== 0;
  }
  #childLink(node: Addr, bit: number): Addr {
    return node + LPM_CHILDREN + bit * 4;
  }

  /** Whether `node` stands for exactly the prefix of `key`. */
  #isAt(node: Addr, key: Addr): boolean {
    const bits = this.mem.u32(key);
    return this.#bits(node) === bits && this.#commonBits(node, key, bits) === bits;
  }

  #bit(key: Addr, nth: number): number {
    return (this.mem.u8(key + LPM_PREFIX_SIZE + (nth >>> 3)) >>> (7 - (nth & 7))) & 1;
  }

  /** How many of the first `limit` bits `node` and `key` share. */
  #commonBits(node: Addr, key: Addr, limit: number): number {
    const a = node + LPM_KEY + LPM_PREFIX_SIZE;
    const b = key + LPM_PREFIX_SIZE;
    for (let at = 0; at * 8 < limit; at++) {
      const difference = this.mem.u8(a + at) ^ this.mem.u8(b + at);
      if (difference !== 0) return Math.min(limit, at * 8 + Math.clz32(difference) - 24);
    }
    return limit;
  }
}

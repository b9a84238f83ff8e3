/** What maps take: the `memlock` of both kernels for the same definition and the same entries. */
import { alignUp } from '../../src/base/bytes.ts';
import type { Bpf, Fd } from '../../src/sys/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';

export interface Holding {
  readonly name: string;
  readonly map_type: number;
  readonly key_size: number;
  readonly value_size: number;
  readonly max_entries: number;
  readonly map_flags?: number;
  /** Entries that are put in; 0 where they are all there from the start. */
  readonly filled: number;
}

const SIZES = [100, 10_000, 200_000];
const AT_ONCE = 10_000;

const KINDS: readonly (Omit<Holding, 'max_entries' | 'filled'> & { readonly fills?: true })[] = [
  { name: 'array', map_type: abi.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 8 },
  { name: 'per-CPU array', map_type: abi.BPF_MAP_TYPE_PERCPU_ARRAY, key_size: 4, value_size: 8 },
  { name: 'hash', map_type: abi.BPF_MAP_TYPE_HASH, key_size: 4, value_size: 8 },
  { name: 'hash, 16 and 64 bytes', map_type: abi.BPF_MAP_TYPE_HASH, key_size: 16, value_size: 64 },
  {
    name: 'hash, no preallocation',
    map_type: abi.BPF_MAP_TYPE_HASH,
    key_size: 4,
    value_size: 8,
    map_flags: abi.BPF_F_NO_PREALLOC,
    fills: true,
  },
  { name: 'LRU hash', map_type: abi.BPF_MAP_TYPE_LRU_HASH, key_size: 4, value_size: 8 },
  { name: 'per-CPU hash', map_type: abi.BPF_MAP_TYPE_PERCPU_HASH, key_size: 4, value_size: 8 },
  {
    name: 'LPM trie',
    map_type: abi.BPF_MAP_TYPE_LPM_TRIE,
    key_size: 8,
    value_size: 8,
    map_flags: abi.BPF_F_NO_PREALLOC,
    fills: true,
  },
  { name: 'queue', map_type: abi.BPF_MAP_TYPE_QUEUE, key_size: 0, value_size: 8 },
];

export const HOLDINGS: readonly Holding[] = KINDS.flatMap(({ fills, ...kind }) =>
  SIZES.map((entries) => ({ ...kind, max_entries: entries, filled: fills ? entries : 0 })),
);

/** Bytes that a kernel charges for it. */
export async function charged(bpf: Bpf, { name: _, filled, ...def }: Holding): Promise<number> {
  const fd = await bpf.mapCreate(def);
  try {
    await fill(bpf, fd, def, filled);
    return Number((await bpf.kernel.fdInfo(fd))['memlock']);
  } finally {
    await bpf.close(fd);
  }
}

/** Keys end in the number of the entry, spread over 32 bits; a trie's begin with how many bits they have. */
async function fill(
  bpf: Bpf,
  fd: Fd,
  def: { map_type: number; key_size: number; value_size: number },
  entries: number,
): Promise<void> {
  const isTrie = def.map_type === abi.BPF_MAP_TYPE_LPM_TRIE;
  const words = def.key_size / 4;
  for (let first = 0; first < entries; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, entries - first);
    const keys = new Uint32Array(count * words);
    for (let i = 0; i < count; i++) {
      if (isTrie) keys[i * words] = (words - 1) * 32;
      keys[(i + 1) * words - 1] = Math.imul(first + i, 0x9e3779b1);
    }
    const values = new Uint8Array(count * alignUp(def.value_size, 8));
    await bpf.mapUpdateBatch(fd, new Uint8Array(keys.buffer), values, count);
  }
}

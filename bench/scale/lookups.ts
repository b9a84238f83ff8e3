/** Maps of any number of entries, and programs that look up in them all over the place. */
import { assemble, BPF_PSEUDO_MAP_FD, encode, LD_IMM64 } from '../../src/isa/index.ts';
import type { Bpf, Fd } from '../../src/sys/index.ts';
import {
  BPF_F_NO_PREALLOC,
  BPF_MAP_TYPE_ARRAY,
  BPF_MAP_TYPE_HASH,
  BPF_MAP_TYPE_LPM_TRIE,
  BPF_PROG_TYPE_SOCKET_FILTER,
} from '../../src/uapi/generated/constants.ts';

/** A kind of map whose entries have numbers. */
export interface Subject {
  readonly name: string;
  readonly def: { readonly map_type: number; readonly key_size: number; readonly map_flags: number };
  /** Words of the key of entry `n`. */
  readonly key: (n: number) => readonly number[];
  /** The same in assembly: puts the key of entry w1 at r2. */
  readonly text: string;
}

/** Makes numbers that follow one another differ in all their bits. */
const SPREAD = 0x9e3779b1;

export const HASH: Subject = {
  name: 'hash',
  def: { map_type: BPF_MAP_TYPE_HASH, key_size: 4, map_flags: 0 },
  key: (n) => [n],
  text: '*(u32 *)(r10 -8) = r1\nr2 = r10\nr2 += -8',
};

/** Nothing is searched for here: what this costs more with more entries is the machine's memory alone. */
export const ARRAY: Subject = {
  name: 'array',
  def: { map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, map_flags: 0 },
  key: HASH.key,
  text: HASH.text,
};

/** Whole addresses, all over the range: as deep as a trie of so many entries gets. */
export const TRIE: Subject = {
  name: 'trie',
  def: { map_type: BPF_MAP_TYPE_LPM_TRIE, key_size: 8, map_flags: BPF_F_NO_PREALLOC },
  key: (n) => [32, Math.imul(n, SPREAD) >>> 0],
  text: `w1 *= ${SPREAD | 0}\n*(u32 *)(r10 -12) = r1\nr1 = 32\n*(u32 *)(r10 -16) = r1\nr2 = r10\nr2 += -16`,
};

/** Lookups that one run makes. */
const LOOKUPS = 64;
export const VALUE_SIZE = 8;
/** Entries that one call puts in. */
const AT_ONCE = 10_000;
/** Until the code is as fast as it gets. */
const WARM_UP_MS = 200;
const BATCHES = 15;
const BATCH_NS = 4_000_000;

/** A map with the entries 0 to `entries` - 1. */
export async function filledMap(bpf: Bpf, { def, key }: Subject, entries: number): Promise<Fd> {
  const fd = await bpf.mapCreate({ ...def, value_size: VALUE_SIZE, max_entries: entries });
  for (let first = 0; first < entries; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, entries - first);
    const keys = Array.from({ length: count }, (_, i) => key(first + i)).flat();
    await bpf.mapUpdateBatch(fd, bytesOf(keys), new Uint8Array(count * VALUE_SIZE).fill(1), count);
  }
  return fd;
}

/** Nanoseconds of one lookup of an entry chosen by chance, the choice included. The least of many batches. */
export async function lookupNs(bpf: Bpf, subject: Subject, map: Fd, entries: number): Promise<number> {
  const state = await bpf.mapCreate({ map_type: BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 4, max_entries: 1 });
  const { fd } = await bpf.progLoad({
    prog_type: BPF_PROG_TYPE_SOCKET_FILTER,
    insns: lookups(subject, state, map, entries),
    license: 'GPL',
  });
  const run = async (repeat: number): Promise<number> => {
    const { duration } = await bpf.call('PROG_TEST_RUN', { prog_fd: fd, data_in: new Uint8Array(64), repeat });
    return Math.max(1, duration);
  };
  for (const end = performance.now() + WARM_UP_MS; performance.now() < end; ) await run(2000);
  const repeat = Math.ceil(BATCH_NS / (await run(2000)));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < BATCHES; i++) best = Math.min(best, await run(repeat));
  await bpf.close(fd);
  await bpf.close(state);
  return best / LOOKUPS;
}

/** A program that goes on choosing numbers where its last run stopped. */
function lookups({ text }: Subject, state: Fd, map: Fd, entries: number): Uint8Array {
  const insns = assemble(`
    r1 = 0
    *(u32 *)(r10 -4) = r1
    r2 = r10
    r2 += -4
    r1 = 0 ll
    call map_lookup_elem
    if r0 == 0 goto out
    r6 = r0
    r7 = *(u32 *)(r6 +0)
    r8 = 0
    r9 = 0
  again:
    w7 *= 1664525
    w7 += 1013904223
    w1 = w7
    w1 >>= 8
    w1 %= ${entries}
    ${text}
    r1 = 0 ll
    call map_lookup_elem
    if r0 == 0 goto next
    r1 = *(u64 *)(r0 +0)
    r9 += r1
  next:
    r8 += 1
    if r8 != ${LOOKUPS} goto again
    *(u32 *)(r6 +0) = r7
  out:
    r0 = 0
    exit`);
  const first = insns.code.indexOf(LD_IMM64);
  for (const [at, fd] of [
    [first, state],
    [insns.code.indexOf(LD_IMM64, first + 2), map],
  ] as const) {
    insns.src[at] = BPF_PSEUDO_MAP_FD;
    insns.imm[at] = fd;
  }
  return encode(insns);
}

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}

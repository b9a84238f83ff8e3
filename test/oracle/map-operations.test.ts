/**
 * The same operations on a map of this machine's kernel and on one of ours: the same answers, values and errors.
 *
 * The order of a walk over a hash is each kernel's own, so walks are compared as sets there; which key an LRU map gives
 * up is nobody's promise, so those are filled no further than they fit.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { errnoName } from '../../src/base/errno.ts';
import { createMap, type KernelMap, type MapDef } from '../../src/maps/index.ts';
import * as abi from '../../src/uapi/generated/constants.ts';
import { MachineBpf } from '../support/machine-bpf.ts';
import { mapDef, TestMapEnv } from '../support/map-env.ts';

const machine = await MachineBpf.open();
const reason = typeof machine === 'string' ? machine : '';
afterAll(() => {
  if (typeof machine !== 'string') machine.close();
});

type What = 'update' | 'lookup' | 'delete' | 'take' | 'next' | 'first';
interface Operation {
  what: What;
  key: Uint8Array;
  value: number;
  flags: bigint;
}
interface Subject {
  def: MapDef;
  keys: fc.Arbitrary<Uint8Array>;
  /** The order of walks is Linux's too. */
  ordered: boolean;
}

const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const small = (size: number, last: number) => fc.nat(last).map((n) => new Uint8Array(size).fill(n));
const index = fc.oneof(fc.nat(9).map(u32), fc.constant(u32(0xffffffff)));
const prefix = fc
  .tuple(fc.nat(26), fc.array(fc.constantFrom(0, 1, 128, 192, 255), { minLength: 3, maxLength: 3 }))
  .map(([bits, data]) => Uint8Array.from([...u32(bits), ...data]));
const none = fc.constant(new Uint8Array());

const SUBJECTS: Record<string, Subject> = {
  hash: { def: mapDef(abi.BPF_MAP_TYPE_HASH, 6, 10, 7), keys: small(6, 10), ordered: false },
  'hash without preallocation': {
    def: mapDef(abi.BPF_MAP_TYPE_HASH, 6, 10, 7, { flags: abi.BPF_F_NO_PREALLOC }),
    keys: small(6, 10),
    ordered: false,
  },
  'hash of one': { def: mapDef(abi.BPF_MAP_TYPE_HASH, 3, 1, 1), keys: small(3, 2), ordered: false },
  percpu_hash: { def: mapDef(abi.BPF_MAP_TYPE_PERCPU_HASH, 6, 10, 7), keys: small(6, 10), ordered: false },
  lru_hash: { def: mapDef(abi.BPF_MAP_TYPE_LRU_HASH, 6, 10, 1000), keys: small(6, 10), ordered: false },
  lru_percpu_hash: { def: mapDef(abi.BPF_MAP_TYPE_LRU_PERCPU_HASH, 6, 10, 1000), keys: small(6, 10), ordered: false },
  array: { def: mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 10, 7), keys: index, ordered: true },
  percpu_array: { def: mapDef(abi.BPF_MAP_TYPE_PERCPU_ARRAY, 4, 10, 7), keys: index, ordered: true },
  lpm_trie: {
    def: mapDef(abi.BPF_MAP_TYPE_LPM_TRIE, 7, 10, 9, { flags: abi.BPF_F_NO_PREALLOC }),
    keys: prefix,
    ordered: true,
  },
  queue: { def: mapDef(abi.BPF_MAP_TYPE_QUEUE, 0, 10, 3), keys: none, ordered: true },
  stack: { def: mapDef(abi.BPF_MAP_TYPE_STACK, 0, 10, 3), keys: none, ordered: true },
  prog_array: { def: mapDef(abi.BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5), keys: index, ordered: true },
  perf_event_array: { def: mapDef(abi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 5), keys: index, ordered: true },
  cgroup_array: { def: mapDef(abi.BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 5), keys: index, ordered: true },
  stack_trace: { def: mapDef(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 16, 5), keys: index, ordered: true },
  ringbuf: { def: mapDef(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096), keys: none, ordered: true },
};

function operations(keys: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Operation[]> {
  const what = fc.constantFrom<What>('update', 'update', 'update', 'lookup', 'delete', 'take', 'next', 'first');
  const flags = fc.constantFrom(0n, 0n, 0n, 1n, 2n, 3n, 8n, 1n << 40n);
  return fc.array(fc.record({ what, key: keys, value: fc.nat(255), flags }), { maxLength: 150, size: 'max' });
}

/** A value of user space, a different byte in each place. */
function bytes(n: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => n + i);
}

/** An answer as text: the bytes that were read, or the name of the error. */
function told(answer: Uint8Array | number): string {
  if (typeof answer === 'number') return answer === 0 ? 'ok' : errnoName(answer);
  return toHex(answer);
}

/** What the system call does before it asks the map; the kernel layer has this, not the map. */
const LOOKUP_FLAGS = 0n;

describe.skipIf(reason !== '')(`map operations as on this machine${reason && `: ${reason}`}`, () => {
  test.each(Object.entries(SUBJECTS))('%s answers the same to random operations', (_name, { def, keys, ordered }) => {
    if (typeof machine === 'string') return;
    fc.assert(
      fc.property(operations(keys), (ops) => {
        const fd = machine.create(def);
        const map = createMap(def, new TestMapEnv(1 << 20)) as KernelMap;
        const size = map.userValueSize;
        const theirs: string[] = [];
        const ours: string[] = [];
        for (const { what, key, value, flags } of ops) {
          const about = `${what} ${toHex(key)}: `;
          const [them, us] = ask(fd, map, what, key, bytes(value, size), flags);
          theirs.push(about + told(them));
          ours.push(about + told(us));
        }
        const walks = [walk((key) => machine.nextKey(fd, key, def.keySize)), walk((key) => map.nextKey(key))];
        machine.closeFd(fd);
        expect(ours).toEqual(theirs);
        if (!ordered) for (const keys of walks) keys.sort();
        expect(walks[1]).toEqual(walks[0]);
      }),
      { numRuns: 100, seed: 42 },
    );

    function ask(fd: number, map: KernelMap, what: What, key: Uint8Array, value: Uint8Array, flags: bigint) {
      if (typeof machine === 'string') throw new Error(machine);
      const size = map.userValueSize;
      switch (what) {
        case 'update':
          return [machine.update(fd, key, value, flags), map.writeElem(key, value, flags)] as const;
        case 'lookup':
          return [machine.lookup(fd, key, size, LOOKUP_FLAGS), map.readElem(key, LOOKUP_FLAGS)] as const;
        case 'delete':
          return [machine.delete(fd, key), map.deleteElem(key)] as const;
        case 'take':
          return [machine.lookupAndDelete(fd, key, size), map.takeElem(key, LOOKUP_FLAGS)] as const;
        case 'first':
          // where a hash begins is its own affair: whether it has a beginning is not
          return ordered || typeof map.nextKey(null) === 'number'
            ? ([machine.nextKey(fd, null, def.keySize), map.nextKey(null)] as const)
            : ([0, 0] as const);
        case 'next':
          return ordered ? ([machine.nextKey(fd, key, def.keySize), map.nextKey(key)] as const) : ([0, 0] as const);
      }
    }
  });
});

/** Every key of a walk, or the error it ended with. */
function walk(next: (key: Uint8Array | null) => Uint8Array | number): string[] {
  const seen: string[] = [];
  let at = next(null);
  while (typeof at !== 'number' && seen.length < 100) {
    seen.push(toHex(at));
    at = next(at);
  }
  return [...seen, told(typeof at === 'number' ? at : 0)];
}

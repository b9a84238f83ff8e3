import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Addr } from '../../base/memory.ts';
import { LinearMemory } from '../../vm/index.ts';
import { endOf, pop, push } from './list.ts';
import { type ObjectLayout, ObjectStore } from './store.ts';
import { first, insert, leftOf, remove, rightOf } from './tree.ts';

/** struct node { u64 key; struct bpf_list_node l; struct bpf_rb_node r; struct bpf_refcount ref; void __kptr *p; list head h } */
const LIST_NODE = 8;
const TREE_NODE = 32;
const REFCOUNT = 64;
const POINTER = 72;
const HEAD = 80;
const LAYOUT: ObjectLayout = {
  size: 96,
  fields: [
    { kind: 'bpf_list_node', offset: LIST_NODE, size: 24 },
    { kind: 'bpf_rb_node', offset: TREE_NODE, size: 32 },
    { kind: 'bpf_refcount', offset: REFCOUNT, size: 4 },
    { kind: 'kptr', offset: POINTER, size: 8 },
    { kind: 'bpf_list_head', offset: HEAD, size: 16 },
  ],
};

let mem: LinearMemory;
let store: ObjectStore;
let others: Addr[];
beforeEach(() => {
  mem = new LinearMemory();
  others = [];
  store = new ObjectStore(mem, 2, (addr) => others.push(addr));
});

/** The heights of black nodes below `node`, which must be one and the same; the keys in order go to `keys`. */
function blackHeight(root: Addr, node: Addr, keys: number[], redAbove = false): number {
  if (node === 0) return 1;
  const red = mem.u32(node + 12) === 1;
  expect(red && redAbove).toBe(false);
  const left = blackHeight(root, leftOf(mem, root, node), keys, red);
  keys.push(mem.u32(node - TREE_NODE));
  const right = blackHeight(root, rightOf(mem, root, node), keys, red);
  expect(left).toBe(right);
  return left + (red ? 0 : 1);
}

describe('a tree', () => {
  it('is ordered and balanced whatever goes in and out', () => {
    const less = (a: Addr, b: Addr) => mem.u32(a - TREE_NODE) < mem.u32(b - TREE_NODE);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(40)), { maxLength: 120 }), (steps) => {
        const root = mem.alloc(16);
        const nodes = new Map<number, Addr>();
        for (const [takesOut, key] of steps) {
          const known = nodes.get(key);
          if (takesOut && known !== undefined) {
            expect(remove(mem, root, known)).toBe(true);
            expect(remove(mem, root, known)).toBe(false);
            nodes.delete(key);
          } else if (known === undefined) {
            const object = store.create(LAYOUT);
            mem.setU32(object, key);
            insert(mem, root, object + TREE_NODE, less);
            nodes.set(key, object + TREE_NODE);
          }
          const keys: number[] = [];
          const top = mem.u32(root);
          expect(top !== 0 && mem.u32(top + 12) === 1).toBe(false);
          blackHeight(root, top, keys);
          const wanted = [...nodes.keys()].sort((a, b) => a - b);
          expect(keys).toEqual(wanted);
          expect(first(mem, root)).toBe(wanted.length === 0 ? 0 : nodes.get(wanted[0]!));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a list', () => {
  it('is what an array would be, from both ends', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean()), { maxLength: 60 }), (steps) => {
        const head = mem.alloc(16);
        const list: Addr[] = [];
        for (const [adds, front] of steps) {
          if (adds) {
            const node = store.create(LAYOUT) + LIST_NODE;
            expect(push(mem, head, node, front)).toBe(true);
            expect(push(mem, head, node, front)).toBe(false);
            if (front) list.unshift(node);
            else list.push(node);
          } else expect(pop(mem, head, front)).toBe((front ? list.shift() : list.pop()) ?? 0);
          expect(endOf(mem, head, true)).toBe(list[0] ?? 0);
          expect(endOf(mem, head, false)).toBe(list.at(-1) ?? 0);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('an object', () => {
  it('goes with its last reference, and what it holds goes with it', () => {
    const object = store.create(LAYOUT);
    expect(store.acquire(object)).toBe(object);
    const held = store.create(LAYOUT);
    mem.setU32(object + POINTER, held);
    push(mem, object + HEAD, store.create(LAYOUT) + LIST_NODE, true);
    store.drop(object);
    expect(store.size).toBe(3);
    store.drop(object);
    expect(store.size).toBe(0);
    expect(store.acquire(object)).toBe(0);
    const before = mem.used;
    store.reclaim();
    expect(mem.used).toBeLessThan(before);
  });

  it('of a chain a hundred thousand long takes all of it along', () => {
    let chain = 0;
    for (let i = 0; i < 100_000; i++) {
      const object = store.create(LAYOUT);
      mem.setU32(object + POINTER, chain);
      chain = object;
    }
    store.drop(chain);
    store.reclaim();
    expect(store.size).toBe(0);
  });

  it('that a field of a value holds goes when the field is cleared', () => {
    const value = mem.alloc(8);
    mem.setU32(value, store.create(LAYOUT));
    store.clear({ kind: 'kptr', offset: 0, size: 8 }, value);
    expect(store.size).toBe(0);
    expect(mem.u32(value)).toBe(0);
  });

  it('that is none of a program gives a reference back to whose it is', () => {
    store.drop(0x12345);
    expect(others).toEqual([0x12345]);
  });

  it('is not there where memory is out', () => {
    const small = new ObjectStore(new LinearMemory({ limit: 1000 }), 2, () => {});
    const made = Array.from({ length: 20 }, () => small.create(LAYOUT));
    expect(made.at(-1)).toBe(0);
    expect(made[0]).not.toBe(0);
  });

  it('with a copy for each CPU has as many', () => {
    const object = store.createPercpu({ size: 12, fields: [] });
    expect([store.percpu(object, 0), store.percpu(object, 1), store.percpu(object, 2)]).toEqual([
      object,
      object + 16,
      0,
    ]);
  });
});

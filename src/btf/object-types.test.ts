import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EINVAL, ELOOP } from '../base/errno.ts';
import { BtfBuilder } from './build.ts';
import { kernelFields, MAP_FIELDS } from './kernel-fields.ts';
import { objectFields, objectTypesError } from './object-types.ts';
import { parseBtf } from './read.ts';

/** A builder, and the types of which the kernel knows the names. */
function known() {
  const b = new BtfBuilder();
  const word = b.int('unsigned long', 8);
  const half = b.int('unsigned int', 4);
  const words = (count: number) => b.array(word, count, half);
  const types = {
    bpf_spin_lock: b.struct('bpf_spin_lock', 4, [['val', half, 0]]),
    bpf_list_head: b.struct('bpf_list_head', 16, [['opaque', words(2), 0]]),
    bpf_list_node: b.struct('bpf_list_node', 24, [['opaque', words(3), 0]]),
    bpf_rb_node: b.struct('bpf_rb_node', 32, [['opaque', words(4), 0]]),
    bpf_refcount: b.struct('bpf_refcount', 4, [['opaque', half, 0]]),
  };
  return { b, half, ...types };
}

const built = (b: BtfBuilder) => parseBtf(b.build());

describe('structures with parts of the kernel', () => {
  it('are found with what is where', () => {
    const { b, bpf_spin_lock, bpf_list_head, bpf_list_node } = known();
    const item = b.struct('item', 24, [['link', bpf_list_node, 0]]);
    const queue = b.struct('queue', 24, [
      ['lock', bpf_spin_lock, 0],
      ['head', bpf_list_head, 8],
    ]);
    b.add({ kind: 'decl_tag', name: 'contains:item:link', type: queue, component: 1, kindFlag: false });
    const btf = built(b);
    expect(objectTypesError(btf)).toBe(0);
    expect(objectFields(btf, queue)).toEqual([
      { kind: 'bpf_spin_lock', offset: 0, size: 4 },
      { kind: 'bpf_list_head', offset: 8, size: 16, root: { typeId: item, nodeOffset: 0 } },
    ]);
    // Only objects have nodes: in a map's value they are bytes like any other.
    expect(objectFields(btf, item)).toEqual([{ kind: 'bpf_list_node', offset: 0, size: 24 }]);
    expect(kernelFields(btf, item, MAP_FIELDS)).toEqual([]);
  });

  it('are refused where an object would be in a list and in a tree, and counts no references', () => {
    const { b, bpf_list_node, bpf_rb_node, bpf_refcount } = known();
    const both = [
      ['l', bpf_list_node, 0],
      ['r', bpf_rb_node, 24],
    ] as const;
    b.struct('counted', 64, [...both, ['c', bpf_refcount, 56]]);
    expect(objectTypesError(built(b))).toBe(0);
    b.struct('both', 56, both);
    expect(objectTypesError(built(b))).toBe(EINVAL);
  });

  it('are refused where a list holds what holds its like', () => {
    const { b, bpf_spin_lock, bpf_list_head, bpf_list_node } = known();
    const self = b.struct('self', 48, [
      ['lock', bpf_spin_lock, 0],
      ['head', bpf_list_head, 8],
      ['link', bpf_list_node, 24],
    ]);
    b.add({ kind: 'decl_tag', name: 'contains:self:link', type: self, component: 1, kindFlag: false });
    expect(objectTypesError(built(b))).toBe(ELOOP);
  });

  it('are looked through once each, however often they lie in one another', () => {
    const { b, bpf_list_node } = known();
    let id = b.struct('', 0, []);
    for (let depth = 0; depth < 30; depth++) {
      const inner = id;
      id = b.struct(
        '',
        0,
        Array.from({ length: 50 }, (_, k) => [`m${k}`, inner, 0] as const),
      );
    }
    const deep = b.struct('deep', 24, [
      ['node', bpf_list_node, 0],
      ['rest', id, 24],
    ]);
    expect(objectFields(built(b), deep)).toHaveLength(1);
  });

  it('give fields that lie apart and inside, or an errno, whatever they are made of', () => {
    const member = fc.record({ type: fc.nat(40), offset: fc.nat(80), array: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(fc.array(member, { maxLength: 6 }), { maxLength: 8 }), (structs) => {
        const { b, half } = known();
        for (const members of structs) {
          const place = members.map(({ type, offset, array }, k) => {
            const id = 1 + (type % (b.nextId - 1));
            return [`m${k}`, array === 0 ? id : b.array(id, array, half), offset] as const;
          });
          b.struct('s', 128, place);
        }
        const btf = built(b);
        expect(objectTypesError(btf)).toBeGreaterThanOrEqual(0);
        for (let id = 1; id < btf.count; id++) {
          const fields = kernelFields(btf, id, MAP_FIELDS);
          if (typeof fields === 'number') continue;
          const ends = fields.map(({ offset, size }) => offset + size);
          expect(fields.every(({ offset }, k) => offset >= (ends[k - 1] ?? 0))).toBe(true);
        }
      }),
    );
  });
});

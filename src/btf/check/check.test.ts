/** Verdict, errno and last log line of each case are those of BPF_BTF_LOAD on Linux 6.18. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfError } from '../../base/errors.ts';
import { BtfBuilder } from '../build.ts';
import { parseBtf } from '../read.ts';
import { checkBtf, inspectBtf } from './check.ts';

const CASES: readonly (readonly [what: string, errno: number, line: string, make: (b: BtfBuilder) => void])[] = [
  [
    'one int',
    0,
    '',
    (b) => {
      b.int('int', 4);
    },
  ],
  [
    'an int wider than its size',
    22,
    '[1] INT int size=4 bits_offset=0 nr_bits=33 encoding=(none) nr_bits exceeds type_size',
    (b) => {
      b.add({ kind: 'int', name: 'int', size: 4, bits: 33, bitOffset: 0, signed: false, char: false, bool: false });
    },
  ],
  [
    'an int that is signed and a char',
    524,
    '[1] INT int size=4 bits_offset=0 nr_bits=32 encoding=UNKN Unsupported encoding',
    (b) => {
      b.add({ kind: 'int', name: 'int', size: 4, bits: 32, bitOffset: 0, signed: true, char: true, bool: false });
    },
  ],
  [
    'an int of 200 bits',
    22,
    '[1] INT int size=4 bits_offset=0 nr_bits=200 encoding=SIGNED nr_bits exceeds 128',
    (b) => {
      b.add({ kind: 'int', name: 'int', size: 4, bits: 200, bitOffset: 0, signed: true, char: false, bool: false });
    },
  ],
  [
    'a member past the end of its struct',
    22,
    '\tb type_id=1 bits_offset=32 Member exceeds struct_size',
    (b) => {
      b.int('int', 4);
      b.struct('s', 4, [
        ['a', 1, 0],
        ['b', 1, 4],
      ]);
    },
  ],
  [
    'members out of order',
    22,
    '\tb type_id=1 bits_offset=0 Invalid member bits_offset',
    (b) => {
      b.int('int', 4);
      b.struct('s', 8, [
        ['a', 1, 4],
        ['b', 1, 0],
      ]);
    },
  ],
  [
    'a member of type void',
    22,
    '\ta type_id=0 bits_offset=32 Invalid type_id',
    (b) => {
      b.int('int', 4);
      b.struct('s', 8, [['a', 0, 4]]);
    },
  ],
  [
    'a member that is a function',
    22,
    '\ta type_id=2 bits_offset=0 Invalid member',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [] });
      b.struct('s', 8, [['a', 2, 0]]);
    },
  ],
  [
    'a struct whose name is no identifier',
    22,
    '[2] STRUCT s-x size=8 vlen=1 Invalid name',
    (b) => {
      b.int('int', 4);
      b.struct('s-x', 8, [['a', 1, 0]]);
    },
  ],
  [
    'a member whose name is no identifier',
    22,
    '\ta-b type_id=1 bits_offset=0 Invalid name',
    (b) => {
      b.int('int', 4);
      b.struct('s', 8, [['a-b', 1, 0]]);
    },
  ],
  [
    'a struct that contains itself',
    17,
    '[1] STRUCT s size=8 vlen=1 Loop detected',
    (b) => {
      b.struct('s', 8, [['a', 1, 0]]);
    },
  ],
  [
    'a typedef of itself',
    17,
    '[1] TYPEDEF t type_id=1 Loop detected',
    (b) => {
      b.typedef('t', 1);
    },
  ],
  [
    'a typedef without a name',
    22,
    '[2] TYPEDEF (anon) type_id=1 Invalid name',
    (b) => {
      b.int('int', 4);
      b.typedef('', 1);
    },
  ],
  [
    'a pointer to itself',
    17,
    '[1] PTR (anon) type_id=1 Loop detected',
    (b) => {
      b.ptr(1);
    },
  ],
  [
    'qualifiers that go round',
    17,
    '[1] CONST (anon) type_id=2 Loop detected',
    (b) => {
      b.add({ kind: 'const', name: '', type: 2 });
      b.add({ kind: 'const', name: '', type: 1 });
    },
  ],
  [
    'an array of void',
    22,
    '[2] ARRAY (anon) type_id=0 index_type_id=1 nr_elems=1 Invalid elem',
    (b) => {
      b.int('int', 4);
      b.array(0, 1, 1);
    },
  ],
  [
    'an array indexed by pointers',
    22,
    '[3] ARRAY (anon) type_id=1 index_type_id=2 nr_elems=1 Invalid index',
    (b) => {
      b.int('int', 4);
      b.ptr(0);
      b.array(1, 1, 2);
    },
  ],
  [
    'an array of more than 4 GiB',
    22,
    '[2] ARRAY (anon) type_id=1 index_type_id=1 nr_elems=2147483647 Array size overflows U32_MAX',
    (b) => {
      b.int('int', 4);
      b.array(1, 0x7fffffff, 1);
    },
  ],
  [
    'an array of functions',
    22,
    '[3] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=2 Invalid elem',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [] });
      b.array(2, 2, 1);
    },
  ],
  [
    'an enum of three bytes',
    22,
    '[1] ENUM e size=3 vlen=1 Unexpected size',
    (b) => {
      b.add({ kind: 'enum', name: 'e', size: 3, signed: false, values: [{ name: 'A', value: 1 }] });
    },
  ],
  [
    'an enumerator without a name',
    22,
    '[1] ENUM e size=4 vlen=1 Invalid name',
    (b) => {
      b.add({ kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: '', value: 1 }] });
    },
  ],
  [
    'a forward declaration without a name',
    22,
    '[1] FWD (anon) struct Invalid name',
    (b) => {
      b.add({ kind: 'fwd', name: '', isUnion: false });
    },
  ],
  [
    'an extern function',
    22,
    '[3] FUNC f type_id=2 Invalid func linkage',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [] });
      b.add({ kind: 'func', name: 'f', type: 2, linkage: 2 });
    },
  ],
  [
    'a function that is an int',
    22,
    '[2] FUNC f type_id=1 Invalid type_id',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func', name: 'f', type: 1, linkage: 1 });
    },
  ],
  [
    'a function whose parameter has no name',
    22,
    '[3] FUNC f type_id=2 Invalid arg#1',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [{ name: '', type: 1 }] });
      b.add({ kind: 'func', name: 'f', type: 2, linkage: 1 });
    },
  ],
  [
    'a function that returns itself',
    22,
    '[2] FUNC_PROTO (anon) return=2 args=(void) Invalid return type',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 2, params: [] });
    },
  ],
  [
    'a void parameter that is not the last',
    22,
    '[2] FUNC_PROTO (anon) return=1 args=(0 a, 1 b) Invalid arg#1',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'func_proto',
        name: '',
        ret: 1,
        params: [
          { name: 'a', type: 0 },
          { name: 'b', type: 1 },
        ],
      });
    },
  ],
  [
    'varargs with a name',
    22,
    '[2] FUNC_PROTO (anon) return=1 args=(1 a, vararg) Invalid arg#2',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'func_proto',
        name: '',
        ret: 1,
        params: [
          { name: 'a', type: 1 },
          { name: 'b', type: 0 },
        ],
      });
    },
  ],
  [
    'a variable of type void',
    22,
    '[1] VAR v type_id=0 linkage=1 Invalid type_id',
    (b) => {
      b.add({ kind: 'var', name: 'v', type: 0, linkage: 1 });
    },
  ],
  [
    'an extern variable',
    22,
    '[2] VAR v type_id=1 linkage=2 Linkage not supported',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 2 });
    },
  ],
  [
    'an empty data section with a variable',
    22,
    '[3] DATASEC .data size=0 vlen=1 size == 0',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 0, vars: [{ type: 2, offset: 0, size: 4 }] });
    },
  ],
  [
    'a data section of types',
    22,
    '\t type_id=1 offset=0 size=4 Not a VAR kind member',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 1, offset: 0, size: 4 }] });
    },
  ],
  [
    'a data section with too little room for its variable',
    22,
    '\t type_id=2 offset=0 size=3 Invalid size',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 2, offset: 0, size: 3 }] });
    },
  ],
  [
    'a variable that begins at the end of its section',
    22,
    '\t type_id=2 offset=4 size=4 Invalid offset',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 2, offset: 4, size: 4 }] });
    },
  ],
  [
    'a variable that ends past its section',
    22,
    '\t type_id=2 offset=2 size=4 Invalid offset+size',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 2, offset: 2, size: 4 }] });
    },
  ],
  [
    'a variable larger than its section',
    22,
    '\t type_id=2 offset=0 size=5 Invalid size',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 2, offset: 0, size: 5 }] });
    },
  ],
  [
    'a data section with a control character in its name',
    22,
    '[3] DATASEC .da ta\u0001 size=4 vlen=1 Invalid name',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.add({ kind: 'datasec', name: '.da ta\x01', size: 4, vars: [{ type: 2, offset: 0, size: 4 }] });
    },
  ],
  [
    'a float of five bytes',
    22,
    '[1] FLOAT f size=5 Invalid type_size',
    (b) => {
      b.add({ kind: 'float', name: 'f', size: 5 });
    },
  ],
  [
    'a declaration tag of an int',
    22,
    '[2] DECL_TAG t type=1 component_idx=-1 Invalid type_id',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'decl_tag', name: 't', type: 1, component: -1, kindFlag: false });
    },
  ],
  [
    'a declaration tag of a member that is not there',
    22,
    '[3] DECL_TAG t type=2 component_idx=1 Invalid component_idx',
    (b) => {
      b.int('int', 4);
      b.struct('s', 4, [['a', 1, 0]]);
      b.add({ kind: 'decl_tag', name: 't', type: 2, component: 1, kindFlag: false });
    },
  ],
  [
    'a declaration tag of member -2',
    22,
    '[3] DECL_TAG t type=2 component_idx=-2 Invalid component_idx',
    (b) => {
      b.int('int', 4);
      b.struct('s', 4, [['a', 1, 0]]);
      b.add({ kind: 'decl_tag', name: 't', type: 2, component: -2, kindFlag: false });
    },
  ],
  [
    'a declaration tag of a member of a typedef',
    22,
    '[3] DECL_TAG t type=2 component_idx=0 Invalid component_idx',
    (b) => {
      b.int('int', 4);
      b.typedef('s', 1);
      b.add({ kind: 'decl_tag', name: 't', type: 2, component: 0, kindFlag: false });
    },
  ],
  [
    'a declaration tag without a text',
    22,
    '[3] DECL_TAG (anon) type=2 component_idx=0 Invalid value',
    (b) => {
      b.int('int', 4);
      b.typedef('s', 1);
      b.add({ kind: 'decl_tag', name: '', type: 2, component: 0, kindFlag: false });
    },
  ],
  [
    'a type tag behind a qualifier',
    22,
    "Type tags don't precede modifiers",
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'type_tag', name: 't', type: 1, kindFlag: false });
      b.add({ kind: 'const', name: '', type: 2 });
      b.ptr(3);
    },
  ],
  [
    'a type tag before a qualifier',
    0,
    '',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'const', name: '', type: 1 });
      b.add({ kind: 'type_tag', name: 't', type: 2, kindFlag: false });
      b.ptr(3);
    },
  ],
  [
    'a type tag without a text',
    22,
    '[2] TYPE_TAG (anon) type_id=1 Invalid name',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'type_tag', name: '', type: 1, kindFlag: false });
    },
  ],
  [
    'a bit-field wider than its type',
    22,
    '\ta type_id=1 bitfield_size=33 bits_offset=0 Invalid member bitfield_size',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'struct',
        name: 's',
        size: 8,
        kindFlag: true,
        members: [{ name: 'a', type: 1, bitOffset: 0, bitfieldSize: 33 }],
      });
    },
  ],
  [
    'a bit-field past the end of its struct',
    22,
    '\ta type_id=1 bitfield_size=4 bits_offset=30 Member exceeds struct_size',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'struct',
        name: 's',
        size: 4,
        kindFlag: true,
        members: [{ name: 'a', type: 1, bitOffset: 30, bitfieldSize: 4 }],
      });
    },
  ],
  [
    'a bit-field of pointers',
    22,
    '\ta type_id=1 bitfield_size=4 bits_offset=0 Invalid member bitfield_size',
    (b) => {
      b.ptr(0);
      b.add({
        kind: 'struct',
        name: 's',
        size: 8,
        kindFlag: true,
        members: [{ name: 'a', type: 1, bitOffset: 0, bitfieldSize: 4 }],
      });
    },
  ],
  [
    'an enum inside a byte',
    22,
    '\ta type_id=1 bitfield_size=0 bits_offset=3 Member is not byte aligned',
    (b) => {
      b.add({ kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 1 }] });
      b.add({
        kind: 'struct',
        name: 's',
        size: 8,
        kindFlag: true,
        members: [{ name: 'a', type: 1, bitOffset: 3, bitfieldSize: 0 }],
      });
    },
  ],
  [
    'an int inside a byte',
    22,
    '\ta type_id=1 bitfield_size=0 bits_offset=3 Invalid member offset',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'struct',
        name: 's',
        size: 8,
        kindFlag: true,
        members: [{ name: 'a', type: 1, bitOffset: 3, bitfieldSize: 0 }],
      });
    },
  ],
  [
    'an int inside a byte, as old compilers have it',
    0,
    '',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'struct',
        name: 's',
        size: 8,
        kindFlag: false,
        members: [{ name: 'a', type: 1, bitOffset: 3, bitfieldSize: 0 }],
      });
    },
  ],
  [
    'a pointer inside a byte',
    22,
    '\ta type_id=1 bits_offset=3 Member is not byte aligned',
    (b) => {
      b.ptr(0);
      b.struct('s', 9, [['a', 1, 0]]);
      b.add({
        kind: 'struct',
        name: 's2',
        size: 16,
        kindFlag: false,
        members: [{ name: 'a', type: 1, bitOffset: 3, bitfieldSize: 0 }],
      });
    },
  ],
  [
    'a pointer past the end of its struct',
    22,
    '\ta type_id=1 bits_offset=0 Member exceeds struct_size',
    (b) => {
      b.ptr(0);
      b.struct('s', 7, [['a', 1, 0]]);
    },
  ],
  [
    'a struct past the end of its struct',
    22,
    '\ta type_id=2 bits_offset=0 Member exceeds struct_size',
    (b) => {
      b.int('int', 4);
      b.struct('i', 4, [['a', 1, 0]]);
      b.struct('s', 3, [['a', 2, 0]]);
    },
  ],
  [
    'an array past the end of its struct',
    22,
    '\ta type_id=2 bits_offset=0 Member exceeds struct_size',
    (b) => {
      b.int('int', 4);
      b.array(1, 2, 1);
      b.struct('s', 7, [['a', 2, 0]]);
    },
  ],
  [
    'an enum past the end of its struct',
    22,
    '\ta type_id=1 bits_offset=0 Member exceeds struct_size',
    (b) => {
      b.add({ kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: 'A', value: 1 }] });
      b.struct('s', 3, [['a', 1, 0]]);
    },
  ],
  [
    'a float past the end of its struct',
    22,
    '\ta type_id=1 bits_offset=0 Member exceeds struct_size',
    (b) => {
      b.add({ kind: 'float', name: 'e', size: 4 });
      b.struct('s', 3, [['a', 1, 0]]);
    },
  ],
  [
    'a float that is not aligned',
    22,
    '\ta type_id=1 bits_offset=8 Member is not properly aligned',
    (b) => {
      b.add({ kind: 'float', name: 'e', size: 4 });
      b.struct('s', 8, [['a', 1, 1]]);
    },
  ],
  [
    'a member of an incomplete type',
    22,
    '\ta type_id=1 bits_offset=0 Invalid member',
    (b) => {
      b.add({ kind: 'fwd', name: 'f', isUnion: false });
      b.struct('s', 3, [['a', 1, 0]]);
    },
  ],
  [
    'a union member that does not begin at 0',
    22,
    '\ta type_id=1 bits_offset=8 Invalid member bits_offset',
    (b) => {
      b.int('int', 4);
      b.add({
        kind: 'union',
        name: 'u',
        size: 8,
        kindFlag: false,
        members: [{ name: 'a', type: 1, bitOffset: 8, bitfieldSize: 0 }],
      });
    },
  ],
  [
    'a pointer to a variable',
    22,
    '[3] PTR (anon) type_id=2 Invalid type_id',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.ptr(2);
    },
  ],
  [
    'a typedef of a variable',
    22,
    '[3] TYPEDEF x type_id=2 Invalid type_id',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'var', name: 'v', type: 1, linkage: 1 });
      b.typedef('x', 2);
    },
  ],
  [
    'a typedef of a function',
    0,
    '',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [] });
      b.add({ kind: 'func', name: 'f', type: 2, linkage: 1 });
      b.typedef('x', 3);
    },
  ],
  [
    'a pointer to a function',
    0,
    '',
    (b) => {
      b.int('int', 4);
      b.add({ kind: 'func_proto', name: '', ret: 1, params: [] });
      b.add({ kind: 'func', name: 'f', type: 2, linkage: 1 });
      b.ptr(3);
    },
  ],
  [
    'forty typedefs of one another, oldest first',
    0,
    '',
    (b) => {
      b.int('int', 4);
      for (let i = 1; i < 40; i++) b.typedef('t' + i, i);
    },
  ],
  [
    'forty typedefs of one another, newest first',
    7,
    '[1] TYPEDEF t1 type_id=2 Exceeded max resolving depth:32',
    (b) => {
      for (let i = 1; i < 40; i++) b.typedef('t' + i, i + 1);
      b.int('int', 4);
    },
  ],
  [
    'an array of itself',
    17,
    '[2] ARRAY (anon) type_id=2 index_type_id=1 nr_elems=2 Loop detected',
    (b) => {
      b.int('int', 4);
      b.array(2, 2, 1);
    },
  ],
  ['no types at all', 22, 'No type found', () => {}],
];

function build(make: (b: BtfBuilder) => void): Uint8Array {
  const builder = new BtfBuilder();
  make(builder);
  return builder.build();
}

describe('inspectBtf', () => {
  it.each(CASES)('answers %s as Linux does', (_, errno, line, make) => {
    const expected = errno === 0 ? undefined : { errno, line };
    expect(inspectBtf(build(make))).toEqual(expected);
  });

  const good = build((b) => {
    const int = b.int('int', 4, 'signed');
    b.struct('s', 8, [
      ['a', int, 0],
      ['b', int, 4],
    ]);
  });
  const patched = (at: number, value: number) => {
    const out = good.slice();
    new DataView(out.buffer).setUint32(at, value, true);
    return out;
  };

  it.each([
    ['an empty blob', new Uint8Array(0), 22, 'hdr_len not found'],
    ['a header that ends early', good.slice(0, 20), 22, 'btf_header not found'],
    ['another magic', patched(0, 0x0001_abcd), 22, 'Invalid magic'],
    ['another version', patched(0, 0x0002_eb9f), 524, 'Unsupported version'],
    ['flags', patched(0, 0x0101_eb9f), 524, 'Unsupported flags'],
    ['a header alone', good.slice(0, 24), 22, 'No data'],
    ['bytes after the strings', Uint8Array.of(...good, 0), 22, 'Unsupported section found'],
    ['strings that overlap types', patched(16, 0), 22, 'Section overlap found'],
    ['unknown bits in info', patched(28, 0x0120_0000), 22, '[1] Invalid btf_info:1200000'],
    ['an unknown kind', patched(28, 0x1f00_0000), 22, '[1] Invalid kind:31'],
    ['a name past the strings', patched(24, 0x1234), 22, '[1] Invalid name_offset:4660'],
    [
      'a member with a name past the strings',
      patched(52, 0x1234),
      22,
      '\t(invalid-name-offset) type_id=1 bits_offset=0 Invalid member name_offset:4660',
    ],
  ])('answers %s as Linux does', (_, bytes, errno, line) => {
    expect(inspectBtf(bytes)).toEqual({ errno, line });
  });

  it('gives an answer for any change of a blob', () => {
    const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0xff, 0x80, 0)));
    fc.assert(
      fc.property(fc.constantFrom(...CASES), fc.array(change, { maxLength: 4 }), ([, , , make], changes) => {
        const bytes = build(make);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        const fault = inspectBtf(bytes);
        if (fault === undefined) expect(parseBtf(bytes).count).toBeGreaterThan(0);
        else expect(fault.errno).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('checkBtf', () => {
  it("throws the kernel's words", () => {
    const btf = parseBtf(build((b) => b.typedef('t', 1)));
    expect(() => checkBtf(btf)).toThrow(BtfError);
    expect(() => checkBtf(btf)).toThrow('[1] TYPEDEF t type_id=1 Loop detected');
  });
});

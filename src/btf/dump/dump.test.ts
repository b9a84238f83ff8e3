import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BtfError } from '../../base/errors.ts';
import { BtfBuilder } from '../build.ts';
import { parseBtf } from '../read.ts';
import { dumpC } from './c.ts';
import { padding } from './padding.ts';
import { dumpRaw, dumpRawJson } from './raw.ts';

function types(make: (b: BtfBuilder) => void) {
  const builder = new BtfBuilder();
  make(builder);
  return parseBtf(builder.build());
}

/** The declarations of a header, without what stands around them. */
function declarations(make: (b: BtfBuilder) => void, sorted = false): string {
  const text = dumpC(types(make), { sorted });
  const start =
    text.indexOf('#define __bpf_fastcall\n#endif\n#endif\n\n') + '#define __bpf_fastcall\n#endif\n#endif\n\n'.length;
  return text.slice(start, text.indexOf('\n/* BPF kfuncs */')).trimEnd();
}

const member = (name: string, type: number, bitOffset: number, bitfieldSize = 0) => ({
  name,
  type,
  bitOffset,
  bitfieldSize,
});

describe('dumpC', () => {
  it('declares what is only pointed to, and defines what is embedded first', () => {
    const text = declarations((b) => {
      b.struct('outer', 16, [
        ['inner', 2, 0],
        ['next', 4, 8],
      ]); // 1
      b.struct('inner', 4, [['x', 3, 0]]); // 2
      b.int('int', 4, 'signed'); // 3
      b.ptr(5); // 4
      b.struct('later', 8, [['back', 6, 0]]); // 5
      b.ptr(1); // 6
    });
    expect(text).toBe(
      'struct inner {\n\tint x;\n};\n\nstruct later;\n\nstruct outer {\n\tstruct inner inner;\n\tstruct later *next;\n};\n\nstruct later {\n\tstruct outer *back;\n};',
    );
  });

  it('spells declarators as C does', () => {
    const text = declarations((b) => {
      const int = b.int('int', 4, 'signed');
      const char = b.int('char', 1, 'signed');
      const constChar = b.add({ kind: 'const', name: '', type: char });
      const text = b.ptr(constChar);
      const proto = b.add({
        kind: 'func_proto',
        name: '',
        ret: text,
        params: [
          { name: 'a', type: int },
          { name: '', type: 0 },
        ],
      });
      const func = b.ptr(proto);
      const table = b.array(func, 4, int);
      const matrix = b.array(b.array(int, 3, int), 2, int);
      const nothing = b.ptr(b.add({ kind: 'func_proto', name: '', ret: 0, params: [] }));
      const fixed = b.add({ kind: 'const', name: '', type: b.ptr(int) });
      const rows = b.ptr(b.array(int, 5, int));
      b.struct('s', 104, [
        ['table', table, 0],
        ['matrix', matrix, 32],
        ['nothing', nothing, 56],
        ['text', text, 64],
        ['fixed', fixed, 72],
        ['rows', rows, 80],
        ['more', b.ptr(b.ptr(0)), 88],
      ]);
      b.typedef('callback_t', func);
    });
    expect(text).toContain('\tconst char * (*table[4])(int a, ...);\n');
    expect(text).toContain('\tint matrix[2][3];\n');
    expect(text).toContain('\tvoid (*nothing)(void);\n');
    expect(text).toContain('\tconst char *text;\n');
    expect(text).toContain('\tint * const fixed;\n');
    expect(text).toContain('\tint (*rows)[5];\n');
    expect(text).toContain('\tvoid **more;\n\tlong: 64;\n');
    expect(text).toContain('typedef const char * (*callback_t)(int a, ...);');
  });

  it('writes bit-fields, packed structs, anonymous members and small enums', () => {
    const text = declarations((b) => {
      const u32 = b.int('unsigned int', 4);
      const union = b.add({
        kind: 'union',
        name: '',
        size: 4,
        kindFlag: false,
        members: [member('a', u32, 0), member('b', u32, 0)],
      });
      b.add({
        kind: 'struct',
        name: 'bits',
        size: 12,
        kindFlag: true,
        members: [member('x', u32, 0, 3), member('y', u32, 8, 5), member('', union, 32), member('z', u32, 64, 1)],
      });
      b.struct('packed', 9, [
        ['c', b.int('char', 1), 0],
        ['p', b.ptr(0), 1],
      ]);
      b.add({ kind: 'enum', name: 'tiny', size: 1, signed: false, values: [{ name: 'ONE', value: 1 }] });
      b.add({ kind: 'enum64', name: 'wide', size: 8, signed: false, values: [{ name: 'BIG', value: 1n << 40n }] });
      b.struct('empty', 0, []);
    });
    expect(text).toContain('struct bits {\n\tunsigned int x: 3;\n\tchar: 5;\n\tunsigned int y: 5;\n');
    expect(text).toContain('\tunion {\n\t\tunsigned int a;\n\t\tunsigned int b;\n\t};\n');
    expect(text).toContain('struct packed {\n\tchar c;\n\tvoid *p;\n} __attribute__((packed));');
    expect(text).toContain('enum tiny {\n\tONE = 1,\n} __attribute__((mode(byte)));');
    expect(text).toContain('enum wide {\n\tBIG = 1099511627776ULL,\n};');
    expect(text).toContain('struct empty {};');
  });

  it('numbers the second type and the second constant of a name', () => {
    const text = declarations((b) => {
      b.struct('s', 1, [['a', b.int('char', 1), 0]]);
      b.struct('s', 2, [['a', b.int('short', 2), 0]]);
      b.add({ kind: 'enum', name: '', size: 4, signed: false, values: [{ name: 'A', value: 1 }] });
      b.add({ kind: 'enum', name: '', size: 4, signed: false, values: [{ name: 'A', value: 2 }] });
    });
    expect(text).toContain('struct s {\n\tchar a;\n};\n\nstruct s___2 {\n');
    expect(text).toContain('A___2 = 2,');
  });

  it('sorts by kind and name', () => {
    const text = declarations((b) => {
      const int = b.int('int', 4, 'signed');
      b.struct('b', 4, [['x', int, 0]]);
      b.struct('a', 4, [['x', int, 0]]);
      b.typedef('t', int);
      b.add({ kind: 'enum', name: 'f', size: 4, signed: false, values: [{ name: 'F', value: 1 }] });
      b.add({ kind: 'enum', name: 'e', size: 4, signed: false, values: [{ name: 'E', value: 1 }] });
    }, true);
    const order = [...text.matchAll(/^(?:enum|struct|typedef int) (\w+)/gm)].map((m) => m[1]);
    // the very first, enum e, is left out as bpftool does: nothing needs it
    expect(order).toEqual(['f', 't', 'a', 'b']);
  });

  it('declares kernel functions', () => {
    const text = dumpC(
      types((b) => {
        const int = b.int('int', 4, 'signed');
        const proto = b.add({ kind: 'func_proto', name: '', ret: int, params: [{ name: 'x', type: int }] });
        const func = b.add({ kind: 'func', name: 'bpf_thing', type: proto, linkage: 1 });
        b.add({ kind: 'decl_tag', name: 'bpf_kfunc', type: func, component: -1, kindFlag: false });
        b.add({ kind: 'decl_tag', name: 'bpf_fastcall', type: func, component: -1, kindFlag: false });
      }),
    );
    expect(text).toContain('extern __bpf_fastcall int bpf_thing(int x) __weak __ksym;\n#endif\n');
  });

  it('dumps what the roots need and nothing else', () => {
    const btf = types((b) => {
      const int = b.int('int', 4, 'signed');
      const a = b.struct('a', 4, [['x', int, 0]]);
      b.struct('b', 4, [['a', a, 0]]);
      b.struct('c', 4, [['x', int, 0]]);
    });
    const text = dumpC(btf, { roots: [3] });
    expect(text).toContain('struct b {');
    expect(text).toContain('struct a {');
    expect(text).not.toContain('struct c {');
  });

  it.each([
    ['a struct that contains itself', (b: BtfBuilder) => void b.struct('s', 4, [['me', 1, 0]])],
    ['a pointer to itself', (b: BtfBuilder) => void b.ptr(1)],
    [
      'typedefs of each other',
      (b: BtfBuilder) => {
        b.typedef('a', 2);
        b.typedef('b', 1);
      },
    ],
    ['a gap of a gigabyte', (b: BtfBuilder) => void b.struct('s', 1 << 30, [])],
    [
      'anonymous structs that double at each level',
      (b: BtfBuilder) => {
        let inner = b.int('int', 4);
        for (let i = 0; i < 40; i++) {
          inner = b.struct('', 4, [
            ['a', inner, 0],
            ['b', inner, 0],
          ]);
        }
        b.struct('top', 4, [['x', inner, 0]]);
      },
    ],
  ])('refuses %s in time', (_, make) => {
    expect(() => dumpC(types(make), { sorted: false })).toThrow(BtfError);
  });
});

describe('padding', () => {
  it.each([
    [0, 0, 4, false, []],
    [32, 64, 8, false, []],
    [32, 64, 4, false, ['long: 0;']],
    [8, 16, 1, false, ['short: 0;']],
    [64, 192, 8, false, ['long: 64;', 'long: 64;']],
    [3, 8, 4, true, ['char: 5;']],
    [0, 24, 1, false, ['int: 24;']],
  ] as const)('from bit %i to %i before alignment %i (bit-fields: %s) is %j', (from, to, align, bitfield, lines) => {
    expect(padding(from, to, align, bitfield)).toEqual(lines);
  });
});

describe('dumpRaw', () => {
  it('prints lines as bpftool does', () => {
    const btf = types((b) => {
      const int = b.int('int', 4, 'signed');
      b.add({ kind: 'struct', name: '', size: 4, kindFlag: true, members: [member('x', int, 3, 5)] });
      b.add({ kind: 'enum64', name: 'e', size: 8, signed: true, values: [{ name: 'MINUS', value: -1n }] });
      b.add({ kind: 'var', name: 'v', type: int, linkage: 1 });
      b.add({ kind: 'datasec', name: '.data', size: 4, vars: [{ type: 4, offset: 0, size: 4 }] });
      b.add({ kind: 'decl_tag', name: 't', type: 2, component: -1, kindFlag: false });
    });
    expect(dumpRaw(btf)).toEqual([
      "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
      "[2] STRUCT '(anon)' size=4 vlen=1",
      "\t'x' type_id=1 bits_offset=3 bitfield_size=5",
      "[3] ENUM64 'e' encoding=SIGNED size=8 vlen=1",
      "\t'MINUS' val=-1LL",
      "[4] VAR 'v' type_id=1, linkage=global",
      "[5] DATASEC '.data' size=4 vlen=1",
      "\ttype_id=4 offset=0 size=4 (VAR 'v')",
      "[6] DECL_TAG 't' type_id=2 component_idx=-1",
    ]);
    expect(dumpRawJson(btf, { ids: [2] })).toEqual([
      {
        id: 2,
        kind: 'STRUCT',
        name: '(anon)',
        size: 4,
        vlen: 1,
        members: [{ name: 'x', type_id: 1, bits_offset: 3, bitfield_size: 5 }],
      },
    ]);
  });
});

/** Transcripts of bpftool 7.8, where the material is beside the repository. */
const SHARED = new URL('../../../../shared/bpftool/', import.meta.url);
const transcripts = existsSync(SHARED) ? readdirSync(new URL('expected-7.8/', SHARED)) : [];

describe.skipIf(transcripts.length === 0)('transcripts of bpftool', () => {
  const found = transcripts.flatMap((file) => {
    const text = readFileSync(new URL(`expected-7.8/${file}`, SHARED), 'utf8');
    const m =
      /^cmd: (-[jp] )?btf dump file <OBJ>\/(\S+?)(?: format (c|raw)( unsorted)?)?\nrc: 0\n--- stdout\n([\s\S]*?)\n--- stderr/.exec(
        text,
      );
    return m
      ? [{ file, json: m[1] !== undefined, object: m[2]!, c: m[3] === 'c', sorted: m[4] === undefined, output: m[5]! }]
      : [];
  });

  it.each(found)('$file', ({ json, object, c, sorted, output }) => {
    const btf = parseBtf(btfSection(new Uint8Array(readFileSync(new URL(`obj/${object}`, SHARED)))));
    if (c) expect(dumpC(btf, { sorted })).toBe(output);
    else if (json) expect({ types: dumpRawJson(btf) }).toEqual(JSON.parse(output));
    else expect(`${dumpRaw(btf).join('\n')}\n`).toBe(output);
  });
});

/** The kernel that the transcripts speak of. */
const VMLINUX = '/sys/kernel/btf/vmlinux';
const VMLINUX_SIZE = 5_516_713;
const isTheirKernel = transcripts.length > 0 && existsSync(VMLINUX) && readFileSync(VMLINUX).length === VMLINUX_SIZE;

describe.skipIf(!isTheirKernel)('transcripts of bpftool on the kernel', () => {
  const btf = isTheirKernel ? parseBtf(new Uint8Array(readFileSync(VMLINUX))) : types(() => {});
  const sha256 = (file: string) =>
    /^sha256 (\w+)/m.exec(readFileSync(new URL(`expected-7.8/${file}`, SHARED), 'utf8'))![1];
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');

  it('are the same for 135,000 lines of C', () => {
    expect(digest(dumpC(btf, { sorted: false }))).toBe(sha256('867-btf-vmlinux-c-uns.txt'));
  });

  it('are the same for 17 MB of JSON', () => {
    const types = dumpRawJson(btf).map((t) => JSON.stringify(t, (_, v) => (typeof v === 'bigint' ? `#${v}#` : v)));
    const text = `{"types":[${types.join(',').replace(/"#(-?\d+)#"/g, '$1')}]}\n`;
    expect(digest(text)).toBe(sha256('865-btf-vmlinux.j.txt'));
  });
});

/** The .BTF section, found by its magic: btf/ knows nothing of ELF. */
function btfSection(elf: Uint8Array): Uint8Array {
  const dv = new DataView(elf.buffer, elf.byteOffset);
  for (let at = 0; at + 24 < elf.length; at += 4) {
    if (dv.getUint32(at, true) === 0x0001_eb9f && dv.getUint32(at + 8, true) === 0) {
      return elf.subarray(at, at + 24 + dv.getUint32(at + 16, true) + dv.getUint32(at + 20, true));
    }
  }
  throw new Error('no BTF in the object');
}

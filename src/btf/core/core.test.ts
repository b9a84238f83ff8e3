import { describe, expect, it } from 'vitest';
import { view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import type { Btf } from '../btf.ts';
import { BtfBuilder } from '../build.ts';
import { parseBtf } from '../read.ts';
import { essentialName, parseAccess } from './access.ts';
import { POISON } from './patch.ts';
import { relocateCore } from './relocate.ts';

function types(make: (b: BtfBuilder) => void): Btf {
  const builder = new BtfBuilder();
  make(builder);
  return parseBtf(builder.build());
}

/** One instruction: opcode, registers, offset, immediate. */
function insn(code: number, off: number, imm: number, regs = 0x10): Uint8Array {
  const out = new Uint8Array(8);
  const dv = view(out);
  dv.setUint8(0, code);
  dv.setUint8(1, regs);
  dv.setInt16(2, off, true);
  dv.setInt32(4, imm, true);
  return out;
}

const MOV_IMM = 0xb7;
const LDX_W = 0x61;
const LDX_DW = 0x79;
const STX_W = 0x63;

/** struct s { int a; unsigned b; } and what is like it elsewhere. Its id is 3. */
const LOCAL = types((b) => {
  const int = b.int('int', 4, 'signed');
  const u32 = b.int('unsigned int', 4);
  b.struct('s', 8, [
    ['a', int, 0],
    ['b', u32, 4],
  ]);
  b.struct('s___two', 8, [['b', u32, 4]]);
});

const TARGET = types((b) => {
  const int = b.int('int', 4, 'signed');
  const u64 = b.int('unsigned long', 8);
  const inner = b.struct('', 16, [['b', u64, 8]]);
  b.struct('s', 32, [
    ['pad', u64, 0],
    ['', inner, 8],
    ['a', u64, 24],
  ]);
  b.typedef('other', int);
});

const one = (code: Uint8Array, kind: number, typeId: number, access: string, target = TARGET) =>
  relocateCore({ insns: code, coreRelocations: [{ pc: 0, kind, typeId, access }] }, LOCAL, target);

describe('relocateCore', () => {
  it('moves an access to where the field is, through what has no name', () => {
    const { insns, outcomes } = one(insn(MOV_IMM, 0, 4), 0, 3, '0:1');
    expect(view(insns).getInt32(4, true)).toBe(16);
    expect(outcomes).toEqual([{ pc: 0, kind: 'byte_off', subject: 'struct s.b', value: 16n, targetTypeId: 4 }]);
  });

  it('widens a load of an unsigned field that has grown', () => {
    expect(one(insn(LDX_W, 4, 0), 0, 3, '0:1').insns).toEqual(insn(LDX_DW, 16, 0));
  });

  it('poisons a load of a signed field that has grown: it could not be extended', () => {
    const { insns, outcomes } = one(insn(LDX_W, 0, 0), 0, 3, '0:0');
    expect(insns).toEqual(insn(0x85, 0, POISON, 0));
    expect(outcomes[0]!.value).toBeUndefined();
  });

  it('poisons what the target does not have, and answers 0 to whether it exists', () => {
    const empty = types((b) => void b.int('int', 4, 'signed'));
    expect(one(insn(STX_W, 4, 0), 0, 3, '0:1', empty).insns).toEqual(insn(0x85, 0, POISON, 0));
    expect(one(insn(MOV_IMM, 0, 1), 2, 3, '0:1', empty).insns).toEqual(insn(MOV_IMM, 0, 0));
    expect(one(insn(MOV_IMM, 0, 1), 8, 3, '0', empty).insns).toEqual(insn(MOV_IMM, 0, 0));
  });

  it('takes a name with a flavour for the name before it', () => {
    expect(view(one(insn(MOV_IMM, 0, 4), 0, 4, '0:0').insns).getInt32(4, true)).toBe(16);
  });

  it('does not change the program it is given', () => {
    const code = insn(MOV_IMM, 0, 4);
    one(code, 0, 3, '0:1');
    expect(code).toEqual(insn(MOV_IMM, 0, 4));
  });

  it('refuses a target with two answers', () => {
    const two = types((b) => {
      const int = b.int('int', 4, 'signed');
      b.struct('s', 8, [['b', int, 4]]);
      b.struct('s', 16, [['b', int, 8]]);
    });
    expect(() => one(insn(MOV_IMM, 0, 4), 0, 3, '0:1', two)).toThrow(/struct s\.b is ambiguous: types \[2\] and \[3\]/);
  });

  it('takes the one of two types that has the field', () => {
    const two = types((b) => {
      const int = b.int('int', 4, 'signed');
      b.struct('s', 8, [['unrelated', int, 4]]);
      b.struct('s', 16, [['b', int, 8]]);
    });
    expect(view(one(insn(MOV_IMM, 0, 4), 0, 3, '0:1', two).insns).getInt32(4, true)).toBe(8);
  });

  it.each([
    [
      'an instruction that does not hold what was compiled',
      insn(MOV_IMM, 0, 5),
      0,
      '0:1',
      /holds 5, and its relocation expects 4/,
    ],
    ['an instruction that cannot be relocated', insn(0x95, 0, 0), 0, '0:1', /opcode 0x95\) cannot be relocated/],
    ['arithmetic between registers', insn(0x0f, 0, 4), 0, '0:1', /takes no immediate/],
    ['a load of another width than its field', insn(LDX_DW, 4, 0), 0, '0:1', /does not access the 4 bytes/],
    ['a kind that is not known', insn(MOV_IMM, 0, 4), 13, '0', /kind 13 is not known/],
    ['a member that is not there', insn(MOV_IMM, 0, 4), 0, '0:9', /goes to member 9 of 2/],
    ['a path into a number', insn(MOV_IMM, 0, 4), 0, '0:1:0', /goes into a int/],
    ['an access string that is none', insn(MOV_IMM, 0, 4), 0, '0:x', /is no list of numbers/],
  ])('refuses %s', (_, code, kind, access, message) => {
    expect(() => one(code, kind, 3, access)).toThrow(message);
    expect(() => one(code, kind, 3, access)).toThrow(BtfError);
  });

  it('refuses a relocation past the end of the program', () => {
    const program = { insns: insn(MOV_IMM, 0, 4), coreRelocations: [{ pc: 7, kind: 0, typeId: 3, access: '0:1' }] };
    expect(() => relocateCore(program, LOCAL, TARGET)).toThrow(/at instruction 7, past the end/);
  });

  it('comes to an end where types of the target contain themselves without a name', () => {
    const loop = types((b) => {
      b.struct('s', 8, [['', 2, 0]]);
      b.struct('', 8, [
        ['', 2, 0],
        ['', 2, 0],
      ]);
    });
    expect(one(insn(MOV_IMM, 0, 1), 2, 3, '0:1', loop).insns).toEqual(insn(MOV_IMM, 0, 0));
  });
});

describe('essentialName', () => {
  it.each([
    ['task_struct', 'task_struct'],
    ['task_struct___old', 'task_struct'],
    ['a___b___c', 'a___b'],
    ['___a', '___a'],
    ['a___', 'a___'],
    ['a____b', 'a____b'],
  ])('of %s is %s', (name, essential) => {
    expect(essentialName(name)).toBe(essential);
  });
});

describe('parseAccess', () => {
  it('counts whole types, members and elements', () => {
    const btf = types((b) => {
      const int = b.int('int', 4, 'signed');
      const inner = b.struct('', 12, [['list', b.array(int, 3, int), 0]]);
      b.struct('s', 16, [
        ['first', int, 0],
        ['', inner, 4],
      ]);
    });
    const access = parseAccess(btf, 0, 4, '2:1:0:1');
    expect(access.bitOffset).toBe((2 * 16 + 4 + 4) * 8);
    expect(access.steps.map((s) => s.name || s.index)).toEqual([2, 'list', 1]);
  });
});

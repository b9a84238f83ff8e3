import { describe, expect, it } from 'vitest';
import { assemble, encode } from '../isa/index.ts';
import { withPrologue } from './prologue.ts';
import type { ProgramSpec } from './spec.ts';

const u32s = (...words: number[]) => new Uint8Array(new Uint32Array(words).buffer);

const program: ProgramSpec = {
  name: 'p',
  section: 'tp/x/y',
  type: 5,
  attachType: 0,
  flags: 0,
  attachTo: 'x/y',
  optional: false,
  insns: encode(assemble('r2 = 1 ll; call +1; exit; r0 = 0; exit')),
  references: [{ pc: 0, kind: 'map', name: 'm', off: 0, weak: false }],
  funcInfo: u32s(0, 7, 4, 8),
  lineInfo: u32s(0, 1, 2, 3, 4, 1, 2, 3),
  coreRelocations: [{ pc: 3, kind: 0, typeId: 1, access: '0' }],
};

describe('a prologue', () => {
  it('moves what names a place, and leaves the function where it begins', () => {
    const prologue = encode(assemble('r6 = r1; r1 = r6'));
    const { insns, references, coreRelocations, funcInfo, lineInfo } = withPrologue(program, prologue);
    expect(insns).toEqual(Uint8Array.from([...prologue, ...program.insns]));
    expect(references).toMatchObject([{ pc: 2, name: 'm' }]);
    expect(coreRelocations).toMatchObject([{ pc: 5 }]);
    expect(funcInfo).toEqual(u32s(0, 7, 6, 8));
    expect(lineInfo).toEqual(u32s(0, 1, 2, 3, 6, 1, 2, 3));
  });

  it('of nothing changes nothing', () => {
    expect(withPrologue(program, new Uint8Array())).toBe(program);
  });
});

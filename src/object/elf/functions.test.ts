import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ElfError } from '../../base/errors.ts';
import { Executable } from './executable.ts';
import { fileFunctions } from './functions.ts';

const functionsOf = (bytes: Uint8Array, wanted: (name: string) => boolean) =>
  fileFunctions(new Executable(bytes), wanted);

/** An executable of one segment (file 0x100 at address 0x401000) and the symbols `_start`, `target`, `data`. */
function executable(): Uint8Array {
  const bytes = new Uint8Array(0x300);
  const dv = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  dv.setBigUint64(32, 64n, true); // segments
  dv.setBigUint64(40, 0x200n, true); // sections
  dv.setUint16(54, 56, true);
  dv.setUint16(56, 1, true);
  dv.setUint16(58, 64, true);
  dv.setUint16(60, 3, true);
  dv.setUint32(64, 1, true);
  dv.setBigUint64(64 + 8, 0x100n, true);
  dv.setBigUint64(64 + 16, 0x401000n, true);
  dv.setBigUint64(64 + 32, 0x40n, true);
  const names = '\0_start\0target\0data\0';
  bytes.set(new TextEncoder().encode(names), 0x180);
  const symbol = (i: number, name: string, kind: number, value: bigint) => {
    const at = 0x120 + i * 24;
    dv.setUint32(at, names.indexOf(name), true);
    dv.setUint8(at + 4, kind);
    dv.setUint16(at + 6, 1, true);
    dv.setBigUint64(at + 8, value, true);
  };
  symbol(0, '_start', 0x12, 0x401000n);
  symbol(1, 'target', 2, 0x401010n);
  symbol(2, 'data', 1, 0x401020n);
  const section = (i: number, type: number, offset: bigint, size: bigint, link: number) => {
    const at = 0x200 + i * 64;
    dv.setUint32(at + 4, type, true);
    dv.setBigUint64(at + 24, offset, true);
    dv.setBigUint64(at + 32, size, true);
    dv.setUint32(at + 40, link, true);
  };
  section(1, 2, 0x120n, 72n, 2);
  section(2, 3, 0x180n, BigInt(names.length), 0);
  return bytes;
}

describe('functions of a file', () => {
  it('lie where the segment that holds them begins in the file', () => {
    expect(functionsOf(executable(), () => true)).toEqual([
      { name: '_start', offset: 0x100 },
      { name: 'target', offset: 0x110 },
    ]);
  });

  it('are found in the program that runs this test', () => {
    const node = new Uint8Array(readFileSync(process.execPath));
    const [main] = functionsOf(node, (name) => name === 'main' || name === 'uv_run');
    expect(main!.offset).toBeGreaterThan(0);
  });

  it('are refused with a reason in what is no such file', () => {
    expect(() => functionsOf(new Uint8Array(100), () => true)).toThrow(ElfError);
    const cut = executable().subarray(0, 0x210);
    expect(() => functionsOf(cut, () => true)).toThrow('the section table lies outside of the file');
  });

  it('of any bytes are an answer or an ElfError', () => {
    const damaged = fc.array(fc.tuple(fc.nat(0x2ff), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(damaged, fc.nat(0x300), (changes, length) => {
        const bytes = executable();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          functionsOf(bytes.slice(0, length), () => true);
        } catch (error) {
          expect(error).toBeInstanceOf(ElfError);
        }
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BtfBuilder, parseBtf } from '../../src/btf/index.ts';
import { type VerifierMap, verify } from '../../src/verifier/index.ts';
import { generateProgram } from '../support/generator/program.ts';

const map = (id: number, type: number): VerifierMap => ({
  id,
  name: `m${id}`,
  type,
  keySize: 4,
  valueSize: 16,
  maxEntries: 4,
  flags: 0,
  frozen: false,
});
const noBtf = () => parseBtf(new BtfBuilder().build());

function run(insns: Uint8Array, progType: number, logLevel = 1) {
  return verify({
    insns,
    name: 'fuzz',
    progType,
    attachType: 0,
    flags: 0,
    gplCompatible: true,
    mapByFd: (fd) => (fd === 1 ? map(1, 2) : fd === 2 ? map(2, 1) : undefined),
    kernelBtf: noBtf,
    logLevel,
  });
}

const OPCODES = [
  0x18, 0x61, 0x71, 0x79, 0x62, 0x7a, 0x63, 0x7b, 0xdb, 0x07, 0x0f, 0x57, 0x67, 0xb7, 0xbf, 0xb4, 0xbc, 0x05, 0x15,
  0x1d, 0x25, 0x2d, 0x55, 0xa5, 0xc5, 0x85, 0x95, 0xd4, 0xdc, 0x87,
];

/** Programs of known opcodes with small operands: they get further than any bytes. */
const plausible = fc
  .array(
    fc.tuple(
      fc.constantFrom(...OPCODES),
      fc.nat(10),
      fc.nat(10),
      fc.integer({ min: -16, max: 16 }),
      fc.oneof(fc.integer({ min: -8, max: 200 }), fc.integer()),
    ),
    { minLength: 1, maxLength: 24 },
  )
  .map((list) => {
    const out = new Uint8Array((list.length + 2) * 8);
    const dv = new DataView(out.buffer);
    list.forEach(([code, dst, src, off, imm], k) => {
      out[k * 8] = code;
      out[k * 8 + 1] = dst | (src << 4);
      dv.setInt16(k * 8 + 2, off, true);
      dv.setInt32(k * 8 + 4, imm, true);
    });
    out[list.length * 8] = 0xb7;
    out[(list.length + 1) * 8] = 0x95;
    return out;
  });

describe('any bytes as a program', () => {
  it('give a verdict, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(32), (bytes, type) => {
        const insns = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
        insns.set(bytes);
        const result = run(insns, type);
        expect(result.log).toContain('processed ');
      }),
      { numRuns: 500 },
    );
  });

  it('of known opcodes give a verdict, and the log does not change it', () => {
    fc.assert(
      fc.property(plausible, fc.constantFrom(1, 3, 6, 5, 17), (insns, type) => {
        const quiet = run(insns, type, 0);
        const loud = run(insns, type, 2);
        expect(loud.ok).toBe(quiet.ok);
        expect(loud.stats).toEqual(quiet.stats);
        if (!quiet.ok) expect(quiet.errno).toBeGreaterThan(0);
      }),
      { numRuns: 800 },
    );
  });

  it('generated programs give the same answer twice', () => {
    for (let seed = 0; seed < 40; seed++) {
      const p = generateProgram(seed);
      const first = run(p.insns, 6, 0);
      expect(run(p.insns, 6, 0).stats).toEqual(first.stats);
    }
  });
});

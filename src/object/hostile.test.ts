import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SkepError } from '../base/errors.ts';
import { parseBtf } from '../btf/index.ts';
import { parseElf, parseObject, relocateCore } from './index.ts';

const fixture = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../test/fixtures/object/${name}`, import.meta.url)));

const OBJECTS = ['link.bpf.o', 'core.bpf.o'].map(fixture);
const TARGET = parseBtf(parseElf(fixture('target.bpf.o')).section('.BTF')!.data);

/** Reads and relocates all of it. Whatever the bytes: an answer, or an error that says what is wrong. */
function readAll(bytes: Uint8Array): void {
  try {
    const spec = parseObject(bytes);
    for (const p of spec.programs.values()) if (spec.btf) relocateCore(p, spec.btf, TARGET);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
  }
}

/** Words changed, bytes changed, the end cut off. */
const mutation = fc.record({
  object: fc.constantFrom(...OBJECTS),
  words: fc.array(fc.tuple(fc.nat(), fc.constantFrom(0, 1, 2, 7, 8, 0x7fff_ffff, 0xffff_ffff, 0x1000)), {
    maxLength: 4,
  }),
  bytes: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
  end: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 8 }),
});

describe('hostile objects', () => {
  it('give an answer or a typed error, whatever is changed in a real one', () => {
    fc.assert(
      fc.property(mutation, ({ object, words, bytes, end }) => {
        const out = object.slice();
        const dv = new DataView(out.buffer);
        for (const [at, value] of words) dv.setUint32((at % (out.length >> 2)) * 4, value, true);
        for (const [at, value] of bytes) out[at % out.length] = value;
        readAll(end === null ? out : out.subarray(0, Math.floor(out.length * end)));
      }),
      { numRuns: 300 },
    );
  });

  it('give an answer or a typed error when the tables of the file are changed', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OBJECTS), fc.nat(), fc.nat(255), fc.nat(255), (object, where, value, other) => {
        const out = object.slice();
        const dv = new DataView(out.buffer);
        const table = Number(dv.getBigUint64(40, true));
        out[table + (where % (out.length - table))] = value;
        out[where % 64] = other;
        readAll(out);
      }),
      { numRuns: 300 },
    );
  });

  it('give a typed error where the bytes are no ELF file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => parseObject(bytes)).toThrow(SkepError);
      }),
    );
  });

  it.each(OBJECTS.map((object, i) => [i, object] as const))(
    'give a typed error or an answer cut off anywhere (%i)',
    (_, object) => {
      for (let end = 0; end < object.length; end += 97) readAll(object.subarray(0, end));
    },
  );

  it.each([
    ['is empty', new Uint8Array(0), /not an ELF file/],
    ['is text', new TextEncoder().encode('#include <linux/bpf.h>'), /not an ELF file/],
    ['ends in the header', OBJECTS[0]!.slice(0, 40), /ends inside the ELF header/],
    ['is for big-endian BPF', patched(5, 2), /big-endian/],
    ['is 32-bit', patched(4, 1), /32-bit/],
    ['is for another machine', patched(18, 62), /machine 62, not for BPF/],
    ['is an executable', patched(16, 2), /of type 2/],
  ])('say that the file %s', (_, bytes, message) => {
    expect(() => parseObject(bytes)).toThrow(message);
  });
});

function patched(at: number, value: number): Uint8Array {
  const out = OBJECTS[0]!.slice();
  out[at] = value;
  return out;
}

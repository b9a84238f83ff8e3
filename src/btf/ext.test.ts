import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { view } from '../base/bytes.ts';
import { BtfError } from '../base/errors.ts';
import { BtfBuilder } from './build.ts';
import { parseBtfExt } from './ext.ts';
import { parseBtf } from './read.ts';

const builder = new BtfBuilder();
const XDP = builder.stringOffset('xdp');
const ACCESS = builder.stringOffset('0:1:2');
const BTF = parseBtf(builder.build());

/** A section with the given parts, each a list of words. */
function ext(func: number[], line: number[], core: number[] = []): Uint8Array {
  const words = [0x0001_eb9f, 32, 0, func.length * 4, func.length * 4, line.length * 4, 0, core.length * 4];
  words[6] = (func.length + line.length) * 4;
  const all = [...words, ...func, ...line, ...core];
  const out = new Uint8Array(all.length * 4);
  all.forEach((w, i) => {
    view(out).setUint32(i * 4, w, true);
  });
  return out;
}

const GOOD = ext([8, XDP, 1, 16, 7], [16, XDP, 2, 0, 1, 2, 1029, 8, 3, 4, 5], [16, XDP, 1, 24, 9, ACCESS, 2]);

describe('parseBtfExt', () => {
  it('reads functions, lines and relocations by section', () => {
    expect(parseBtfExt(GOOD, BTF)).toEqual({
      funcInfo: [{ section: 'xdp', records: [{ offset: 16, typeId: 7 }] }],
      lineInfo: [
        {
          section: 'xdp',
          records: [
            { offset: 0, fileNameOff: 1, lineOff: 2, lineCol: 1029 },
            { offset: 8, fileNameOff: 3, lineOff: 4, lineCol: 5 },
          ],
        },
      ],
      coreRelocations: [{ section: 'xdp', records: [{ offset: 24, typeId: 9, access: '0:1:2', kind: 2 }] }],
    });
  });

  it('skips what newer compilers put after the fields of a record', () => {
    expect(parseBtfExt(ext([12, XDP, 1, 16, 7, 99], []), BTF).funcInfo).toEqual([
      { section: 'xdp', records: [{ offset: 16, typeId: 7 }] },
    ]);
  });

  it.each([
    ['too few bytes', GOOD.slice(0, 20), /needs a header of 24 bytes/],
    ['small records', ext([4, XDP, 1, 16, 7], []), /func_info cannot have records of 4 bytes/],
    ['more records than bytes', ext([8, XDP, 1000, 16, 7], []), /has 1000 records, more than fit/],
    ['a section without a name', ext([8, 0, 1, 16, 7], []), /a section without a name/],
    ['a section without records', ext([8, XDP, 0], []), /has no records for section xdp/],
    ['a part past the end', GOOD.slice(0, GOOD.length - 4), /core_relo ends at/],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseBtfExt(bytes, BTF)).toThrow(message);
  });

  it('gives a value or a BtfError for any bytes', () => {
    const changed = fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
      const out = GOOD.slice();
      for (const [at, value] of changes) out[at] = value;
      return out;
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 64 })), (bytes) => {
        try {
          parseBtfExt(bytes, BTF);
        } catch (error) {
          expect(error).toBeInstanceOf(BtfError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attr, attrNest, attrText, attrU32, decodeAttrs, decodeMessages, encodeMessage, numberOf } from './message.ts';

const bytes = (max: number) => fc.uint8Array({ maxLength: max });

describe('netlink messages', () => {
  it('reads what it wrote', () => {
    const attrs = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 0x3fff }), bytes(40)), { selector: (a) => a[0] });
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.nat(0xffffffff), attrs, (type, flags, seq, given) => {
        const message = encodeMessage(type, flags, seq, [new Uint8Array(8), ...given.map(([t, p]) => attr(t, p))]);
        const [read, ...more] = decodeMessages(message);
        expect(more).toEqual([]);
        expect(read).toMatchObject({ type, flags, seq });
        expect([...decodeAttrs(read!.body, 8)].map(([t, p]) => [t, [...p]])).toEqual(
          given.map(([t, p]) => [t, [...p]]),
        );
      }),
    );
  });

  it('reads attributes inside attributes, numbers of one and of four bytes, and nothing as 0', () => {
    const outer = decodeAttrs(attrNest(43, [attrU32(1, 0xfffffff0), attr(2, new Uint8Array([7])), attrText(3, 'x')]));
    const inner = decodeAttrs(outer.get(43)!);
    expect([1, 2, 9].map((type) => numberOf(inner, type))).toEqual([0xfffffff0, 7, 0]);
  });

  it('ends where lengths do not fit, whatever the bytes are', () => {
    fc.assert(
      fc.property(bytes(200), fc.nat(20), (input, from) => {
        for (const { body } of decodeMessages(input)) decodeAttrs(body, from);
        for (const [type, payload] of decodeAttrs(input, from)) {
          expect(type).toBeLessThanOrEqual(0x3fff);
          decodeAttrs(payload);
        }
      }),
    );
  });
});

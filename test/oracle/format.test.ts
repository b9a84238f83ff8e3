/**
 * bpf_snprintf: the machine's kernel and ours take the same formats and make the same bytes of them.
 */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parseFormat } from '../../src/helpers/format/parse.ts';
import { BpfFormatOracle, type FormatArg } from '../support/format-oracle.ts';
import { TestHelperEnv } from '../support/helper-env.ts';
import { MachineBpf } from '../support/machine-bpf.ts';

const machine = await MachineBpf.open();
const reason = typeof machine === 'string' ? machine : '';
afterAll(() => {
  if (typeof machine !== 'string') machine.close();
});

const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** What our bpf_snprintf makes of it, in the oracle's words: `null` where the format is refused. */
function ours(format: string, args: readonly FormatArg[], size: number): { ret: bigint; bytes: Uint8Array } | null {
  if (typeof parseFormat(latin1(format), args.length) === 'number') return null;
  const env = new TestHelperEnv();
  const data = env.mem.alloc(Math.max(args.length * 8, 8));
  args.forEach((arg, i) => {
    const value = typeof arg === 'bigint' ? arg : BigInt(env.put(typeof arg === 'string' ? latin1(`${arg}\0`) : arg));
    env.mem.setU64(data + i * 8, BigInt.asUintN(64, value));
  });
  const to = env.mem.alloc(Math.max(size, 1));
  const ret = env.call('snprintf', to, size, env.put(latin1(`${format}\0`)), data, args.length * 8);
  return { ret, bytes: env.mem.read(to, size) };
}

const numbers = fc.oneof(
  fc.bigInt({ min: 0n, max: 4095n }),
  fc.bigInt({ min: 0xffff_8880_0000_0000n, max: 0xffff_8880_ffff_ffffn }),
  fc.bigInt({ min: (1n << 64n) - 5000n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, 65n, 0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn),
);
const text = fc.oneof(
  { weight: 9, arbitrary: fc.string({ maxLength: 40, unit: 'binary-ascii' }).map((s) => s.replaceAll('\0', '')) },
  { weight: 1, arbitrary: fc.nat(400).map((n) => 'x'.repeat(n)) },
);
const flags = fc.array(fc.constantFrom('0', '-', '+', ' '), { maxLength: 3 }).map((a) => a.join(''));
const width = fc.oneof(fc.constant(''), fc.nat(30).map(String), fc.constantFrom('999', '70000', '99999999999'));
const literal = fc.string({ maxLength: 6, unit: 'grapheme-ascii' }).map((s) => s.replaceAll('%', '%%'));
const after = fc.constantFrom('', ' ', '.', '|', 'x', '4', '\n', ':');

/** A conversion and an argument that suits it. `%p` itself is left out: its hash is a secret of each kernel. */
const good = fc.oneof(
  fc.tuple(fc.constantFrom('d', 'i', 'u', 'x', 'X', 'ld', 'li', 'lu', 'lx', 'lX', 'lld', 'llu', 'llx', 'c'), numbers),
  fc.tuple(fc.constantFrom('px', 'ps', 'pS', 'pB'), numbers),
  fc.tuple(fc.constantFrom('p', 'pK'), fc.constantFrom(0n, (1n << 64n) - 1n)),
  fc.tuple(fc.constantFrom('s', 'pks', 'pus'), fc.oneof(text, fc.constant(7n))),
  fc.tuple(fc.constantFrom('pi4', 'pI4', 'pi6', 'pI6'), fc.uint8Array({ minLength: 16, maxLength: 16 })),
);
const junk = fc.tuple(
  fc.string({ maxLength: 3, unit: fc.constantFrom(...'diuxXlpsScKkIi46Bn#.*hzq5 ') }),
  fc.constant<FormatArg>(0n),
);
const piece = fc.tuple(
  literal,
  flags,
  width,
  fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: junk }),
  after,
);
const cases = fc.record({
  pieces: fc.array(piece, { maxLength: 12 }),
  size: fc.oneof(
    fc.nat(64).map((n) => n + 1),
    fc.constant(2000),
  ),
});

describe.skipIf(reason !== '')(`bpf_snprintf as on this machine${reason && `: ${reason}`}`, () => {
  test('random formats are taken or refused alike, and give the same bytes and answers', () => {
    if (typeof machine === 'string') return;
    const oracle = new BpfFormatOracle(machine);
    let accepted = 0;
    fc.assert(
      fc.property(cases, ({ pieces, size }) => {
        const format = pieces.map(([before, f, w, [letters], end]) => `${before}%${f}${w}${letters}${end}`).join('');
        const args = pieces.map(([, , , [, arg]]) => arg);
        const theirs = oracle.snprintf(format, args, size);
        const mine = ours(format, args, size);
        if (typeof theirs === 'string') {
          expect({ format, answer: mine }).toEqual({ format, answer: null });
          return;
        }
        accepted++;
        // Once a rendered address does not fit, Linux reads the arguments after it from the wrong place: lengths say nothing.
        const lost = theirs.ret > BigInt(size) && /%[^%]*p[kuiIB]/.test(format);
        expect({ format, bytes: mine?.bytes, ret: lost ? null : mine?.ret }).toEqual({
          format,
          bytes: theirs.bytes,
          ret: lost ? null : theirs.ret,
        });
      }),
      { numRuns: 600, seed: 4711 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});

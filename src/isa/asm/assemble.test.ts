import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../base/bytes.ts';
import { AsmError } from '../../base/errors.ts';
import { disassembleLlvm } from '../disasm/llvm.ts';
import { decode, encode, Insns } from '../insns.ts';
import {
  BPF_ATOMIC,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_FETCH,
  BPF_LOAD_ACQ,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_STORE_REL,
  BPF_XCHG,
  CALL,
  EXIT,
  isAlu,
  isAtomic,
  isCondJump,
  isGoto,
  isKnownOpcode,
  isMayGoto,
  isPacketLoad,
  LD_IMM64,
  modeOf,
  slotsOf,
} from '../opcodes.ts';
import { assemble } from './assemble.ts';
import { toAssembly } from './to-assembly.ts';

const hex = (text: string, names = {}): string => toHex(encode(assemble(text, names)));

describe('assemble', () => {
  const same: [string, string, string][] = [
    ['a move', 'r0 = 1', 'r0 = 0x1'],
    ['a negative number', 'r2 += -8', 'r2 += -0x8'],
    ['32-bit arithmetic', 'w0 s>>= 5', 'w0 s>>= 0x5'],
    ['signed division', 'r0 s/= r1', 'r0 s/= r1'],
    ['a load', 'r1 = *(u8 *)(r2 -3)', 'w1 = *(u8 *)(r2 - 0x3)'],
    ['a load that extends the sign', 'r1 = *(s16 *)(r2 +4)', 'r1 = *(s16 *)(r2 + 0x4)'],
    ['a store', '*(u32 *)(r10 -8) = r1', '*(u32 *)(r10 - 0x8) = w1'],
    ['a store of a number', '*(u64 *)(r10 -8) = -1', '*(u64 *)(r10 - 0x8) = -0x1'],
    ['a locked operation', 'lock *(u64 *)(r10 -8) &= r1', 'lock *(u64 *)(r10 - 0x8) &= r1'],
    ['a fetch', 'r1 = atomic64_fetch_or((u64 *)(r2 +0), r1)', 'r1 = atomic_fetch_or((u64 *)(r2 + 0x0), r1)'],
    ['a 32-bit fetch', 'r1 = atomic_fetch_or((u32 *)(r2 +0), r1)', 'w1 = atomic_fetch_or((u32 *)(r2 + 0x0), w1)'],
    ['an exchange', 'r1 = atomic64_xchg((u64 *)(r2 +8), r1)', 'r1 = xchg_64(r2 + 0x8, r1)'],
    ['a comparison and exchange', 'r0 = atomic_cmpxchg((u32 *)(r2 +8), r0, r1)', 'w0 = cmpxchg32_32(r2 + 0x8, w0, w1)'],
    ['a jump', 'if r1 s< 0xfffffffe goto pc+2', 'if r1 s< -0x2 goto +0x2 <LBB0_3>'],
    ['a long jump', 'gotol pc-5', 'gotol -0x5'],
    ['a helper', 'call bpf_map_lookup_elem#1', 'call 0x1'],
    ['a packet load', 'r0 = *(u16 *)skb[12]', 'r0 = *(u16 *)skb[0xc]'],
    ['a byte swap', 'r1 = be16 r1', 'r1 = be16 r1'],
    ['a 64-bit number', 'r1 = 0x1122334455667788', 'r1 = 0x1122334455667788 ll'],
    ['an address space', 'r1 = addr_space_cast(r2, 0, 1)', 'r1 = addr_space_cast(r2, 0x0, 0x1)'],
  ];
  test.each(same)('reads %s in both spellings', (_what, kernel, llvm) => {
    expect(hex(kernel)).toBe(hex(llvm));
  });

  test('separates statements by newlines and semicolons, and skips comments', () => {
    expect(hex('r0 = 0; exit // done\n\n /* nothing\n here */ ;; exit')).toBe(
      'b7000000000000009500000000000000' + '9500000000000000',
    );
  });

  test('resolves labels forwards and backwards, over 64-bit immediates', () => {
    const text = `
      again: r1 = 5 ll
      if r1 == 5 goto out
      goto again
      gotol out
      call sub
    out: exit
    sub: r0 = 0; exit`;
    expect(toAssembly(assemble(text))).toBe(
      'r1 = 0x5 ll\nif r1 == 0x5 goto pc+3\ngoto pc-4\ngotol pc+1\ncall pc+1\nexit\nr0 = 0\nexit\n',
    );
  });

  test('takes a label before a helper of the same name', () => {
    expect(toAssembly(assemble('call loop; exit; loop: exit'))).toBe('call pc+1\nexit\nexit\n');
    expect(toAssembly(assemble('call loop; exit'))).toBe('call bpf_loop#181\nexit\n');
  });

  test('names maps and kernel functions by what the caller says', () => {
    const names = { maps: { counts: 7 }, kfuncs: { bpf_rcu_read_lock: 1234 } };
    expect(toAssembly(assemble('r1 = map[counts]; r2 = map[counts][0]+8; call bpf_rcu_read_lock', names))).toBe(
      'r1 = map[fd:7]\nr2 = map[fd:7][0]+8\ncall kernel-function#1234\n',
    );
  });

  test('writes a number that needs 64 bits as a 64-bit immediate, and a short one as a move', () => {
    expect(assemble('r1 = 0xffffffff').length).toBe(2);
    expect(assemble('r1 = -1').length).toBe(1);
    expect(assemble('r1 = -1 ll').length).toBe(2);
    expect(assemble('w1 = 0xffffffff').imm[0]).toBe(-1);
  });

  const wrong: [string, string, string][] = [
    ['r0 = 1\n  frob r1', '2:3', '"frob" is no instruction'],
    ['r0 += w1', '1:7', 'both registers must be r'],
    ['r0 = 5 5', '1:8', 'expected the end of the statement'],
    ['goto nowhere', '1:6', 'nothing is named "nowhere"'],
    ['a: exit; a: exit', '1:10', 'there twice'],
    ['r16 = 1', '1:1', '"r16" is no instruction'],
    ['*(u8 *)(r1 +40000) = 1', '1:12', 'must lie between'],
    ['r0 += 0x1ffffffff', '1:7', 'must lie between'],
    ['r1 = map[x]', '1:10', 'there is no map named "x"'],
    ['call frobnicate', '1:6', 'no label, helper or kernel function'],
    ['call bpf_map_lookup_elem#2', '1:6', 'is helper 1, not 2'],
    ['r1 = 12ab', '1:6', '"12ab" cannot be read'],
    ['r1 = xchg_64(r2 + 0, r3)', '1:13', 'must be the same register'],
    ['r1 = 99999999999999999999', '1:6', 'must lie between'],
    ['if r0 = 5 goto +1', '1:7', 'expected a comparison'],
    ['r1 =', '1:5', 'the end of the statement'],
  ];
  test.each(wrong)('says what is wrong with %j and where', (text, where, what) => {
    let error: unknown;
    try {
      assemble(text);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(AsmError);
    expect((error as AsmError).where).toBe(where);
    expect((error as AsmError).message).toContain(what);
  });

  test('refuses a jump that 16 bits do not reach', () => {
    const text = `goto far\n${'exit\n'.repeat(32768)}far: exit`;
    expect(() => assemble(text)).toThrow('use gotol');
    expect(assemble(`gotol far\n${'exit\n'.repeat(32768)}far: exit`).imm[0]).toBe(32768);
  });

  test('answers instructions or an AsmError for any text', () => {
    const words = fc.constantFrom(
      ...'r0 w1 r10 = += s>>= ( ) * u8 u64 if goto pc + - 5 0x10 ll call # [ ] : , lock map fd skb exit x s8 be16 < > \n ; // /* bpf_loop store_release'.split(
        ' ',
      ),
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 30 }).map((list) => list.join(' ')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          assemble(text);
        } catch (e) {
          if (!(e instanceof AsmError)) throw e;
        }
      }),
      { numRuns: 3000 },
    );
  });
});

/** One instruction whose unused fields are zero. Two slots for a 64-bit immediate. */
const validInsn: fc.Arbitrary<Insns> = fc
  .record({
    code: fc.integer({ min: 0, max: 255 }).filter(isKnownOpcode),
    dst: fc.integer({ min: 0, max: 10 }),
    src: fc.integer({ min: 0, max: 10 }),
    off: fc.integer({ min: -0x8000, max: 0x7fff }),
    imm: fc.oneof(fc.integer({ min: -0x80000000, max: 0x7fffffff }), fc.integer({ min: -9, max: 9 })),
    high: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    pick: fc.nat(),
  })
  .map(({ code, dst, src, off, imm, high, pick }) => {
    const insns = new Insns(slotsOf(code));
    const set = (d: number, s: number, o: number, i: number): Insns => {
      insns.code[0] = code;
      insns.dst[0] = d;
      insns.src[0] = s;
      insns.off[0] = o;
      insns.imm[0] = i;
      return insns;
    };
    const isX = (code & 8) !== 0;
    if (code === LD_IMM64) {
      const kind = pick % 7;
      insns.imm[1] = kind === 0 || kind === 2 || kind === 3 || kind === 6 ? high : 0;
      return set(dst, kind, 0, imm);
    }
    if (code === CALL) {
      const kind = pick % 3;
      if (kind === BPF_PSEUDO_CALL) return set(0, kind, 0, imm);
      if (kind === BPF_PSEUDO_KFUNC_CALL) return set(0, kind, off, imm);
      return set(0, 0, 0, pick % 300);
    }
    if (code === EXIT) return set(0, 0, 0, 0);
    if (isGoto(code)) return (code & 7) === 5 ? set(0, 0, off, 0) : set(0, 0, 0, imm);
    if (isMayGoto(code)) return set(0, 0, off, 0);
    if (isCondJump(code)) return isX ? set(dst, src, off, 0) : set(dst, 0, off, imm);
    if (isAlu(code)) {
      const op = code & 0xf0;
      if (op === 0xd0) return set(dst, 0, 0, [16, 32, 64][pick % 3]!);
      if (op === 0x80) return set(dst, 0, 0, 0);
      if (op === 0x30 || op === 0x90) return isX ? set(dst, src, pick % 2, 0) : set(dst, 0, pick % 2, imm);
      if (op === 0xb0 && isX) {
        const wide = (code & 7) === 7;
        const offs = wide ? [0, 8, 16, 32, 1, -1] : [0, 8, 16];
        const o = offs[pick % offs.length]!;
        return set(dst, src, o, o === 1 ? imm : 0);
      }
      return isX ? set(dst, src, 0, 0) : set(dst, 0, 0, imm);
    }
    if (isPacketLoad(code)) return modeOf(code) === 0x20 ? set(0, 0, 0, imm) : set(0, src, 0, imm);
    if (isAtomic(code)) {
      const kinds = [0, 0x40, 0x50, 0xa0].flatMap((op) => [op, op | BPF_FETCH]);
      kinds.push(BPF_XCHG, BPF_CMPXCHG, BPF_LOAD_ACQ, BPF_STORE_REL);
      return set(dst, src, off, kinds[pick % kinds.length]!);
    }
    return (code & 7) === 2 ? set(dst, 0, off, imm) : set(dst, src, off, 0);
  });

const concat = (list: readonly Insns[]): Uint8Array => {
  const out: number[] = [];
  for (const insns of list) out.push(...encode(insns));
  return Uint8Array.from(out);
};

describe('round trip', () => {
  test('decode and encode undo one another on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (some) => {
        const bytes = new Uint8Array(some.length * 8).map((_, i) => some[i % some.length]! ^ i);
        expect(encode(decode(bytes))).toEqual(bytes);
      }),
    );
  });

  test('assembling what toAssembly wrote gives every valid program back', () => {
    fc.assert(
      fc.property(fc.array(validInsn, { maxLength: 20 }), (list) => {
        const bytes = concat(list);
        const text = toAssembly(decode(bytes));
        expect(toHex(encode(assemble(text))), text).toBe(toHex(bytes));
      }),
      { numRuns: 2000 },
    );
  });

  test("assembling llvm-objdump's spelling gives back every instruction that it shows in full", () => {
    fc.assert(
      fc.property(validInsn, (insns) => {
        const code = insns.code[0]!;
        // Not shown by LLVM: what a 64-bit immediate or a call stands for, an indirect packet load's offset.
        fc.pre(!(code === LD_IMM64 && insns.src[0] !== 0) && !(code === CALL && insns.src[0] !== 0));
        fc.pre(!(isPacketLoad(code) && modeOf(code) === 0x40 && insns.imm[0] !== 0));
        const text = disassembleLlvm(insns, 0);
        fc.pre(text !== '<unknown>');
        const back = assemble(text);
        expect(toHex(encode(back)), text).toBe(toHex(encode(insns)));
      }),
      { numRuns: 3000 },
    );
  });

  test('a 64-bit comparison and exchange is not the 32-bit one', () => {
    expect(assemble('r0 = cmpxchg_64(r1 + 0, r0, r2)').code[0]).toBe(3 | BPF_ATOMIC | BPF_DW);
  });
});

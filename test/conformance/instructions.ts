/**
 * Instruction tests of our own, from RFC 9669: what r0 is at the end. `memory` is what r1 points to, r2 its size.
 */

export interface InstructionCase {
  readonly does: string;
  readonly text: string;
  readonly r0: bigint;
  /** Hex. */
  readonly memory?: string;
  /** Hex, where the program changes it. */
  readonly after?: string;
}

const MINUS_1 = 0xffff_ffff_ffff_ffffn;
const MIN = 0x8000_0000_0000_0000n;

/** `op` on two registers, 64 and 32 bits wide. */
function binary(op: string, a: bigint, b: bigint, wide: bigint, narrow: bigint): InstructionCase[] {
  const load = `r0 = ${a} ll\nr3 = ${b} ll`;
  return [
    { does: `${a} ${op} ${b}`, text: `${load}\nr0 ${op} r3\nexit`, r0: wide },
    { does: `${a} ${op} ${b} in 32 bits`, text: `${load}\nw0 ${op} w3\nexit`, r0: narrow },
  ];
}

/** Whether a jump is taken, with a register and, where it fits, an immediate. */
function jump(a: bigint, op: string, b: bigint, wide: boolean, narrow: boolean): InstructionCase[] {
  const cases: InstructionCase[] = [];
  for (const [letter, taken] of [
    ['r', wide],
    ['w', narrow],
  ] as const) {
    const test = (right: string): string =>
      `r3 = ${a} ll\nr4 = ${b} ll\nr0 = 1\nif ${letter}3 ${op} ${right} goto out\nr0 = 0\nout: exit`;
    const r0 = taken ? 1n : 0n;
    cases.push({ does: `if ${letter}(${a}) ${op} ${letter}(${b})`, text: test(`${letter}4`), r0 });
    const imm = BigInt.asIntN(32, b);
    if (BigInt.asUintN(64, imm) === b)
      cases.push({ does: `if ${letter}(${a}) ${op} ${imm}`, text: test(`${imm}`), r0 });
  }
  return cases;
}

/** A change of 32 and 64 bits of memory by an atomic operation, and what it answers. */
function atomic(statement: string, memory: string, after: string, r0: bigint): InstructionCase {
  return { does: statement, text: `r3 = 0x1122334455667788 ll\nr0 = 0\n${statement}\nexit`, memory, after, r0 };
}

export const INSTRUCTIONS: readonly InstructionCase[] = [
  { does: 'exit', text: 'r0 = 7\nexit', r0: 7n },
  { does: 'a move extends its immediate', text: 'r0 = -2\nexit', r0: 0xffff_ffff_ffff_fffen },
  { does: 'a 32-bit move does not', text: 'w0 = -2\nexit', r0: 0xffff_fffen },
  { does: 'a 64-bit immediate', text: 'r0 = 0xfedcba9876543210 ll\nexit', r0: 0xfedc_ba98_7654_3210n },
  { does: 'a 32-bit move clears the upper half', text: 'r3 = -1 ll\nw0 = w3\nexit', r0: 0xffff_ffffn },
  ...binary('+=', MINUS_1, 2n, 1n, 1n),
  ...binary('+=', 0xffff_ffffn, 1n, 0x1_0000_0000n, 0n),
  ...binary('-=', 0n, 1n, MINUS_1, 0xffff_ffffn),
  ...binary('-=', 0x1_0000_0000n, 1n, 0xffff_ffffn, 0xffff_ffffn),
  ...binary(
    '*=',
    0x1234_5678_9abc_def0n,
    0x1111_1111n,
    BigInt.asUintN(64, 0x1234_5678_9abc_def0n * 0x1111_1111n),
    BigInt.asUintN(32, 0x9abc_def0n * 0x1111_1111n),
  ),
  ...binary('/=', 0x1_0000_0000n, 3n, 0x5555_5555n, 0n),
  ...binary('/=', MINUS_1, 0n, 0n, 0n),
  ...binary('/=', MINUS_1, 0x1_0000_0000n, 0xffff_ffffn, 0n),
  ...binary('%=', 0x1_0000_0007n, 16n, 7n, 7n),
  ...binary('%=', MINUS_1, 0n, MINUS_1, 0xffff_ffffn),
  ...binary('s/=', MIN, MINUS_1, MIN, 0n),
  ...binary('s/=', 0x8000_0000n, MINUS_1, 0xffff_ffff_8000_0000n, 0x8000_0000n),
  ...binary('s/=', BigInt.asUintN(64, -7n), 2n, BigInt.asUintN(64, -3n), 0xffff_fffdn),
  ...binary('s/=', 5n, 0n, 0n, 0n),
  ...binary('s%=', BigInt.asUintN(64, -7n), 3n, MINUS_1, 0xffff_ffffn),
  ...binary('s%=', MIN, MINUS_1, 0n, 0n),
  ...binary('s%=', BigInt.asUintN(64, -7n), 0n, BigInt.asUintN(64, -7n), 0xffff_fff9n),
  ...binary('|=', 0xf0f0_0000_0f0fn, 0xff_0000_00ffn, 0xf0ff_0000_0fffn, 0x0fffn),
  ...binary('&=', 0xf0f0_f0f0_f0f0n, 0xff00_ff00_ff00n, 0xf000_f000_f000n, 0xf000_f000n),
  ...binary('^=', MINUS_1, 0xffff_0000_ffffn, 0xffff_0000_ffff_0000n, 0xffff_0000n),
  ...binary('<<=', 1n, 63n, MIN, 0x8000_0000n),
  ...binary('<<=', 1n, 68n, 16n, 16n),
  ...binary('<<=', 1n, 32n, 0x1_0000_0000n, 1n),
  ...binary('>>=', MIN, 63n, 1n, 0n),
  ...binary('>>=', 0x8000_0000_8000_0000n, 4n, 0x0800_0000_0800_0000n, 0x0800_0000n),
  ...binary('s>>=', 0x8000_0000_8000_0000n, 36n, 0xffff_ffff_f800_0000n, 0xf800_0000n),
  { does: 'negation', text: 'r0 = 5\nr0 = -r0\nexit', r0: 0xffff_ffff_ffff_fffbn },
  { does: 'negation of the smallest number', text: `r0 = ${MIN} ll\nr0 = -r0\nexit`, r0: MIN },
  { does: 'negation in 32 bits', text: 'r0 = 5\nw0 = -w0\nexit', r0: 0xffff_fffbn },
  { does: 'division by -1, an immediate', text: `r0 = ${MIN} ll\nr0 s/= -1\nexit`, r0: MIN },
  { does: 'division by an immediate that is extended', text: 'r0 = -1 ll\nr0 /= -2\nexit', r0: 1n },
  { does: 'a sign-extending move, 8 to 64', text: 'r3 = 0x180\nr0 = (s8)r3\nexit', r0: 0xffff_ffff_ffff_ff80n },
  { does: 'a sign-extending move, 16 to 64', text: 'r3 = 0x18000\nr0 = (s16)r3\nexit', r0: 0xffff_ffff_ffff_8000n },
  {
    does: 'a sign-extending move, 32 to 64',
    text: 'r3 = 0x180000000 ll\nr0 = (s32)r3\nexit',
    r0: 0xffff_ffff_8000_0000n,
  },
  { does: 'a sign-extending move, 8 to 32', text: 'r3 = 0x180\nw0 = (s8)w3\nexit', r0: 0xffff_ff80n },
  { does: 'a sign-extending move, 16 to 32', text: 'r3 = 0x18000\nw0 = (s16)w3\nexit', r0: 0xffff_8000n },
  ...[
    ['le16', 0x7788n],
    ['le32', 0x5566_7788n],
    ['le64', 0x1122_3344_5566_7788n],
    ['be16', 0x8877n],
    ['be32', 0x8877_6655n],
    ['be64', 0x8877_6655_4433_2211n],
    ['bswap16', 0x8877n],
    ['bswap32', 0x8877_6655n],
    ['bswap64', 0x8877_6655_4433_2211n],
  ].map(([name, r0]) => ({
    does: `${name}`,
    text: `r0 = 0x1122334455667788 ll\nr0 = ${name} r0\nexit`,
    r0: r0 as bigint,
  })),
  ...jump(5n, '==', 5n, true, true),
  ...jump(0x1_0000_0005n, '==', 5n, false, true),
  ...jump(0x1_0000_0005n, '!=', 5n, true, false),
  ...jump(MINUS_1, '==', 0xffff_ffffn, false, true),
  ...jump(MINUS_1, '>', 1n, true, true),
  ...jump(0x1_0000_0000n, '>', 5n, true, false),
  ...jump(5n, '>', 5n, false, false),
  ...jump(5n, '>=', 5n, true, true),
  ...jump(0x1_0000_0000n, '>=', 5n, true, false),
  ...jump(1n, '<', MINUS_1, true, true),
  ...jump(0x1_0000_0000n, '<', 1n, false, true),
  ...jump(5n, '<=', 5n, true, true),
  ...jump(0x1_0000_0000n, '<=', 0xffff_ffffn, false, true),
  ...jump(MINUS_1, 's>', 1n, false, false),
  ...jump(1n, 's>', MINUS_1, true, true),
  ...jump(0xffff_ffffn, 's>', 1n, true, false),
  ...jump(MINUS_1, 's>=', MINUS_1, true, true),
  ...jump(MINUS_1, 's<', 0n, true, true),
  ...jump(0x8000_0000n, 's<', 0n, false, true),
  ...jump(MIN, 's<=', MINUS_1, true, false),
  ...jump(0x1_0000_0000n, '&', 0x1_0000_0000n, true, false),
  ...jump(6n, '&', 2n, true, true),
  ...jump(6n, '&', 9n, false, false),
  ...jump(MIN, '&', MINUS_1, true, false),
  { does: 'goto', text: 'r0 = 1\ngoto out\nr0 = 2\nout: exit', r0: 1n },
  { does: 'gotol', text: 'r0 = 1\ngotol out\nr0 = 2\nout: exit', r0: 1n },
  { does: 'a loop', text: 'r0 = 0\nr3 = 10\nagain: r0 += r3\nr3 -= 1\nif r3 != 0 goto again\nexit', r0: 55n },
  {
    does: 'a loop that is entered in its middle',
    text: `r0 = 0
      r3 = 5
      if r2 == 0 goto middle
      goto head
      head: r0 += 100
      middle: r0 += 1
      r3 -= 1
      if r3 != 0 goto head
      exit`,
    r0: 405n,
  },
  ...[
    ['u8', 0xf8n],
    ['u16', 0xf7f8n],
    ['u32', 0xf5f6_f7f8n],
    ['u64', 0xf1f2_f3f4_f5f6_f7f8n],
    ['s8', 0xffff_ffff_ffff_fff8n],
    ['s16', 0xffff_ffff_ffff_f7f8n],
    ['s32', 0xffff_ffff_f5f6_f7f8n],
  ].map(([type, r0]) => ({
    does: `a load of ${type}`,
    text: `r0 = *(${type} *)(r1 +2)\nexit`,
    memory: '0000f8f7f6f5f4f3f2f1',
    r0: r0 as bigint,
  })),
  ...[
    ['u8', '0000880000000000000000'],
    ['u16', '0000887700000000000000'],
    ['u32', '0000887766550000000000'],
    ['u64', '0000887766554433221100'],
  ].map(([type, after]) => ({
    does: `a store of ${type}`,
    text: `r3 = 0x1122334455667788 ll\n*(${type} *)(r1 +2) = r3\nr0 = 0\nexit`,
    memory: '00'.repeat(11),
    after: after!,
    r0: 0n,
  })),
  {
    does: 'a store of an immediate extends it',
    text: '*(u64 *)(r1 +0) = -2\nr0 = *(u64 *)(r1 +0)\nexit',
    memory: '00'.repeat(8),
    after: 'feffffffffffffff',
    r0: 0xffff_ffff_ffff_fffen,
  },
  { does: 'a negative offset', text: 'r1 += 8\nr0 = *(u8 *)(r1 -8)\nexit', memory: '0900000000000000', r0: 9n },
  { does: 'the stack', text: '*(u64 *)(r10 -512) = 3\nr3 = r10\nr3 += -512\nr0 = *(u64 *)(r3 +0)\nexit', r0: 3n },
  atomic('lock *(u32 *)(r1 +0) += r3', 'ffffffff01000000', '8777665501000000', 0n),
  atomic('lock *(u64 *)(r1 +0) += r3', 'ffffffff01000000', '8777665546332211', 0n),
  atomic('lock *(u64 *)(r1 +0) |= r3', '0f00000000000000', '8f77665544332211', 0n),
  atomic('lock *(u64 *)(r1 +0) &= r3', 'ff000000000000ff', '8800000000000011', 0n),
  atomic('lock *(u32 *)(r1 +0) ^= r3', '8877665500000000', '0000000000000000', 0n),
  atomic('r3 = atomic64_fetch_add((u64 *)(r1 +0), r3)\nr0 = r3', '0100000000000000', '8977665544332211', 1n),
  atomic('r3 = atomic_fetch_add((u32 *)(r1 +0), r3)\nr0 = r3', 'ffffffff07000000', '8777665507000000', 0xffff_ffffn),
  atomic(
    'r3 = atomic64_xchg((u64 *)(r1 +0), r3)\nr0 = r3',
    '0500000000000080',
    '8877665544332211',
    0x8000_0000_0000_0005n,
  ),
  atomic('r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r3)', '0000000000000000', '8877665544332211', 0n),
  atomic('r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r3)', '0900000000000000', '0900000000000000', 9n),
  atomic(
    'r0 = -1 ll\nr0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r3)',
    'ffffffff00000000',
    '8877665500000000',
    0xffff_ffffn,
  ),
  {
    does: 'rotates, as compilers write them',
    text: `r0 = 0x1122334455667788 ll
      r3 = r0
      r3 <<= 12
      r0 >>= 52
      r0 |= r3
      w4 = w0
      w4 <<= 8
      w0 >>= 24
      w4 |= w0
      r0 = r4
      exit`,
    r0: rotated(),
  },
  {
    does: 'a call of a function, which keeps r6 to r9',
    text: `r6 = 1
      r1 = 5
      call double
      r0 += r6
      exit
      double: r6 = 100
      r0 = r1
      r0 += r1
      exit`,
    r0: 11n,
  },
];

/** The value of the rotate case, step by step. */
function rotated(): bigint {
  const x = 0x1122_3344_5566_7788n;
  const wide = BigInt.asUintN(64, (x << 12n) | (x >> 52n));
  const low = BigInt.asUintN(32, wide);
  return BigInt.asUintN(32, (low << 8n) | (low >> 24n));
}

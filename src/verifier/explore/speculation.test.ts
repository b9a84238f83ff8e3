/** Programs of callers without CAP_PERFMON, with what Linux 6.18 said of each to a process with CAP_BPF and CAP_NET_ADMIN. */
import { describe, expect, it } from 'vitest';
import { socketFilter } from '../../../test/support/verifier-input.ts';
import { assemble, encode } from '../../isa/index.ts';
import type { VerifierMap, VerifierResult } from '../program.ts';
import { verify } from '../verify.ts';

const array: VerifierMap = {
  id: 1,
  name: 'a',
  type: 2,
  keySize: 4,
  valueSize: 16,
  maxEntries: 4,
  flags: 0,
  frozen: false,
};

function load(text: string, progType = 1, logLevel = 1): VerifierResult {
  return verify(
    socketFilter(encode(assemble(text, { maps: { a: 1 } })), {
      progType,
      mapByFd: () => array,
      capabilities: { bpf: true, perfmon: false, netAdmin: true, sysAdmin: false },
      logLevel,
    }),
  );
}

/** The last line but the statistics; '' where it was accepted. */
function said(result: VerifierResult): string {
  return result.ok ? '' : result.log.trimEnd().split('\n').at(-2)!;
}

/** r9: a value of the map; r8: any number. */
const SCENE = `
  *(u32 *)(r10 -4) = 0
  r2 = r10
  r2 += -4
  r1 = map[a]
  call map_lookup_elem
  r9 = r0
  call get_prandom_u32
  r8 = r0
`;
const END = `
  r0 = 0
  exit
`;

describe('a branch that is settled', () => {
  it('is walked the wrong way too, with operands that could be anything', () => {
    const result = load('r0 = 0\nr6 = 5\nif r0 == 1 goto +2\nr0 = 3\nexit\nr6 = 2\nexit', 1, 2);
    expect(result.ok).toBe(true);
    expect(result.log).toContain('\nfrom 2 to 5 (speculative execution): R0=scalar() R1=ctx() R6=5 R10=fp0\n');
    expect(result.stats.processed).toBe(7);
  });

  it.each([
    ['a read of stack that nobody wrote', 'r6 = *(u64 *)(r10 -8)', 4],
    ['a read through a number', 'r6 = *(u64 *)(r0 +0)', 4],
    ['a register that nobody wrote', 'r6 = r9', 4],
  ])('forbids nothing on the wrong way: %s', (_, insn, processed) => {
    const result = load(`r0 = 0\nif r0 == 1 goto +1\nexit\n${insn}\nr6 = 7\nexit`);
    expect(result.ok).toBe(true);
    expect(result.stats.processed).toBe(processed);
  });

  it('ends a wrong way at a barrier that another one put there', () => {
    const two = `
      r0 = 0
      r7 = 1
      if r0 == 1 goto +3
      if r0 == 2 goto +3
      r0 = 0
      exit
      r7 = 5
      r8 = 5
      r6 = *(u64 *)(r7 +0)
      r6 = 7
      exit`;
    expect(load(two).stats.processed).toBe(11);
  });

  it('ends a wrong way at a store over a register that was spilled, or over nothing', () => {
    const store = (value: string) => `
      r6 = 0
      *(u64 *)(r10 -8) = r1
      if r6 == 0 goto +4
      r7 = 7
      *(u64 *)(r10 -16) = ${value}
      r7 = 8
      r7 = 9
      r0 = 0
      exit`;
    expect(load(store('r10')).stats.processed).toBe(7);
    expect(load(store('r7')).stats.processed).toBe(7);
  });
});

describe('arithmetic on pointers', () => {
  it.each([
    [
      'of the stack, out of it',
      'r6 = r10\nr6 += -600',
      'R6 stack pointer arithmetic goes out of range, prohibited for !root; off=-600',
    ],
    [
      'of the stack, to its end',
      'r7 = r10\nr6 = 0\nr7 += r6',
      'R7 stack pointer arithmetic goes out of range, prohibited for !root; off=0',
    ],
    [
      'of the stack, by an unknown number',
      'r6 = r8\nr6 &= 7\nr7 = r10\nr7 += -16\nr7 += r6',
      'R7 variable stack access prohibited for !root, var_off=(0x0; 0x7) off=-16',
    ],
    [
      'that begins at the end of the stack',
      'r7 = r10\nr7 += -512\nr6 = 511\nr7 += r6',
      'R7 tried to add beyond pointer bounds, pointer arithmetic with it prohibited for !root',
    ],
    [
      'of a map, out of its value',
      'r7 = r9\nr7 += 40',
      'R7 pointer arithmetic of map value goes out of range, prohibited for !root',
    ],
    [
      'of a map, by a number of either sign',
      'r6 = *(u64 *)(r9 +0)\nif r6 s> 7 goto +3\nif r6 s< -3 goto +2\nr7 = r9\nr7 += r6',
      'R6 has unknown scalar with mixed signed bounds, pointer arithmetic with it prohibited for !root',
    ],
    [
      'of a map, by one range or another',
      'r6 = r8\nr6 &= 7\nr7 = r9\nif r8 > 5 goto +1\nr6 &= 3\nr7 += r6',
      'R7 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root',
    ],
    [
      'of a map, by one constant or another',
      'r6 = 4\nr7 = r9\nif r8 > 5 goto +1\nr6 = 2\nr7 += r6',
      'R7 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root',
    ],
    [
      'of a map, or of a number',
      'r6 = 4\nr7 = r9\nif r8 > 5 goto +1\nr7 = 2\nr7 += r6',
      'R7 tried to add from different maps, paths or scalars, pointer arithmetic with it prohibited for !root',
    ],
    [
      'downwards, out of the value',
      'r7 = r9\nr6 = -1\nr7 += r6',
      'R7 pointer arithmetic of map value goes out of range, prohibited for !root',
    ],
  ])('is refused: %s', (_, text, message) => {
    expect(said(load(SCENE + text + END))).toBe(message);
  });

  it.each([
    ['a packet by a register', 'r3 = *(u32 *)(r1 +0)\nr4 = 8\nr3 += r4', 'R3'],
    ['the context by a register', 'r4 = 0\nr1 += r4', 'R1'],
  ])('is refused: %s', (_, text, regno) => {
    const message = 'has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root';
    expect(said(load(text + END, 6))).toBe(`${regno} ${message}`);
  });

  it.each([
    ['of a packet by an immediate', 'r3 = *(u32 *)(r1 +0)\nr3 += 8', 6],
    ['down from the end of a value', `${SCENE}r7 = r9\nr7 += 15\nr6 = 15\nr7 -= r6`, 1],
    ['as far on every path', `${SCENE}r6 = r8\nr6 &= 3\nr7 = r9\nif r8 > 5 goto +1\nr7 += 4\nr7 += r6`, 1],
  ])('is allowed: %s', (_, text, type) => {
    expect(said(load(text + END, type))).toBe('');
  });

  it('goes on where the mask lets nothing through, in both orders of the operands', () => {
    const sum = (text: string) => load(`${SCENE}r6 = r8\nr6 &= 3\nr7 = r9\n${text}${END}`, 1, 2).log;
    expect(sum('r7 += r6\nr1 = *(u8 *)(r7 +0)')).toMatch(
      /from 12 to 13 \(speculative execution\): .* R7=map_value\(map=a,ks=4,vs=16\)/,
    );
    expect(sum('r6 += r7\nr1 = *(u8 *)(r6 +0)')).toMatch(
      /from 12 to 13 \(speculative execution\): .* R6=map_value\(map=a,ks=4,vs=16\)/,
    );
  });
});

import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { assemble } from '../asm/assemble.ts';
import { decode } from '../insns.ts';
import { disassembleLlvm } from './llvm.ts';

describe('disassembleLlvm', () => {
  const rows: [string, string][] = [
    ['r0 = 1', 'r0 = 0x1'],
    ['w1 += -5', 'w1 += -0x5'],
    ['r1 = *(u8 *)(r2 -3)', 'w1 = *(u8 *)(r2 - 0x3)'],
    ['r1 = *(u64 *)(r2 +0)', 'r1 = *(u64 *)(r2 + 0x0)'],
    ['*(u32 *)(r2 -3) = 255', '*(u32 *)(r2 - 0x3) = 0xff'],
    ['*(u16 *)(r2 -3) = r4', '*(u16 *)(r2 - 0x3) = w4'],
    ['if w1 s<= -1 goto +3', 'if w1 s<= -0x1 goto +0x3 <L4>'],
    ['gotol -2', 'gotol -0x2 <L-1>'],
    ['call 5', 'call 0x5'],
    ['r1 = 0x8877665544332211 ll', 'r1 = -0x778899aabbccddef ll'],
    ['r5 = atomic64_fetch_add((u64 *)(r9 +0), r5)', 'r5 = atomic_fetch_add((u64 *)(r9 + 0x0), r5)'],
    ['r0 = atomic_cmpxchg((u32 *)(r9 +0), r0, r1)', 'w0 = cmpxchg32_32(r9 + 0x0, w0, w1)'],
    ['r1 = bswap32 r1', 'r1 = bswap32 r1'],
    ['callx r3', 'callx r3'],
  ];
  test.each(rows)('spells %s', (text, expected) => {
    expect(disassembleLlvm(assemble(text), 0, { label: (pc) => `L${pc}` })).toBe(expected);
  });
});

const LLVM_MC = ['llvm-mc-19', 'llvm-mc'].find((name) => spawnSync(name, ['--version']).status === 0);
const OFFSETS = [0, 0, 0, 1, -1, 8, 16, 32, -300, -32768, 32767];
const IMMEDIATES = [0, 0, 1, -1, 16, 32, 64, 0xe1, 0xf1, 0x51, 0x50, 0xa1, 0xa0, 0x40, 0x41, -0x80000000, 77777];

describe.skipIf(LLVM_MC === undefined)('LLVM on this machine', () => {
  test('spells every instruction that it decodes as we do', () => {
    const rows: Uint8Array[] = [];
    for (let code = 0; code < 256; code++) {
      if (code === 0x18) continue; // two slots: the table above has it
      for (let i = 0; i < 40; i++) {
        const dst = (i * 7) % 11;
        const src = i % 3 === 0 ? 0 : (i * 5) % 11;
        const row = new Uint8Array(8);
        const dv = new DataView(row.buffer);
        dv.setUint8(0, code);
        dv.setUint8(1, (i % 4 === 3 ? 0 : dst) | (src << 4));
        dv.setInt16(2, OFFSETS[(i + code) % OFFSETS.length]!, true);
        dv.setInt32(4, IMMEDIATES[(i * 3 + code) % IMMEDIATES.length]!, true);
        rows.push(row);
      }
    }
    const spelled = (row: Uint8Array) => [...row].map((b) => `0x${b.toString(16).padStart(2, '0')}`).join(',');
    const args = ['-disassemble', '-arch=bpfel', '-mcpu=v4', '-print-imm-hex', '-show-encoding'];
    const output = execFileSync(LLVM_MC!, args, {
      input: rows.map((row) => spelled(row).replaceAll(',', ' ')).join('\n'),
      stdio: ['pipe', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    });
    const theirs = new Map<string, string>();
    for (const line of output.toString().split('\n')) {
      const match = /^\s*(.*?)\s*# encoding: \[(.*)\]/.exec(line);
      if (match !== null) theirs.set(match[2]!, match[1]!);
    }
    const wrong: string[] = [];
    for (const row of rows) {
      const expected = theirs.get(spelled(row));
      const ours = disassembleLlvm(decode(row), 0);
      if (expected !== undefined && expected !== ours) wrong.push(`${ours} | ${expected} | ${spelled(row)}`);
    }
    expect(wrong).toEqual([]);
    expect(theirs.size).toBeGreaterThan(500);
  });
});

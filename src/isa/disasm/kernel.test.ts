import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../base/bytes.ts';
import { assemble } from '../asm/assemble.ts';
import { decode, Insns } from '../insns.ts';
import { disassemble, disassembleWithOpcode } from './kernel.ts';

function one(code: number, dst = 0, src = 0, off = 0, imm = 0): Insns {
  const insns = new Insns(1);
  insns.code[0] = code;
  insns.dst[0] = dst;
  insns.src[0] = src;
  insns.off[0] = off;
  insns.imm[0] = imm;
  return insns;
}

describe('disassemble', () => {
  const rows: [string, string, string][] = [
    ['w0 += 1', '04', 'w0 += 1'],
    ['r1 = (s8)r2', 'bf', 'r1 = (s8)r2'],
    ['r0 s/= r1', '3f', 'r0 s/= r1'],
    ['lock *(u64 *)(r10 - 8) &= r1', 'db', 'lock *(u64 *)(r10 -8) &= r1'],
    ['r1 = atomic_fetch_and((u64 *)(r10 - 8), r1)', 'db', 'r1 = atomic64_fetch_and((u64 *)(r10 -8), r1)'],
    ['r0 = cmpxchg_64(r10 - 8, r0, r1)', 'db', 'r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)'],
    ['w1 = load_acquire((u8 *)(r2 + 1))', 'd3', 'r1 = load_acquire((u8 *)(r2 +1))'],
    ['store_release((u64 *)(r2 + 1), r3)', 'db', 'store_release((u64 *)(r2 +1), r3)'],
    ['if w0 s< 11 goto +2', 'c6', 'if w0 s< 0xb goto pc+2'],
    ['if r0 == -1 goto -2', '15', 'if r0 == 0xffffffff goto pc-2'],
    ['gotol +5', '06', 'gotol pc+5'],
    ['may_goto +5', 'e5', 'may_goto pc+5'],
    ['call pc+27', '85', 'call pc+27'],
    ['call 1', '85', 'call bpf_map_lookup_elem#1'],
    ['call 4711', '85', 'call unknown#4711'],
    ['r0 = *(u8 *)skb[r3 + 5]', '50', 'r0 = *(u8 *)skb[r3 + 5]'],
    ['r1 = addr_space_cast(r2, 0, 1)', 'bf', 'r1 = addr_space_cast(r2, 0, 1)'],
    ['r1 = 0x2520657079742064 ll', '18', 'r1 = 0x2520657079742064'],
  ];
  test.each(rows)('spells %s', (text, opcode, expected) => {
    expect(disassembleWithOpcode(assemble(text), 0)).toBe(`(${opcode}) ${expected}`);
  });

  test('prints what callers know better: map references and names of calls', () => {
    const insns = assemble('r1 = map[fd:3]; call pc+4; call kfunc#9');
    const hooks = { imm64: () => 'map[id:5]', callName: (pc: number) => (pc === 2 ? '#bpf_prog_sub' : 'bpf_kf') };
    expect([0, 2, 3].map((pc) => disassemble(insns, pc, hooks))).toEqual([
      'r1 = map[id:5]',
      'call pc+4#bpf_prog_sub',
      'call bpf_kf#9',
    ]);
  });

  test('has a text for every opcode, known or not', () => {
    for (let code = 0; code < 256; code++) expect(disassemble(one(code, 1, 2, 3, 4), 0)).toMatch(/\S/);
    expect(disassemble(one(0xdb, 1, 2, 0, 0x99), 0)).toBe('BUG_db');
    expect(disassemble(one(0xe1), 0)).toBe('BUG_ldx_e1');
    expect(disassemble(one(0x82), 0)).toBe('BUG_st_82');
    expect(disassemble(one(0x78), 0)).toBe('BUG_ld_78');
  });
});

const CORPUS = new URL('../../../../shared/corpus/', import.meta.url);
const SETS = ['test_verifier', 'selftests_progs', 'ebpf_samples', 'fuzz'];
/** `12: (b7) r0 = 1   ; R0=1` of a level-2 log, with or without live registers. */
const LINE = /^\s*(\d+): (?:[.0-9]{10} )?(\([0-9a-f]{2}\) .*?)(?:\s+;.*)?$/;

function readLines<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(new URL(name, CORPUS))).toString();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

interface Case {
  id: string;
  insns: string;
  relocs: { insn: number; kind: string; name?: string }[];
}

describe.skipIf(!existsSync(CORPUS))("Linux's level-2 logs (the corpus beside the repository)", () => {
  test.each(SETS)('every instruction that %s logged is spelled the same', (set) => {
    const cases = new Map(readLines<Case>(`${set}.jsonl.gz`).map((c) => [c.id, c]));
    const wrong = new Set<string>();
    let lines = 0;
    for (const { id, log2 } of readLines<{ id: string; log2: string }>(`${set}_log2.jsonl.gz`)) {
      const { insns: code, relocs } = cases.get(id)!;
      const insns = decode(fromHex(code)!);
      const relocated = new Map(relocs.map((r) => [r.insn, r]));
      // The first line is a heading, or the rest of a line where the log was cut to its end.
      for (const line of log2.split('\n').slice(1)) {
        const match = LINE.exec(line);
        if (match === null) continue;
        lines++;
        const pc = Number(match[1]);
        const ours = disassembleWithOpcode(insns, pc, { callName: (at) => kfuncName(relocated.get(at), match[2]!) });
        if (comparable(ours, relocated.has(pc)) !== comparable(match[2]!, relocated.has(pc))) {
          wrong.add(`${id} ${pc}: ${ours} | ${match[2]}`);
        }
      }
    }
    expect([...wrong]).toEqual([]);
    expect(lines).toBeGreaterThan(1000);
  });
});

/** A kernel function's name; none in logs of programs that failed before their calls were resolved. */
function kfuncName(reloc: Case['relocs'][number] | undefined, theirs: string): string | undefined {
  if (reloc?.kind !== 'kfunc') return undefined;
  return theirs.includes('call #') ? '' : reloc.name;
}

/** Without what the corpus took out of logs (addresses) or programs (BTF ids, values of references). */
function comparable(text: string, isReference: boolean): string {
  let plain = text;
  if (isReference) plain = plain.replace(/ = (?:0x\w+|PTR)$/, ' = VALUE').replace(/#\d+$/, '#ID');
  return plain.replace(/ = ((?:0x)?PTR|0xffff[0-9a-f]{12})$/, ' = VALUE');
}

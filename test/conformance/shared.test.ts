/**
 * The instruction-set suite that comes with the development machine: every case must give the expected r0, on the
 * interpreter and on the JIT, with and without checks. Where the file is absent the suite skips; `own.test.ts` stands alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { fromHex } from '../../src/base/bytes.ts';
import { runBytes } from '../support/run-code.ts';

const FILE = new URL('../../../shared/corpus/bpf_conformance.jsonl.gz', import.meta.url);

/** Cases that Linux does not load, by what its verifier says. We run them as the RFC has it. */
const LINUX_REFUSES: readonly { says: RegExp; names: RegExp; why: string }[] = [
  {
    says: /^invalid shift/,
    names: /^(arsh|lsh|rsh)(32|64)-imm-(high|neg)/,
    why: 'RFC 9669 masks a shift to the width',
  },
  { says: /^unknown opcode 8d/, names: /^callx/, why: 'calls by register are not in the ISA of Linux' },
];

interface Case {
  name: string;
  program: string;
  memory: string;
  expected_r0: string;
  kernel: { match?: boolean; msg: string };
}

/** What the suite's helper 5 does is not told; the one case that calls it ignores the answer. */
const HELPERS = new Map([[5, { name: 'five', args: 'i', ret: 'int', call: () => 0 } as const]]);

function cases(): Case[] {
  const lines = gunzipSync(readFileSync(FILE)).toString().trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Case);
}

describe.skipIf(!existsSync(FILE))('bpf_conformance (skipped where ../shared/corpus is absent)', () => {
  const all = existsSync(FILE) ? cases() : [];
  test('where Linux does otherwise, it refuses the program, for a reason that is known', () => {
    const differing = all.filter((c) => !c.kernel.match);
    const unexplained = differing.filter(
      (c) => !LINUX_REFUSES.some(({ says, names }) => says.test(c.kernel.msg) && names.test(c.name)),
    );
    expect(unexplained.map((c) => c.name)).toEqual([]);
    expect(differing.length).toBe(13);
  });

  for (const mode of ['interpreter', 'jit'] as const) {
    for (const checked of [false, true]) {
      test(`every case gives its result: ${mode}${checked ? ', checked' : ''}`, () => {
        const wrong: string[] = [];
        for (const c of all) {
          const bytes = fromHex(c.program)!;
          const { r0, fault } = runBytes(bytes, fromHex(c.memory)!, { mode, checked, helpers: HELPERS });
          if (fault || r0 !== BigInt(c.expected_r0))
            wrong.push(`${c.name}: 0x${r0.toString(16)}, not ${c.expected_r0} ${fault?.kind ?? ''}`);
        }
        expect(wrong).toEqual([]);
        expect(all.length).toBe(313);
      });
    }
  }
});

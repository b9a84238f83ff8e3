/** The runner over the embedded kernel: cases from files, answers and comparisons. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { toHex } from '../../base/bytes.ts';
import { assemble, encode } from '../../isa/index.ts';
import { readCaseFile } from './case.ts';
import { Comparison } from './compare.ts';
import { openCaseHost } from './host.ts';
import { readOptions } from './options.ts';
import { type Answer, answerFile } from './runner.ts';
import { comparisonText } from './table.ts';
import { recordCases } from './write.ts';

const directory = mkdtempSync(join(tmpdir(), 'skep-cases-'));
afterAll(() => rmSync(directory, { recursive: true }));
let files = 0;

function file(lines: readonly unknown[], zipped = false): string {
  const path = join(directory, `f${files++}.jsonl${zipped ? '.gz' : ''}`);
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  writeFileSync(path, zipped ? gzipSync(text) : text);
  return path;
}

async function run(path: string, selection = {}) {
  const host = await openCaseHost('embedded');
  const comparison = new Comparison();
  const answers: Answer[] = [];
  try {
    const all = { limit: Number.POSITIVE_INFINITY, tier: undefined, only: new Set<string>(), ...selection };
    for await (const answered of answerFile(host, readCaseFile(path), all)) {
      answers.push(answered.answer);
      comparison.add('file', answered);
    }
  } finally {
    await host.kernel.close();
  }
  return { answers, comparison };
}

const XDP = 6;
const program = (text: string) => toHex(encode(assemble(text)));
const packet = '00'.repeat(64);
const counting = {
  id: 'counts',
  prog_type: XDP,
  insns: program(`
    r1 = map[fd:0][0]+0
    r0 = *(u32 *)(r1 +0)
    r0 += 1
    *(u32 *)(r1 +0) = r0
    exit`),
  relocs: [{ insn: 0, kind: 'map_value', map: 0, off: 0 }],
  maps: [{ type: 2, key_size: 4, value_size: 4, max_entries: 1, flags: 0, init: [['00000000', '05000000']] }],
  accept: true,
  errno: 0,
  msg: '',
  processed: [5, 1000000, 0, 0, 0, 0],
  run: { ret: 0, errno: 0, retval: 6, data_in: packet, data_out: packet },
  maps_after: [['06000000']],
  tier: 1,
};
const unread = {
  id: 'unread',
  prog_type: XDP,
  insns: program('exit'),
  accept: false,
  errno: 13,
  msg: 'R0 !read_ok',
  processed: [1, 1000000, 0, 0, 0, 0],
  tier: 0,
};

describe('program cases', () => {
  it('are loaded with their maps, run, and read back', async () => {
    const { answers } = await run(file([counting], true));
    expect(answers[0]).toMatchObject({
      id: 'counts',
      accept: true,
      errno: 0,
      runs: [{ ret: 0, errno: 0, retval: 6, data_out: packet }],
      maps_after: [['06000000']],
    });
  });

  it('tell why they were refused', async () => {
    const { answers } = await run(file([unread]));
    expect(answers[0]).toMatchObject({ id: 'unread', accept: false, errno: 13, msg: 'R0 !read_ok' });
  });

  it('that cannot be handled do not stop the others', async () => {
    const { answers } = await run(
      file(['{', '[]', '7', { id: 'a' }, { ...unread, insns: 'xyz' }, { ...counting, maps: [{ type: 99 }] }, unread]),
    );
    expect(answers.map((a) => 'error' in a)).toEqual([true, true, true, true, true, true, false]);
  });

  it('are chosen by tier, id and number', async () => {
    const path = file([counting, unread, { ...unread, id: 'again' }]);
    const ids = async (selection: object) => (await run(path, selection)).answers.map(({ id }) => id);
    expect(await ids({ tier: 0 })).toEqual(['unread', 'again']);
    expect(await ids({ tier: 0, limit: 1 })).toEqual(['unread']);
    expect(await ids({ only: new Set(['again']) })).toEqual(['again']);
  });

  it('of the instruction set get memory and hand back 64 bits', async () => {
    const text = 'r0 = *(u64 *)(r1 +0)\nr0 += r2\nexit';
    const { answers, comparison } = await run(
      file([
        {
          name: 'sum',
          program: program(text),
          memory: 'ffffffffffffff00',
          expected_r0: '0x100000000000007',
          kernel: { accept: true, errno: 0, msg: '' },
        },
      ]),
    );
    expect(answers[0]).toMatchObject({ id: 'sum', accept: true, r0: 0x100000000000007n });
    expect(comparison.disagreements).toEqual([]);
  });

  it('have logs of their states beside them', async () => {
    const path = file([unread]);
    const logs = path.replace('.jsonl', '_log2.jsonl');
    const log2 = '; a source line\n0: R1=ctx() R10=fp0\n0: (95) exit\nR0 !read_ok\nprocessed 1 ins';
    writeFileSync(
      logs,
      `${JSON.stringify({ id: 'unread', log2: `func#0 @0\nLive regs before insn:\n      0: 0......... (95) exit\n${log2}` })}\n`,
    );
    const { comparison } = await run(logs);
    expect(comparison.disagreements).toEqual([]);
  });
});

describe('a comparison', () => {
  it('counts what agrees, and tells what does not', async () => {
    const { comparison } = await run(
      file([
        counting,
        { ...counting, id: 'other result', run: { ...counting.run, retval: 7 } },
        { ...counting, id: 'other map', maps_after: [['07000000']] },
        { ...counting, id: 'refused by Linux', accept: false, errno: 22, msg: 'no' },
        { ...unread, id: 'accepted by Linux', accept: true },
        { ...unread, id: 'other message', msg: 'R1 !read_ok' },
        { ...unread, id: 'environment', env: 'not here' },
      ]),
    );
    expect(comparison.disagreements.map(({ id, what }) => [id, what])).toEqual([
      ['other result', 'result'],
      ['other map', 'result'],
      ['refused by Linux', 'wrongly accepted'],
      ['accepted by Linux', 'wrongly rejected'],
      ['other message', 'message'],
    ]);
    const [first] = comparison.rows.values();
    expect(first).toMatchObject({
      cases: 4,
      wronglyAccepted: 1,
      verdict: { same: 3, of: 4 },
      results: { same: 1, of: 3 },
    });
    expect(comparisonText(comparison)).toContain(
      "other message (tier 0): message: 'R0 !read_ok', recorded 'R1 !read_ok'",
    );
  });
});

describe('the words of skep cases', () => {
  it('are files and options, in any order', () => {
    expect(readOptions(['a', '--compare', '--limit', '3', 'b', '--tier=1'.slice(0, 6), '1'])).toMatchObject({
      files: ['a', 'b'],
      compare: true,
      limit: 3,
      tier: 1,
    });
    for (const words of [[], ['--limit', 'x', 'a'], ['--what', 'a'], ['a', '--only']]) {
      expect(() => readOptions(words)).toThrow(/skep cases|needs/);
    }
  });
});

describe('any line', () => {
  it('is a case or an error', async () => {
    const value = fc.jsonValue();
    const wild = fc.record(
      {
        id: fc.string(),
        prog_type: value,
        insns: fc.oneof(fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), maxLength: 48 }), value),
        relocs: fc.oneof(
          fc.array(fc.record({ insn: value, kind: fc.constantFrom('map', 'kfunc', 'x'), map: value })),
          value,
        ),
        maps: fc.oneof(
          fc.array(fc.record({ type: fc.nat(40), key_size: value, value_size: value, max_entries: value })),
          value,
        ),
        func_info: value,
        runs: value,
      },
      { requiredKeys: ['id', 'insns'] },
    );
    const lines = fc.sample(
      fc.oneof(
        fc.string(),
        value.map((v) => JSON.stringify(v)),
        wild,
      ),
      { numRuns: 150, seed: 7 },
    );
    const { answers } = await run(
      file(lines.map((line) => (typeof line === 'string' ? line.replaceAll('\n', ' ') : line))),
    );
    for (const answer of answers) {
      if ('error' in answer) expect(answer.error).not.toContain('bug in skep');
      else expect(answer).toHaveProperty('accept');
    }
  });
});

describe('recording', () => {
  const example = new URL('../../../examples/opensnoop.bpf.o', import.meta.url).pathname;

  it('makes cases of an object file that the same kernel answers alike', async () => {
    const host = await openCaseHost('embedded');
    const path = join(directory, 'recorded.jsonl.gz');
    const left: string[] = [];
    expect(await recordCases(host, path, [example, path], (message) => left.push(message))).toBe(6);
    await host.kernel.close();
    expect(left).toEqual([expect.stringContaining(path)]);

    const { answers, comparison } = await run(path);
    expect(answers).toHaveLength(6);
    expect(answers[0]).toMatchObject({ id: 'opensnoop.bpf.o/enter_open', accept: true });
    expect(comparison.disagreements).toEqual([]);
    const logs = await run(join(directory, 'recorded_log2.jsonl.gz'));
    expect([...logs.comparison.rows.values()].map((row) => row.results)).toEqual([{ same: 6, of: 6 }]);
  });

  it('wants a file name that it can read again', async () => {
    const host = await openCaseHost('embedded');
    await expect(recordCases(host, 'cases.txt', [example], () => {})).rejects.toThrow('FILE.jsonl');
    await host.kernel.close();
  });
});

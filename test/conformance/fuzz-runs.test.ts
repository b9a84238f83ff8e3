/**
 * Generated programs that Linux accepted and ran: the engine gives the same return value and the same packet. Where
 * the shared corpus is absent the suite skips.
 */
import { describe, expect, test } from 'vitest';
import * as abi from '../../src/uapi/generated/constants.ts';
import type { Callable, Engine } from '../../src/vm/index.ts';
import { corpusCases, runCorpusCase } from '../support/corpus-runs.ts';

/** Cases that Linux ran on something that nobody can know. */
const UNKNOWABLE: ReadonlyMap<string, string> = new Map([
  ['fuzz-20261122-308', 'writes to the packet what an earlier program left on the stack'],
  ['fuzz-20261122-1374', 'looks up a key that an earlier program left on the stack'],
]);

const cases = corpusCases('fuzz').filter(
  (c) => c.accept && c.run?.ret === 0 && c.deterministic && !UNKNOWABLE.has(c.id),
);

/** Any time, number and CPU: the cases compared here do not depend on them. */
function fixedHelpers(engine: Engine): [number, Callable][] {
  const constant = (value: number): Callable => ({
    name: 'constant',
    args: '',
    ret: 'u64',
    call: () => {
      engine.retHi = 0;
      return value;
    },
  });
  return [
    [abi.BPF_FUNC_ktime_get_ns, constant(123_456_789)],
    [abi.BPF_FUNC_get_prandom_u32, constant(42)],
    [abi.BPF_FUNC_get_smp_processor_id, constant(0)],
  ];
}

describe.skipIf(cases.length === 0)('fuzz corpus (skipped where ../shared/corpus is absent)', () => {
  test.each([
    { mode: 'interpreter' },
    { mode: 'interpreter', checked: true },
    { mode: 'jit' },
    { mode: 'jit', checked: true },
  ] as const)('every run gives what Linux gave: %o', (options) => {
    const wrong = cases.flatMap((c) => {
      const { retval, data_out, fault } = runCorpusCase(c, options, fixedHelpers);
      const same = fault === null && retval === c.run!.retval >>> 0 && data_out === c.run!.data_out;
      return same ? [] : [`${c.id}: ${retval}, not ${c.run!.retval} ${fault?.kind ?? ''}`];
    });
    expect(wrong).toEqual([]);
    expect(cases.length).toBeGreaterThan(200);
  });
});

/** Random programs on both kernels: a sample of what `npm run oracle` does, and every program that once told them apart. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ProgramCase } from '../../src/bin/cases/case.ts';
import { generateProgram } from '../support/generator/program.ts';
import { describeKernel } from '../support/real-kernel.ts';
import { classOf } from './differential/disagreement.ts';
import { KernelPair } from './differential/kernels.ts';
import { assemblyOf, caseOf, GENERATED_TYPES } from './differential/program-case.ts';
import { KNOWN } from './known.ts';

const SAMPLE = 200;
const ORACLE = new URL('./differential.ts', import.meta.url).pathname;
const TSX = new URL('../../node_modules/.bin/tsx', import.meta.url).pathname;
const KEPT = new URL('./kept/', import.meta.url);
const kept = existsSync(KEPT) ? readdirSync(KEPT).filter((name) => name.endsWith('.jsonl')) : [];

describeKernel('generated programs agree with Linux', () => {
  let kernels: KernelPair;
  beforeAll(async () => {
    kernels = await KernelPair.open({ btfDirectory: new URL('btf', KEPT).pathname, logs: true });
  });
  afterAll(() => kernels.close());

  async function differenceOf(c: ProgramCase): Promise<{ class: string; text: string } | undefined> {
    const { differ } = await kernels.ask(c);
    if (differ === undefined) return undefined;
    const text = `${c.id}: ${differ.kind}: ours ${differ.ours}, Linux ${differ.linux}\n${assemblyOf(c)}`;
    return { class: classOf(differ, c), text };
  }

  async function surprise(c: ProgramCase): Promise<string | undefined> {
    const found = await differenceOf(c);
    return found && KNOWN.some((known) => known.class.test(found.class)) ? undefined : found?.text;
  }

  function keptCase(name: string): ProgramCase {
    const c = JSON.parse(readFileSync(new URL(name, KEPT), 'utf8')) as ProgramCase;
    return { ...c, maps_after: c.maps_after ?? [] };
  }

  it(`a sample of ${SAMPLE}, about half of them acceptable`, async () => {
    const surprises: string[] = [];
    let accepted = 0;
    for (let seed = 1; seed <= SAMPLE; seed++) {
      const c = caseOf(generateProgram(seed, { types: GENERATED_TYPES }));
      const found = await surprise(c);
      if (found !== undefined) surprises.push(found);
      if ((await kernels.linux(c)).accept) accepted++;
    }
    expect(surprises).toEqual([]);
    expect(accepted).toBeGreaterThan(SAMPLE / 4);
    expect(accepted).toBeLessThan((SAMPLE * 3) / 4);
  });

  const known = new Set(KNOWN.map((row) => row.kept));
  it.each(kept.filter((name) => !known.has(name)))('%s', async (name) => {
    expect((await differenceOf(keptCase(name)))?.text).toBeUndefined();
  });

  it('programs of a caller who may do less', () => {
    const files = kept.filter((name) => name.startsWith('capless-')).map((name) => new URL(name, KEPT).pathname);
    const less = '-perfmon,-sys_admin';
    const oracle = [TSX, ORACLE, ...files.flatMap((file) => ['--replay', file])];
    const run = spawnSync('setpriv', [`--bounding-set=${less}`, `--inh-caps=${less}`, ...oracle], { encoding: 'utf8' });
    expect(run.stdout + run.stderr).toContain(`${files.length} of ${files.length} programs agree`);
  });

  it.each(KNOWN)('$kept is still known to differ: $why', async (row) => {
    expect((await differenceOf(keptCase(row.kept)))?.class).toMatch(row.class);
  });
});

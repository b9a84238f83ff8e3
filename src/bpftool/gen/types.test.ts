import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../../test/support/golden.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const noKernel = () => Promise.reject(new Error('no kernel is needed'));

async function typesOf(...words: string[]): Promise<string> {
  const { status, out, err } = await runCommand(['gen', 'types', ...words], noKernel);
  expect(err).toBe('');
  expect(status).toBe(0);
  return out;
}

/** What a user would write with them; each wrong line is one that the compiler has to refuse. */
const USE = `
import { loadKinds } from './kinds.ts';
import { loadOpensnoop, type Opensnoop } from './opensnoop.ts';
import { loadPktcount } from './pktcount.ts';
import type { Kernel } from 'skep/sys';

export async function use(kernel: Kernel, object: Uint8Array): Promise<void> {
  const kinds = await loadKinds(kernel, object, { globals: { limit: 64 } });
  await kinds.maps.points.set(1, { x: 1, y: 2, name: 'a' });
  const point = await kinds.maps.points.get(1);
  const sum: number = (point?.x ?? 0) + (point?.y ?? 0) + (await kinds.globals.number.get());
  await kinds.maps.hits.set(0, 1n);
  const first: bigint | undefined = (await kinds.maps.hits.get(0))?.[0];
  await kinds.programs.count.testRun();
  await kinds.maps.tenants.set(1, kinds.maps.points);
  // @ts-expect-error: there is no such map
  kinds.maps.nosuch;
  // @ts-expect-error: y is missing
  await kinds.maps.points.set(1, { x: 1, name: 'a' });
  // @ts-expect-error: a number is wanted
  await loadKinds(kernel, object, { globals: { limit: 'much' } });
  const opensnoop: Opensnoop = await loadOpensnoop(kernel, object);
  await opensnoop.globals.only_pid.get();
  for await (const { value } of (await loadPktcount(kernel, object)).maps.counts.records()) {
    console.log(value[0]?.packets, sum, first);
  }
}
`;

describe('gen types', () => {
  let folder: string;
  beforeAll(() => {
    const cache = join(ROOT, 'node_modules', '.cache');
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(join(cache, 'types-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is what the compiler takes, and what it holds users to', { timeout: 120_000 }, async () => {
    for (const name of ['kinds', 'opensnoop', 'pktcount']) {
      writeFileSync(join(folder, `${name}.ts`), await typesOf(join(ROOT, `examples/${name}.bpf.o`)));
    }
    writeFileSync(join(folder, 'use.ts'), USE);
    const paths = { skep: ['../../../src/client/index.ts'], 'skep/sys': ['../../../src/sys/index.ts'] };
    const compilerOptions = { noEmit: true, composite: false, declaration: false, paths, types: ['node'] };
    const config = { extends: '../../../tsconfig.base.json', compilerOptions, files: ['use.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });

  it('takes another name, and says what is no name', async () => {
    expect(await typesOf(join(ROOT, 'examples/hello.bpf.o'), 'name', 'my_tool')).toContain(
      'export async function loadMyTool(',
    );
    const { status, err } = await runCommand(
      ['gen', 'types', join(ROOT, 'examples/hello.bpf.o'), 'name', '9x'],
      noKernel,
    );
    expect([status, err]).toEqual([255, "Error: invalid object name '9x': letters, digits and _ make one\n"]);
  });
});

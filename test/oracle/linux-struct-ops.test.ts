/** struct_ops and iter on the machine's kernel: what they print of the same map, beside what bpftool prints. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadCollection } from '../../src/client/index.ts';
import { openLinuxKernel } from '../../src/linux/index.ts';
import { ROOT } from '../docs/pages.ts';
import { bpfWorks, describeKernel } from '../support/real-kernel.ts';

const hasBpftool = bpfWorks && spawnSync('bpftool', ['version']).status === 0;
const SKEP = ['--import', join(ROOT, 'node_modules/tsx/dist/loader.mjs'), join(ROOT, 'src/bin/skep.ts')];

function skep(...words: string[]) {
  const args = [...SKEP, '--kernel', 'linux', ...words];
  return spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
}

function bpftool(...words: string[]) {
  return spawnSync('bpftool', words, { encoding: 'utf8' });
}

describeKernel('struct_ops and iter', () => {
  it.runIf(hasBpftool)('show and dump what bpftool does', { timeout: 120_000 }, async () => {
    const kernel = await openLinuxKernel();
    const object = readFileSync(join(ROOT, 'test/fixtures/linux/congestion.bpf.o'));
    const collection = await loadCollection(kernel, object);
    const { id } = await collection.map('linked').info();
    const named = ['id', String(id)];
    expect(skep('struct_ops', 'show', ...named).stdout).toBe(bpftool('struct_ops', 'show', ...named).stdout);
    expect(skep('-j', 'struct_ops', 'show', ...named).stdout).toBe(
      bpftool('-j', 'struct_ops', 'show', ...named).stdout,
    );
    const dump = skep('-j', 'struct_ops', 'dump', ...named).stdout;
    expect(dump).toContain('/prog_id:');
    expect(dump).toBe(bpftool('-j', 'struct_ops', 'dump', ...named).stdout);
    await collection.close();
    await kernel.close();
  });

  it('refuse what is no structure, no iterator, or not there', { timeout: 120_000 }, () => {
    const xdp = join(ROOT, 'examples/pktcount.bpf.o');
    const refusals: [words: string[], status: number, error: string][] = [
      [['struct_ops', 'register', xdp], 255, `Error: no struct_ops found in ${xdp}\n`],
      [['struct_ops', 'unregister', 'name', 'nosuch'], 255, 'Error: no struct_ops found for nosuch\n'],
      [
        ['iter', 'pin', xdp, '/sys/fs/bpf/never'],
        234,
        "libbpf: prog 'pktcount': failed to attach to iterator: -EINVAL\nError: attach_iter failed for program pktcount\n",
      ],
    ];
    for (const [words, status, error] of refusals) {
      expect(skep(...words)).toMatchObject({ status, stderr: error });
    }
  });
});

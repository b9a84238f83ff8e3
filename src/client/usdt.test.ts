/** Static probes of a program of our own, on the machine's kernel. */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { probedProgram } from '../../test/support/probed-program.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { view } from '../base/bytes.ts';
import { openLinuxKernel } from '../linux/index.ts';
import type { Kernel } from '../sys/index.ts';
import { AttachError, type Collection, loadCollection } from './index.ts';

const FIXTURES = fileURLToPath(new URL('../../test/fixtures/linux/', import.meta.url));
const GATED = { provider: 'skep', name: 'gated' };

describe.skipIf(process.arch !== 'x64')('on x86-64', () => {
  describeKernel('static probes', () => {
    let dir: string;
    let probed: string;
    let kernel: Kernel;
    beforeAll(() => {
      dir = mkdtempSync(join(tmpdir(), 'skep-usdt-'));
      probed = join(dir, 'probed');
      writeFileSync(probed, probedProgram());
      chmodSync(probed, 0o755);
    });
    afterAll(() => rmSync(dir, { recursive: true }));
    beforeEach(async () => {
      kernel = await openLinuxKernel();
    });
    afterEach(() => kernel.close());

    /** The records of one run: arguments, cookie, how many arguments, what a sixth answers. */
    async function records(collection: Collection): Promise<bigint[][]> {
      const ring = await collection.map('records').ring();
      spawnSync(probed);
      const seen = (await ring.read()).map(({ data }) => {
        const dv = view(data);
        return Array.from({ length: data.length / 8 }, (_, i) => dv.getBigInt64(8 * i, true));
      });
      await ring.close();
      return seen;
    }
    const load = (object: string) => loadCollection(kernel, new Uint8Array(readFileSync(object)));

    async function seesAll(object: string, indexed: bigint): Promise<void> {
      const collection = await load(object);
      const places = await collection.program('places').attach({ cookie: 77n, usdt: { path: probed } }); // provider and name are the section's
      expect(await records(collection)).toEqual([
        [-5n, 100n, 22n, indexed, -7n, 77n, 5n, -2n],
        [6n, 100n, 22n, indexed, -7n, 77n, 5n, -2n],
      ]);
      await places.close();
      const gated = await collection.program('gated').attach({ usdt: { path: probed, ...GATED } });
      const record = [5n, 0n, 0n, 0n, 0n, 0n, 1n, -2n];
      expect(spawnSync(probed).status).toBe(1); // the counter that the probe's own program looks at
      expect(await records(collection)).toEqual([record, record]);
      await gated.close();
      expect(spawnSync(probed).status).toBe(0);
      await collection.close();
    }

    it('say their arguments, from registers, memory and constants', () => seesAll(join(FIXTURES, 'usdt.bpf.o'), 33n));

    it("say them to programs with libbpf's header too", async (context) => {
      const compiler = ['clang-19', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);
      if (!compiler || !existsSync('/usr/include/bpf/usdt.bpf.h')) return context.skip('no clang, or no libbpf-dev');
      const object = join(dir, 'libbpf.o');
      const flags = ['-O2', '-g', '-target', 'bpf', '-D__TARGET_ARCH_x86', '-idirafter/usr/include/x86_64-linux-gnu'];
      const { status, stderr } = spawnSync(compiler, [...flags, '-c', join(FIXTURES, 'usdt.bpf.c'), '-o', object], {
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      // Debian's header knows no index registers yet: its bpf_usdt_arg answers -EINVAL, and the value is 0.
      await seesAll(object, 0n);
    });

    it('fire in the process that is asked for alone', async () => {
      const collection = await load(join(FIXTURES, 'usdt.bpf.o'));
      const link = await collection.program('gated').attach({ usdt: { path: probed, ...GATED, pid: process.pid } });
      expect(spawnSync(probed).status).toBe(0);
      await link.close();
      await collection.close();
    });

    it('that are not there are an AttachError', async () => {
      const collection = await load(join(FIXTURES, 'usdt.bpf.o'));
      const gated = collection.program('gated');
      await expect(gated.attach()).rejects.toThrow(/say which probe/);
      const attach = (usdt: object) => gated.attach({ usdt: { path: probed, ...GATED, ...usdt } });
      await expect(attach({ name: 'other' })).rejects.toThrow(`${probed} has no probe skep:other`);
      await expect(attach({ buildId: 'abc' })).rejects.toThrow(/has build id none, not abc/);
      await expect(attach({ path: join(dir, 'none') })).rejects.toMatchObject({ code: 'ENOENT' });
      await expect(attach({ name: 'places', pid: 999_999_999 })).rejects.toMatchObject({ code: 'ESRCH' });
      await expect(gated.attach({ usdt: { path: 'no-such-program', ...GATED } })).rejects.toMatchObject({
        code: 'ENOENT',
      });
      await expect(attach({ name: 'other' })).rejects.toBeInstanceOf(AttachError);
      await collection.close();
    });
  });
});

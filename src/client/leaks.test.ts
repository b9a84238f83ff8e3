/** A thousand rounds of loading, attaching, reading and closing leave this process and the kernel as they were. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { load, runningKernelBtf } from '../../test/support/linux-bpf.ts';
import { enterNamespaces } from '../../test/support/own-namespaces.ts';
import { probedProgram } from '../../test/support/probed-program.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import type { Btf } from '../btf/index.ts';
import { openLinuxKernel } from '../linux/index.ts';
import { sectionMeaning } from '../object/index.ts';
import { Bpf, type Kernel } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { BpfMap, BpfProgram, loadCollection } from './index.ts';

const ROUNDS = 1000;
const NAME = `leak_${process.pid}`;
const USDT = new Uint8Array(
  readFileSync(fileURLToPath(new URL('../../test/fixtures/linux/usdt.bpf.o', import.meta.url))),
);

/** Something that can be closed, by itself or with its kernel. */
type Closable = { close(): Promise<void> };

describeKernel('a thousand rounds', () => {
  let dir: string;
  let probed: string;
  let leave: () => void;
  let btf: Btf;
  beforeAll(() => {
    btf = runningKernelBtf();
    leave = enterNamespaces('net');
    spawnSync('ip', ['link', 'set', 'lo', 'up']);
    dir = mkdtempSync(join(tmpdir(), 'skep-leaks-'));
    probed = join(dir, 'probed');
    writeFileSync(probed, probedProgram());
    chmodSync(probed, 0o755);
  });
  afterAll(() => {
    leave();
    rmSync(dir, { recursive: true });
  });

  async function program(kernel: Kernel, section: string, text: string, attr = {}): Promise<BpfProgram> {
    const { type, attachType, flags, attachTo } = sectionMeaning(section);
    const more = { expected_attach_type: attachType, prog_flags: flags, prog_name: NAME, ...attr };
    const fd = await load(kernel, type, text, more);
    return new BpfProgram(kernel, fd, { name: NAME, section, type, attachType, attachTo });
  }
  async function map(kernel: Kernel, map_type: number, max_entries: number, more = {}): Promise<BpfMap> {
    const fd = await new Bpf(kernel).mapCreate({ map_type, max_entries, map_name: NAME, ...more });
    return BpfMap.adopt(kernel, fd);
  }
  const array = { key_size: 4, value_size: 8 };

  const uses: Readonly<Record<string, (kernel: Kernel) => Promise<Closable[]>>> = {
    async links(kernel) {
      const raw = await program(kernel, 'raw_tp/bpf_test_finish', 'r0 = 0; exit');
      const xdp = await program(kernel, 'xdp', 'r0 = 2; exit');
      return [raw, xdp, await raw.attach(), await xdp.attach({ device: 'lo' })];
    },
    async probes(kernel) {
      const one = await program(kernel, `uprobe/${probed}:called`, 'r0 = 0; exit');
      const many = await program(kernel, `uprobe.multi/${probed}:call*`, 'r0 = 0; exit');
      return [one, many, await one.attach(), await many.attach()];
    },
    async 'static probes'(kernel) {
      const collection = await loadCollection(kernel, USDT);
      return [collection, await collection.program('places').attach({ usdt: { path: probed } })];
    },
    async events(kernel) {
      const clock = { type: C.PERF_TYPE_SOFTWARE, config: BigInt(C.PERF_COUNT_SW_CPU_CLOCK), sampleFreq: 99 };
      const sampled = await program(kernel, 'perf_event', 'r0 = 0; exit');
      return [sampled, await sampled.attach({ event: { kind: 'event', ...clock, pid: process.pid } })];
    },
    async iterators(kernel) {
      const attr = { attach_btf_id: btf.find('bpf_iter_task', 'func') };
      const tasks = await program(kernel, 'iter/task', 'r0 = 0; exit', attr);
      const link = await tasks.attach({ only: { tid: process.pid } });
      for await (const _ of link.iterate()) break; // left before its end
      return [tasks, link];
    },
    async 'ring buffers'(kernel) {
      const ring = await map(kernel, C.BPF_MAP_TYPE_RINGBUF, 4096);
      const user = await map(kernel, C.BPF_MAP_TYPE_USER_RINGBUF, 4096);
      return [ring, user, await ring.ring(), await user.writer()];
    },
    async 'perf buffers'(kernel) {
      const events = await map(kernel, C.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 64, { key_size: 4, value_size: 4 });
      return [events, await kernel.openPerfBuffer(events.fd, { pagesPerCpu: 1 })];
    },
    async memory(kernel) {
      const values = await map(kernel, C.BPF_MAP_TYPE_ARRAY, 1, { ...array, map_flags: C.BPF_F_MMAPABLE });
      return [values, await values.memory()];
    },
    async refusals(kernel) {
      const filter = await program(kernel, 'socket', 'r0 = 0; exit');
      await expect(filter.attach({ socket: filter.fd })).rejects.toThrow();
      await expect(program(kernel, 'xdp', 'r0 = r9; exit')).rejects.toThrow();
      const collection = await loadCollection(kernel, USDT);
      const nowhere = { path: probed, provider: 'skep', name: 'places', pid: 999_999_999 };
      await expect(collection.program('gated').attach({ usdt: nowhere })).rejects.toThrow();
      return [filter, collection];
    },
  };

  const descriptors = () => readdirSync('/proc/self/fd').length;
  const mappings = () => readFileSync('/proc/self/maps', 'utf8').match(/bpf|perf_event/g)?.length ?? 0;
  /** What Debian's bpftool lists of ours. */
  const listed = () =>
    ['prog', 'map'].flatMap(
      (noun) => spawnSync('bpftool', [noun, 'show'], { encoding: 'utf8' }).stdout?.match(new RegExp(NAME, 'g')) ?? [],
    );

  it('leave no descriptor, no mapping, no program and no map', async () => {
    const kinds = Object.values(uses);
    for (const use of kinds) await round(use, true); // what is loaded once stays
    const before = [descriptors(), mappings()];
    for (let n = 0; n < ROUNDS; n++) await round(kinds[n % kinds.length]!, (n / kinds.length) % 2 < 1);
    expect([descriptors(), mappings()]).toEqual(before);
    // Links and programs go after a grace period.
    await expect.poll(listed, { timeout: 10_000 }).toEqual([]);
  }, 120_000);

  /** Half of the rounds clean up after themselves, half leave it to the kernel's own close. */
  async function round(use: (kernel: Kernel) => Promise<Closable[]>, tidy: boolean): Promise<void> {
    const kernel = await openLinuxKernel();
    const used = await use(kernel);
    if (tidy) for (const closable of used.reverse()) await closable.close();
    await kernel.close();
  }
});

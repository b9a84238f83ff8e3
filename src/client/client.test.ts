import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acceptAll } from '../../test/support/accept-all.ts';
import { BpfError, SkepError, UnsupportedError, VerifierError } from '../base/errors.ts';
import { createKernel, type EmbeddedKernel } from '../kernel/index.ts';
import { parseObject } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import { BPF_PROG_TYPE_EXT } from '../uapi/generated/constants.ts';
import { AttachError, BpfMap, BpfProgram, loadCollection, probeFeatures } from './index.ts';

const example = (name: string) => new Uint8Array(readFileSync(new URL(`../../examples/${name}`, import.meta.url)));

describe('the client', () => {
  let embedded: EmbeddedKernel;
  let kernel: Kernel;

  beforeEach(() => {
    embedded = createKernel({ verify: acceptAll });
    kernel = embedded.open();
  });
  afterEach(() => kernel.close());

  it('loads an object, and gives everything back when it is closed', async () => {
    const collection = await loadCollection(kernel, example('opensnoop.bpf.o'), { name: 'opensnoop' });
    expect(Object.keys(collection.maps)).toEqual(['events', 'calls', 'opensnoo.rodata', 'opensnoo.bss']);
    expect(Object.keys(collection.programs)).toContain('enter_openat');
    expect(embedded.usage()).toMatchObject({ programs: 6, maps: 4 });
    await collection.close();
    expect(embedded.usage()).toMatchObject({ programs: 0, maps: 0, links: 0 });
  });

  it('gives everything back at the end of the block that uses it', async () => {
    {
      await using other = embedded.open();
      await using collection = await loadCollection(other, example('pktcount.bpf.o'));
      await using link = await collection.program('pktcount').attach({ device: 'lo' });
      await using lines = await other.openTracePipe();
      expect([(await link.info()).prog_id > 0, typeof lines.read]).toEqual([true, 'function']);
    }
    expect(embedded.usage()).toMatchObject({ programs: 0, maps: 0, links: 0, clients: 1 });
  });

  it('has the maps and programs of the object as properties', async () => {
    const collection = await loadCollection<'drop_ports' | 'counts', 'pktcount'>(kernel, example('pktcount.bpf.o'));
    await collection.maps.drop_ports.set(53, 1);
    expect(await collection.map('drop_ports').get(53)).toBe(1);
    expect(collection.programs.pktcount).toBe(collection.program('pktcount'));
    expect(Object.values(collection.programs).map((program) => program.name)).toEqual(['pktcount']);
    expect('constructor' in collection.maps).toBe(false);
    await collection.close();
  });

  it('loads the programs that are asked for, with global variables set', async () => {
    const collection = await loadCollection(kernel, example('opensnoop.bpf.o'), {
      name: 'opensnoop',
      programs: ['enter_open'],
      globals: { only_pid: 42, exits: true },
    });
    expect(Object.keys(collection.programs)).toEqual(['enter_open']);
    expect(await collection.map('opensnoo.rodata').get(0)).toMatchObject({ only_pid: 42, exits: true });
    await collection.close();
  });

  it('makes a ring buffer a power of two of pages, as libbpf does', async () => {
    for (const [asked, made] of [
      [8, 4096],
      [5000, 8192],
      [1 << 18, 1 << 18],
    ]) {
      const spec = parseObject(example('opensnoop.bpf.o'));
      spec.maps.get('events')!.maxEntries = asked!;
      const collection = await loadCollection(kernel, spec, { programs: [] });
      expect(await collection.map('events').info()).toMatchObject({ max_entries: made });
      expect(collection.map('events').shape.maxEntries).toBe(made);
      await collection.close();
    }
  });

  it('leaves nothing behind when a program is refused', async () => {
    const refused = 'R1 type=ctx expected=fp';
    const strict = createKernel({
      verify: (input) => ({ ...acceptAll(input), ok: false, errno: 13, log: refused, pc: 0 }) as never,
    });
    const client = strict.open();
    const told: string[] = [];
    const loading = loadCollection(client, example('hello.bpf.o'), { onRefused: (program) => told.push(program) });
    await expect(loading).rejects.toThrow(VerifierError);
    expect(told).toEqual(['hello']);
    expect(strict.usage()).toMatchObject({ programs: 0, maps: 0, links: 0, pins: 0 });
    await client.close();
  });

  it('names what the object has when something else is asked for', async () => {
    const bytes = example('hello.bpf.o');
    await expect(loadCollection(kernel, bytes, { programs: ['nosuch'] })).rejects.toThrow("it has 'hello'");
    await expect(loadCollection(kernel, bytes, { globals: { nosuch: 1 } })).rejects.toThrow(SkepError);
    const collection = await loadCollection(kernel, bytes);
    expect(() => collection.map('nosuch')).toThrow(/the object has no map 'nosuch'/);
    await collection.close();
  });

  it('attaches where the section says, and detaches when the link is closed', async () => {
    const collection = await loadCollection(kernel, example('hello.bpf.o'));
    const hook = embedded.hooks.kprobe('do_sys_openat2');
    const link = await collection.program('hello').attach();
    expect(hook.attached).toBe(true);
    expect((await link.info()).perf_event).toMatchObject({ type: 'kprobe', func_name: 'do_sys_openat2' });
    await link.close();
    expect(hook.attached).toBe(false);
    await collection.close();
  });

  it('says what an attachment needs', async () => {
    const collection = await loadCollection(kernel, example('pktcount.bpf.o'));
    const program = collection.program('pktcount');
    await expect(program.attach()).rejects.toThrow(AttachError);
    await expect(program.attach({ device: 'nosuch0' })).rejects.toThrow(/there is no device 'nosuch0'/);
    const [device] = await kernel.netDevices();
    const link = await program.attach({ device: device!.name });
    await link.close();
    await collection.close();
  });

  it('keeps what is pinned, and finds it again', async () => {
    const collection = await loadCollection(kernel, example('hello.bpf.o'));
    await collection.program('hello').pin('/sys/fs/bpf/hello');
    await collection.close();
    const program = await BpfProgram.open(kernel, '/sys/fs/bpf/hello');
    expect(program.name).toBe('hello');
    await program.unpin('/sys/fs/bpf/hello');
    await program.close();
    expect(embedded.usage()).toMatchObject({ programs: 0, pins: 0 });
  });

  it('reads and writes typed maps as plain values', async () => {
    const collection = await loadCollection(kernel, example('pktcount.bpf.o'));
    const ports = collection.map('drop_ports');
    await ports.set(53, 1);
    expect(await ports.get(53)).toBe(1);
    expect(await ports.get(54)).toBeNull();
    const records = [];
    for await (const record of ports.records()) records.push(record);
    expect(records).toEqual([{ key: 53, value: 1 }]);
    expect(await ports.delete(53)).toBe(true);
    expect(await ports.delete(53)).toBe(false);

    const counts = collection.map('counts');
    await counts.set(6, [
      { packets: 1n, bytes: 60n },
      { packets: 2n, bytes: 120n },
    ]);
    expect(await counts.get(6)).toEqual([
      { packets: 1n, bytes: 60n },
      { packets: 2n, bytes: 120n },
    ]);
    await collection.close();
  });

  it('uses the maps that are given in place of the object’s', async () => {
    const first = await loadCollection(kernel, example('pktcount.bpf.o'));
    const second = await loadCollection(kernel, example('pktcount.bpf.o'), {
      maps: { drop_ports: first.map('drop_ports') },
    });
    expect(embedded.usage().maps).toBe(3);
    await second.close();
    await first.map('drop_ports').set(80, 1);
    await expect(
      loadCollection(kernel, example('pktcount.bpf.o'), { maps: { drop_ports: first.map('counts') } }),
    ).rejects.toThrow(/map 'drop_ports': the map given for it has type/);
    await first.close();
    expect(embedded.usage().maps).toBe(0);
  });

  it('shares maps that are pinned by name', async () => {
    const spec = parseObject(example('pktcount.bpf.o'));
    spec.maps.get('counts')!.pinByName = true;
    const first = await loadCollection(kernel, spec);
    const second = await loadCollection(kernel, spec);
    expect((await first.map('counts').info()).id).toBe((await second.map('counts').info()).id);
    await first.close();
    await second.close();
    const map = await BpfMap.open(kernel, '/sys/fs/bpf/counts');
    await map.unpin('/sys/fs/bpf/counts');
    await map.close();
    expect(embedded.usage()).toMatchObject({ maps: 0, pins: 0 });
  });

  it('gives a ring buffer’s records as they come', async () => {
    const collection = await loadCollection(kernel, example('opensnoop.bpf.o'), { programs: ['enter_openat'] });
    const ring = await collection.map('events').ring();
    await expect(collection.map('events').ring()).rejects.toThrow(BpfError);
    await expect(collection.map('calls').ring()).rejects.toThrow(UnsupportedError);
    const link = await collection.program('enter_openat').attach();
    const task = embedded.world.tasks.upsert({ pid: 7, tgid: 7, comm: 'cat', parentPid: 1, uid: 5, gid: 5 });
    embedded.hooks.tracepoint('syscalls', 'sys_enter_openat')!.fire(task, {});
    const [record] = await ring.read();
    expect(record?.data).toHaveLength(304);
    await ring.close();
    expect(await ring.read()).toEqual([]);
    await link.close();
    await collection.close();
  });

  it('finds features by asking', async () => {
    const features = probeFeatures(kernel);
    expect(await features.mapType(1)).toBe(true);
    expect(await features.mapType(4000)).toBe(false);
    expect(embedded.usage().maps).toBe(0);
  });

  it('loads a program that goes into another one', async () => {
    const first = await loadCollection(kernel, example('pktcount.bpf.o'));
    const spec = parseObject(example('pktcount.bpf.o'));
    Object.assign(spec.programs.get('pktcount')!, {
      type: BPF_PROG_TYPE_EXT,
      attachType: 0,
      section: 'freplace/pktcount',
      attachTo: 'pktcount',
    });
    await expect(loadCollection(kernel, spec)).rejects.toThrow('say which loaded program it goes into');
    const targets = { pktcount: first.program('pktcount') };
    const asked = vi.spyOn(kernel, 'bpf');
    const second = await loadCollection(kernel, spec, { targets });
    const [, load] = asked.mock.calls.find(([command]) => command === 'PROG_LOAD')!;
    expect(load).toMatchObject({ attach_prog_fd: targets.pktcount.fd, prog_type: BPF_PROG_TYPE_EXT });
    expect(load).toHaveProperty('attach_btf_id');
    Object.assign(spec.programs.get('pktcount')!, { attachTo: 'nosuch' });
    await expect(loadCollection(kernel, spec, { targets })).rejects.toThrow("names no function of 'pktcount'");
    await second.close();
    await first.close();
  });

  it('closes twice without harm', async () => {
    const collection = await loadCollection(kernel, example('hello.bpf.o'));
    await collection.close();
    await collection.close();
  });
});

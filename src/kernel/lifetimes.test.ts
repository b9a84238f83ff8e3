import { expect, it } from 'vitest';
import { acceptAll } from '../../test/support/accept-all.ts';
import { assemble, encode } from '../isa/index.ts';
import { Bpf, type Fd } from '../sys/index.ts';
import { createKernel, type EmbeddedKernel } from './index.ts';

const XDP = 6;
const BPF_XDP = 37;
const ARRAY = 2;
const PROG_ARRAY = 3;
const ARRAY_OF_MAPS = 12;
const KEY = new Uint8Array(4);

function scene() {
  const kernel = createKernel({ verify: acceptAll });
  return { kernel, bpf: new Bpf(kernel.open({ pid: 10 })) };
}

const makeMap = (bpf: Bpf, type = ARRAY, more = {}) =>
  bpf.mapCreate({ map_type: type, key_size: 4, value_size: 4, max_entries: 4, ...more });

async function makeProg(bpf: Bpf, map?: Fd): Promise<Fd> {
  const insns = encode(assemble(map === undefined ? 'r0 = 2\nexit' : `r1 = map[fd:${map}]\nr0 = 2\nexit`));
  return (await bpf.progLoad({ prog_type: XDP, insns, license: 'GPL', prog_name: 'p' })).fd;
}

function counts(kernel: EmbeddedKernel) {
  const { programs, maps, links, btfs, pins } = kernel.usage();
  return { programs, maps, links, btfs, pins };
}
const NOTHING = { programs: 0, maps: 0, links: 0, btfs: 0, pins: 0 };

it('an object goes with its last descriptor', async () => {
  const { kernel, bpf } = scene();
  const map = await makeMap(bpf);
  const { id } = await bpf.mapInfo(map);
  const again = await bpf.mapById(id);
  await bpf.close(map);
  expect(counts(kernel).maps).toBe(1);
  await bpf.close(again);
  expect(counts(kernel)).toEqual(NOTHING);
  await expect(bpf.mapById(id)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('a program keeps its maps', async () => {
  const { kernel, bpf } = scene();
  const map = await makeMap(bpf);
  const prog = await makeProg(bpf, map);
  await bpf.close(map);
  expect((await bpf.progInfo(prog)).map_ids).toHaveLength(1);
  expect(counts(kernel)).toMatchObject({ programs: 1, maps: 1 });
  await bpf.close(prog);
  expect(counts(kernel)).toEqual(NOTHING);
});

it('a link keeps its program at the hook, and takes it off when it goes', async () => {
  const { kernel, bpf } = scene();
  const prog = await makeProg(bpf);
  const link = await bpf.linkCreate({ prog_fd: prog, target_fd: 1, attach_type: BPF_XDP });
  await bpf.close(prog);
  const hook = kernel.hooks.xdp(1);
  expect(hook.attached).toBe(true);
  expect(hook.run(new Uint8Array(64)).verdict).toBe(2);
  await bpf.close(link);
  expect(hook.attached).toBe(false);
  expect(counts(kernel)).toEqual(NOTHING);
});

it('a detached link keeps its program but not its place', async () => {
  const { kernel, bpf } = scene();
  const prog = await makeProg(bpf);
  const attach = () => bpf.linkCreate({ prog_fd: prog, target_fd: 1, attach_type: BPF_XDP });
  const link = await attach();
  await expect(attach()).rejects.toMatchObject({ code: 'EBUSY' });
  await bpf.linkDetach(link);
  expect(await bpf.linkInfo(link)).toMatchObject({ prog_id: 1, xdp: { ifindex: 0 } });
  await attach();
  expect(counts(kernel).links).toBe(2);
});

it('a pin keeps its object beyond the client', async () => {
  const { kernel, bpf } = scene();
  const map = await makeMap(bpf);
  await bpf.mapUpdate(map, KEY, Uint8Array.of(1, 2, 3, 4));
  await bpf.objPin('/sys/fs/bpf/m', map);
  await bpf.kernel.close();
  expect(counts(kernel)).toEqual({ ...NOTHING, maps: 1, pins: 1 });
  const other = new Bpf(kernel.open());
  await other.withFd(other.objGet('/sys/fs/bpf/m'), async (fd) => {
    expect(await other.mapLookup(fd, KEY, 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
  await other.kernel.bpffs.remove('/sys/fs/bpf/m');
  expect(counts(kernel)).toEqual(NOTHING);
});

it('closing a client closes its descriptors and nobody else’s', async () => {
  const { kernel, bpf } = scene();
  const other = new Bpf(kernel.open({ pid: 11 }));
  const map = await makeMap(bpf);
  const shared = await makeMap(bpf, ARRAY, { map_name: 'shared' });
  const theirs = await other.mapById((await bpf.mapInfo(shared)).id);
  await bpf.kernel.close();
  expect(counts(kernel).maps).toBe(1);
  expect((await other.mapInfo(theirs)).name).toBe('shared');
  await expect(bpf.mapInfo(map)).rejects.toMatchObject({ code: 'EBADF' });
});

it('a map of maps keeps the maps in it', async () => {
  const { kernel, bpf } = scene();
  const inner = await makeMap(bpf);
  const outer = await makeMap(bpf, ARRAY_OF_MAPS, { inner_map_fd: inner });
  const { id } = await bpf.mapInfo(inner);
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, inner, true);
  await bpf.mapUpdate(outer, KEY, value);
  await bpf.close(inner);
  expect(new DataView((await bpf.mapLookup(outer, KEY, 4))!.buffer).getUint32(0, true)).toBe(id);
  expect(counts(kernel).maps).toBe(2);
  await bpf.mapDelete(outer, KEY);
  expect(counts(kernel).maps).toBe(1);
});

it('a prog array lets go of its programs with its last descriptor, though a program still uses it', async () => {
  const { kernel, bpf } = scene();
  const array = await makeMap(bpf, PROG_ARRAY);
  // A program that stands in the array it uses: without that rule neither would ever go.
  const prog = await makeProg(bpf, array);
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, prog, true);
  await bpf.mapUpdate(array, KEY, value);
  await bpf.close(prog);
  expect(counts(kernel)).toMatchObject({ programs: 1, maps: 1 });
  await bpf.close(array);
  expect(counts(kernel)).toEqual(NOTHING);
});

it('a device takes what is attached to it along', async () => {
  const { kernel, bpf } = scene();
  const device = kernel.world.devices.add('eth0');
  if (typeof device === 'number') throw new Error('no device');
  const prog = await makeProg(bpf);
  const link = await bpf.linkCreate({ prog_fd: prog, target_fd: device.ifindex, attach_type: BPF_XDP });
  kernel.world.devices.remove(device.ifindex);
  expect((await bpf.linkInfo(link)).xdp).toEqual({ ifindex: 0 });
});

it('ids are not used again soon', async () => {
  const { bpf } = scene();
  const ids: number[] = [];
  for (let i = 0; i < 5; i++) await bpf.withFd(makeMap(bpf), async (fd) => ids.push((await bpf.mapInfo(fd)).id));
  expect(ids).toEqual([1, 2, 3, 4, 5]);
});

it('a thousand rounds of loading and closing leave nothing behind', async () => {
  const { kernel, bpf } = scene();
  const round = async () => {
    const map = await makeMap(bpf, 1);
    await bpf.mapUpdate(map, KEY, KEY);
    const prog = await makeProg(bpf, map);
    const link = await bpf.linkCreate({ prog_fd: prog, target_fd: 1, attach_type: BPF_XDP });
    kernel.hooks.xdp(1).run(new Uint8Array(64));
    const ring = await bpf.mapCreate({ map_type: 27, max_entries: 4096 });
    const reader = await bpf.kernel.openRingBuffer(ring);
    await reader.close();
    for (const fd of [map, prog, link, ring]) await bpf.close(fd);
  };
  await round();
  const { memory } = kernel.usage();
  for (let i = 0; i < 1000; i++) await round();
  expect(counts(kernel)).toEqual(NOTHING);
  expect(kernel.usage().memory).toBe(memory);
});

it('memory that runs out is ENOMEM, and leaves nothing behind', async () => {
  const kernel = createKernel({ verify: acceptAll, memoryLimit: 1 << 20 });
  const bpf = new Bpf(kernel.open());
  const { memory } = kernel.usage();
  await expect(makeMap(bpf, ARRAY, { max_entries: 1 << 20 })).rejects.toMatchObject({ code: 'ENOMEM' });
  expect(kernel.usage()).toMatchObject({ maps: 0, memory });
});

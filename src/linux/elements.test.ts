/** Elements at once: the same answers as the commands, whatever the map is and whatever is given. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { u32 } from '../../test/support/linux-bpf.ts';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { BpfError } from '../base/errors.ts';
import { Bpf, type Elements, type Kernel, userValueSize } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { openLinuxKernel } from './index.ts';

describeKernel('elements at once', () => {
  let kernel: Kernel;
  let elements: Elements;
  beforeEach(async () => {
    kernel = await openLinuxKernel();
    elements = kernel.elements!;
  });
  afterEach(() => kernel.close());

  const create = (map_type: number, key_size: number, value_size: number, more = {}) =>
    new Bpf(kernel).mapCreate({ map_type, key_size, value_size, max_entries: 8, ...more });
  const code = (ask: () => unknown): unknown => {
    try {
      return ask();
    } catch (error) {
      expect(error).toBeInstanceOf(BpfError);
      return (error as BpfError).code;
    }
  };

  it('keep what they are given, with keys and values of any size', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 64 }),
        fc.integer({ min: 1, max: 40_000 }),
        fc.integer(),
        async (key, size, seed) => {
          const fd = await create(C.BPF_MAP_TYPE_HASH, key.length, size);
          const value = new Uint8Array(size).map((_, i) => seed + i * 7);
          expect(elements.lookup(fd, key, size)).toBeNull();
          elements.update(fd, key, value);
          expect(elements.lookup(fd, key, size)).toEqual(value);
          expect((await kernel.bpf('MAP_LOOKUP_ELEM', { map_fd: fd, key, value: size })).value).toEqual(value);
          expect([elements.remove(fd, key), elements.remove(fd, key)]).toEqual([true, false]);
          await kernel.closeFd(fd);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('obey flags, and say what is in the way', async () => {
    const fd = await create(C.BPF_MAP_TYPE_HASH, 4, 8);
    const value = new Uint8Array(8);
    elements.update(fd, u32(1), value, C.BPF_NOEXIST);
    expect(code(() => elements.update(fd, u32(1), value, C.BPF_NOEXIST))).toBe('EEXIST');
    expect(code(() => elements.update(fd, u32(2), value, C.BPF_EXIST))).toBe('ENOENT');
    for (let n = 2; n < 9; n++) elements.update(fd, u32(n), value);
    expect(code(() => elements.update(fd, u32(99), value))).toBe('E2BIG');
    expect(code(() => elements.lookup(fd, u32(1), 4))).toBe('EINVAL');
    expect(code(() => elements.lookup(fd, new Uint8Array(2), 8))).toBe('EINVAL');
    expect(code(() => elements.update(fd, u32(1), new Uint8Array(4)))).toBe('EINVAL');
    expect(code(() => elements.remove(99_999, u32(1)))).toBe('EBADF');
    const array = await create(C.BPF_MAP_TYPE_ARRAY, 4, 8);
    expect(code(() => elements.remove(array, u32(1)))).toBe('EINVAL');
    expect(elements.lookup(array, u32(99), 8)).toBeNull();
  });

  it('know maps of CPUs, of maps, and those without keys', async () => {
    const size = userValueSize({ type: C.BPF_MAP_TYPE_PERCPU_HASH, value_size: 4 }, kernel.possibleCpus);
    const perCpu = await create(C.BPF_MAP_TYPE_PERCPU_HASH, 4, 4);
    const value = new Uint8Array(size);
    for (let cpu = 0; cpu < kernel.possibleCpus; cpu++) value[cpu * 8] = cpu + 1;
    elements.update(perCpu, u32(3), value);
    expect(elements.lookup(perCpu, u32(3), size)).toEqual(value);
    const outer = await create(C.BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, { inner_map_fd: perCpu });
    elements.update(outer, u32(1), u32(perCpu));
    expect(elements.lookup(outer, u32(1), 4)).toEqual(u32((await new Bpf(kernel).mapInfo(perCpu)).id));
    const queue = await create(C.BPF_MAP_TYPE_QUEUE, 0, 4);
    elements.update(queue, new Uint8Array(), u32(5));
    expect(elements.lookup(queue, new Uint8Array(), 4)).toEqual(u32(5));
    const bloom = await create(C.BPF_MAP_TYPE_BLOOM_FILTER, 0, 4);
    expect(elements.lookup(bloom, u32(7), 4)).toBeNull();
    elements.update(bloom, new Uint8Array(), u32(7));
    expect(elements.lookup(bloom, u32(7), 4)).not.toBeNull();
  });

  it('are gone with their kernel', async () => {
    const fd = await create(C.BPF_MAP_TYPE_HASH, 4, 8);
    await kernel.close();
    expect(code(() => elements.lookup(fd, u32(1), 8))).toBe('EBADF');
  });
});

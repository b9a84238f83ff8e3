import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernel, type EmbeddedKernel } from '../kernel/index.ts';
import { parseObject } from '../object/index.ts';
import type { Kernel } from '../sys/index.ts';
import { BPF_F_MMAPABLE } from '../uapi/generated/constants.ts';
import { BpfMap, BpfProgram, loadCollection } from './index.ts';

const kinds = () => new Uint8Array(readFileSync(new URL('../../examples/kinds.bpf.o', import.meta.url)));

describe('a map without an object file', () => {
  let embedded: EmbeddedKernel;
  let kernel: Kernel;
  beforeEach(() => {
    embedded = createKernel();
    kernel = embedded.open();
  });
  afterEach(() => kernel.close());

  it('takes and gives numbers of its sizes', async () => {
    for (const [size, value] of [
      [1, 200],
      [2, 60000],
      [4, 4_000_000_000],
      [8, 2n ** 63n],
    ] as const) {
      const map = await BpfMap.create(kernel, { type: 'hash', keySize: size, valueSize: size, maxEntries: 4 });
      await map.set(value, value);
      expect(await map.get(value)).toBe(value);
      await map.close();
    }
  });

  it('says what was asked where the kernel refuses', async () => {
    await expect(BpfMap.create(kernel, { type: 'hash', maxEntries: 0 })).rejects.toThrow(
      'map of type hash with 0 elements, keys of 4 and values of 4 bytes (Invalid argument)',
    );
    const map = await BpfMap.create(kernel, { type: 'hash', maxEntries: 1, name: 'small' });
    await expect(map.updateMany([[new Uint8Array(4), new Uint8Array(5)]])).rejects.toThrow(
      "a value of map 'small' has 4",
    );
    await expect(map.set({}, 1)).rejects.toThrow("a key of map 'small', which has no types, is a whole number");
    await map.setMany([[1, 1]]);
    await expect(map.set(2, 2)).rejects.toThrow("map 'small'");
  });

  it('goes on one by one where a type has no batches', async () => {
    const queueless = await BpfMap.create(kernel, { type: 'lru_hash', maxEntries: 16 });
    const trie = await BpfMap.create(kernel, { type: 'lpm_trie', keySize: 8, maxEntries: 16, flags: 1 });
    const key = (n: number) => new Uint8Array([32, 0, 0, 0, 10, 0, 0, n]);
    for (const [map, keys] of [
      [queueless, [1, 2, 3]],
      [trie, [key(1), key(2), key(3)]],
    ] as const) {
      await map.setMany(keys.map((k, i) => [k, i]));
      let taken = 0;
      for await (const _ of map.drain()) taken++;
      expect(taken).toBe(3);
      for await (const _ of map.keys()) throw new Error('something stayed');
    }
  });

  it('shares its memory, until that is closed', async () => {
    const map = await BpfMap.create(kernel, { type: 'array', maxEntries: 3, flags: BPF_F_MMAPABLE });
    const memory = await map.memory();
    memory.set(2, 5);
    expect(await map.get(2)).toBe(5);
    expect(() => memory.get(3)).toThrow(RangeError);
    await expect(map.freeze()).rejects.toMatchObject({ code: 'EBUSY' });
    await memory.close();
    await memory.close();
    expect(memory.get(2)).toBe(0);
    await map.freeze();
    const frozen = await map.memory();
    expect(frozen.get(2)).toBe(5);
    expect(() => frozen.set(2, 6)).toThrow('may only be read');
    // The memory keeps the map.
    await map.close();
    expect(embedded.usage().maps).toBe(1);
    await frozen.close();
    expect(embedded.usage().maps).toBe(0);
  });

  it('has no memory to share where it is no mappable array', async () => {
    const map = await BpfMap.create(kernel, { type: 'array', maxEntries: 3 });
    await expect(map.memory()).rejects.toMatchObject({ code: 'EINVAL' });
  });
});

describe('the maps of an object', () => {
  it('have the types that the object says, also where the kernel takes none', async () => {
    const kernel = createKernel().open();
    const spec = parseObject(kinds());
    const [jobs, tenants] = [spec.maps.get('jobs')!, spec.maps.get('tenants')!];
    jobs.valueTypeId = spec.maps.get('points')!.valueTypeId;
    jobs.valueSize = 16;
    tenants.keyTypeId = jobs.valueTypeId;
    tenants.keySize = 16;
    const warnings: string[] = [];
    const { maps } = await loadCollection<'jobs' | 'tenants'>(kernel, spec, { warn: (text) => warnings.push(text) });
    expect(warnings).toEqual([]);
    const job = { x: 1, y: -2, name: 'ann' };
    await maps.jobs.push(job);
    expect([await maps.jobs.peek(), await maps.jobs.pop(), await maps.jobs.peek()]).toEqual([job, job, null]);
    const inner = await BpfMap.create(kernel, { type: 'array', valueSize: 8, maxEntries: 2 });
    await maps.tenants.set(job, inner);
    expect(await maps.tenants.get(job)).toBe((await inner.info()).id);
    await kernel.close();
  });

  it('with a value a CPU take bytes of one or of all, and as many values as there are CPUs', async () => {
    const kernel = createKernel({ cpus: 2 }).open();
    const hits = (await loadCollection<'hits'>(kernel, kinds())).maps.hits;
    await hits.set(0, [1n, 2n]);
    await hits.set(1, Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0));
    await hits.set(2, hits.encodeValue([4n, 5n]));
    expect([await hits.get(0), await hits.get(1), await hits.get(2)]).toEqual([
      [1n, 2n],
      [3n, 3n],
      [4n, 5n],
    ]);
    await expect(hits.set(0, [1n])).rejects.toThrow("map 'hits' has a value for each of 2 CPUs, and 1 are given");
    await expect(hits.set(0, new Uint8Array(3))).rejects.toThrow("a value of map 'hits' has 8 bytes, and here are 3");
    await kernel.close();
  });

  it('may be bloom filters, which are asked for a value', async () => {
    const kernel = createKernel().open();
    const filter = await BpfMap.create(kernel, { type: 'bloom_filter', maxEntries: 100 });
    await filter.push(7);
    expect([await filter.mayHave(7), await filter.mayHave(8)]).toEqual([true, false]);
    await kernel.close();
  });
});

describe('global variables', () => {
  it('are read and set one by one while programs run', async () => {
    const kernel = createKernel().open();
    const collection = await loadCollection<never, 'count', 'number' | 'verdict' | 'limit'>(kernel, kinds());
    const { number, verdict, limit } = collection.globals;
    await verdict.set(3);
    expect((await collection.programs.count.testRun({ data: new Uint8Array(60) })).retval).toBe(3);
    expect([await number.get(), await verdict.get(), await limit.get()]).toEqual([1, 3, 1500]);
    await expect(limit.set(1)).rejects.toMatchObject({ code: 'EPERM' });
    expect(() => collection.global('nosuch')).toThrow("the object has no global variable 'nosuch'; it has");
    await kernel.close();
  });
});

describe('a program without an object file', () => {
  it('is loaded from text, with maps by name', async () => {
    const kernel = createKernel().open();
    const map = await BpfMap.create(kernel, { type: 'array', maxEntries: 1 });
    const insns = 'r1 = map[m]; r0 = 7; exit';
    const program = await BpfProgram.load(kernel, { type: 'xdp', insns, maps: { m: map } });
    expect((await program.info()).map_ids).toHaveLength(1);
    expect((await program.testRun({ data: new Uint8Array(14) })).retval).toBe(7);
    await expect(BpfProgram.load(kernel, { type: 'xdp', insns: 'nonsense' })).rejects.toThrow();
    await expect(program.testRun({ data: new Uint8Array(3) })).rejects.toThrow('a packet has 14 or more');
    await kernel.close();
  });
});

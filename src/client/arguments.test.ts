import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SkepError } from '../base/errors.ts';
import { createKernel } from '../kernel/index.ts';
import type { Kernel } from '../sys/index.ts';
import { BpfLink, BpfMap, BpfProgram, type Collection, loadCollection } from './index.ts';

const object = new Uint8Array(readFileSync(new URL('../../examples/kinds.bpf.o', import.meta.url)));

/** What no compiler would let pass; each has to be a rejection with a sentence. */
// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
type Wrong = any;

describe('a wrong argument', () => {
  let kernel: Kernel;
  let collection: Collection;
  let points: Wrong;
  let count: Wrong;
  beforeAll(async () => {
    kernel = createKernel().open();
    collection = await loadCollection(kernel, object);
    points = collection.map('points');
    count = collection.program('count');
  });
  afterAll(() => kernel.close());

  const create = (definition: Wrong) => BpfMap.create(kernel, definition);
  const load = (definition: Wrong) => BpfProgram.load(kernel, definition);
  const loadObject = (given: Wrong, options?: Wrong) => loadCollection(kernel, given, options);
  const attach = (options: Wrong) => count.attach({ device: 'lo', ...options });
  const key = new Uint8Array(4);

  it.each<[string, () => Promise<unknown>, string]>([
    ['of loadCollection: a path', () => loadObject('kinds.bpf.o'), "an object file is a Uint8Array, not 'kinds.bpf.o'"],
    ['of loadCollection: nothing', () => loadObject(undefined), 'an object file is a Uint8Array, not undefined'],
    ['of loadCollection: a buffer', () => loadObject(object.buffer), 'not ArrayBuffer'],
    ['of loadCollection: a name of many', () => loadObject(object, { programs: 'count' }), "go through, not 'count'"],
    ['of loadCollection: no map', () => loadObject(object, { maps: { points: 5 } }), "map 'points' is no BpfMap"],
    ['of create: nothing', () => create(undefined), 'the definition of a map is an object, not undefined'],
    ['of create: an unknown type', () => create({ type: 'hush' }), 'the type of a map is one of hash, array'],
    ['of create: a text', () => create({ type: 'hash', maxEntries: '5' }), 'maxEntries is a whole number from 0 to'],
    [
      'of create: a long name',
      () => create({ type: 'hash', maxEntries: 5, name: 'a'.repeat(16) }),
      'at most 15 letters',
    ],
    ['of load: no instructions', () => load({ type: 'xdp', insns: '' }), 'at least one; here are 0 bytes'],
    ['of load: half of one', () => load({ type: 'xdp', insns: new Uint8Array(4) }), 'here are 4 bytes'],
    ['of load: a number', () => load({ type: 'xdp', insns: 5 }), 'insns is a Uint8Array, not 5'],
    ['of lookup: nothing', () => points.lookup(), "the key for map 'points' is a Uint8Array, not undefined"],
    ['of update: an array', () => points.update(key, [1]), "the value for map 'points' is a Uint8Array, not an array"],
    ['of update: a flag by name', () => points.update(key, new Uint8Array(16), 'any'), 'flags is a whole number'],
    ['of set: nothing', () => points.set(1, null), 'value is an object with members, not null'],
    ['of get: an object', () => points.get({}), 'key is a number, not a object'],
    ['of setMany: bytes', () => points.setMany(key), 'what to write is an array'],
    ['of byId: a text', () => BpfMap.byId(kernel, 'x' as Wrong), 'the id of a map is a whole number'],
    ['of byId: less than nothing', () => BpfLink.byId(kernel, -1), 'the id of a link is a whole number'],
    ['of open: nothing', () => BpfMap.open(kernel, undefined as Wrong), 'the path of a pin is a string'],
    ['of pin: a zero', () => points.pin('/sys/fs/bpf/a\0b'), 'the path of a pin has no zero in it'],
    ['of testRun: a text', () => count.testRun({ data: 'x' }), "data is a Uint8Array, not 'x'"],
    [
      'of testRun: endless',
      () => count.testRun({ repeat: -1 }),
      'repeat is a whole number from 0 to 2147483647, not -1',
    ],
    ['of attach: nothing', () => count.attach(null), 'what attach takes is an object, not null'],
    ['of attach: a device', () => count.attach({ device: {} }), 'device is a string, not Object'],
    ['of attach: a direction', () => attach({ direction: 'up' }), "direction is one of ingress, egress, not 'up'"],
    ['of attach: a cookie', () => attach({ cookie: 5 }), 'cookie is a bigint'],
    ['of attach: a socket', () => attach({ socket: 'x' }), 'socket is a whole number from 0'],
    ['of attach: a process', () => attach({ uprobe: { path: 'x', pid: 'x' } }), 'uprobe.pid is a whole number'],
    ['of attach: an event', () => attach({ event: { kind: 'clock' } }), 'event.kind is one of software'],
    ['of attach: its name', () => attach({ event: { kind: 'software', name: 'x' } }), 'event.name is one of cpu-clock'],
    [
      'of attach: its config',
      () => attach({ event: { kind: 'event', type: 1, config: 0 } }),
      'event.config is a bigint',
    ],
    ['of attach: a hook', () => attach({ netfilter: { family: 2 } }), 'netfilter.hook is a whole number'],
    [
      'of attach: a place',
      () => attach({ place: { before: 5 } }),
      'place.before and place.after are a program or a link',
    ],
  ])('%s', async (_, ask, says) => {
    const error = await ask().then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SkepError);
    expect((error as Error).message).toContain(says);
  });

  it('of loadCollection: a map that the object does not have', async () => {
    await expect(loadObject(object, { maps: { nosuch: points } })).rejects.toMatchObject({
      code: 'ERR_NO_SUCH_OBJECT',
    });
  });
});

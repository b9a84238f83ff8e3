import { describe, expect, test } from 'vitest';
import { TestHelperEnv } from '../../test/support/helper-env.ts';
import { mapDef } from '../../test/support/map-env.ts';
import { E2BIG, EAGAIN, EEXIST, EFAULT, EINVAL, ENOENT, EOPNOTSUPP } from '../base/errno.ts';
import { LocalStorageMap, PerfBuffer, RingBufferMap } from '../maps/index.ts';
import * as abi from '../uapi/generated/constants.ts';

const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
const negative = (errno: number) => BigInt(-errno);

describe('helpers on maps', () => {
  test('look up, update and delete', () => {
    const env = new TestHelperEnv();
    const { addr: map } = env.createMap(mapDef(abi.BPF_MAP_TYPE_HASH, 4, 4, 4));
    const key = env.put(u32(1));
    expect(env.call('map_lookup_elem', map, key)).toBe(0n);
    expect(env.call('map_update_elem', map, key, env.put(u32(7)), 0n)).toBe(0n);
    expect(env.mem.u32(Number(env.call('map_lookup_elem', map, key)))).toBe(7);
    expect(env.call('map_update_elem', map, key, env.put(u32(7)), 1n)).toBe(negative(EEXIST));
    expect(env.call('map_update_elem', map, key, env.put(u32(7)), 1n << 32n)).toBe(negative(EINVAL));
    expect(env.call('map_delete_elem', map, key)).toBe(0n);
    expect(env.call('map_delete_elem', map, key)).toBe(negative(ENOENT));
  });

  test('push, peek and pop', () => {
    const env = new TestHelperEnv();
    const { addr: map } = env.createMap(mapDef(abi.BPF_MAP_TYPE_QUEUE, 0, 4, 1));
    const out = env.mem.alloc(4);
    expect(env.call('map_push_elem', map, env.put(u32(7)), 0n)).toBe(0n);
    expect(env.call('map_push_elem', map, env.put(u32(8)), 0n)).toBe(negative(E2BIG));
    expect(env.call('map_push_elem', map, env.put(u32(8)), 1n << 40n)).toBe(negative(EINVAL));
    expect(env.call('map_peek_elem', map, out)).toBe(0n);
    expect(env.call('map_pop_elem', map, out)).toBe(0n);
    expect(env.mem.u32(out)).toBe(7);
    expect(env.call('map_pop_elem', map, out)).toBe(negative(ENOENT));
  });

  test('reach the values of other CPUs', () => {
    const env = new TestHelperEnv();
    const { addr: map } = env.createMap(mapDef(abi.BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4, 2));
    const key = env.put(u32(1));
    const mine = Number(env.call('map_lookup_elem', map, key));
    expect(env.call('map_lookup_percpu_elem', map, key, 0)).toBe(BigInt(mine));
    expect(env.call('map_lookup_percpu_elem', map, key, 1)).toBe(BigInt(mine + 8));
    expect(env.call('map_lookup_percpu_elem', map, key, 2)).toBe(0n);
    expect(env.call('map_lookup_percpu_elem', map, key, -1)).toBe(0n);
  });

  test('call back for each element, and as often as asked', () => {
    const env = new TestHelperEnv();
    const { addr: map } = env.createMap(mapDef(abi.BPF_MAP_TYPE_ARRAY, 4, 4, 5));
    const calls: number[][] = [];
    env.onCallback = (...args) => {
      calls.push(args);
      return calls.length === 3 ? 1 : 0;
    };
    expect(env.call('for_each_map_elem', map, 42, 0x1_0000_0007n, 0n)).toBe(3n);
    expect(calls.every(([fn, first, , , ctx]) => fn === 42 && first === map && ctx === 7)).toBe(true);
    calls.length = 0;
    expect(env.call('loop', 10, 42, 9n, 0n)).toBe(3n);
    expect(calls).toEqual([0, 1, 2].map((i) => [42, i, 9, 0, 0]));
    expect(env.call('loop', 2, 42, 9n, 0n)).toBe(2n);
    expect(env.call('loop', 2 ** 23 + 1, 42, 9n, 0n)).toBe(negative(E2BIG));
    expect(env.call('loop', 1, 42, 9n, 1n)).toBe(negative(EINVAL));
    expect(env.call('for_each_map_elem', map, 42, 0n, 1n)).toBe(negative(EINVAL));
  });
});

describe('helpers of ring buffers', () => {
  const world = () => {
    const env = new TestHelperEnv();
    const map = env.createMap(mapDef(abi.BPF_MAP_TYPE_RINGBUF, 0, 0, 4096));
    if (!(map instanceof RingBufferMap)) throw new Error('not a ring buffer');
    return { env, map };
  };

  test('reserve, then submit or discard, or put it all at once', () => {
    const { env, map } = world();
    const kept = Number(env.call('ringbuf_reserve', map.addr, 4n, 0n));
    env.mem.setU32(kept, 0x11223344);
    const dropped = Number(env.call('ringbuf_reserve', map.addr, 4n, 0n));
    env.call('ringbuf_submit', kept, 0n);
    env.call('ringbuf_discard', dropped, 0n);
    expect(env.call('ringbuf_output', map.addr, env.put(u32(5)), 4n, 0n)).toBe(0n);
    expect(env.call('ringbuf_query', map.addr, BigInt(abi.BPF_RB_AVAIL_DATA))).toBe(48n);
    expect(env.call('ringbuf_query', map.addr, BigInt(abi.BPF_RB_RING_SIZE))).toBe(4096n);
    expect(env.call('ringbuf_query', map.addr, 77n)).toBe(0n);
    expect(map.drain()).toEqual([u32(0x11223344), u32(5)]);
  });

  test('refuse what does not fit and flags that do not exist', () => {
    const { env, map } = world();
    expect(env.call('ringbuf_reserve', map.addr, 5000n, 0n)).toBe(0n);
    expect(env.call('ringbuf_reserve', map.addr, 1n << 32n, 0n)).toBe(0n);
    expect(env.call('ringbuf_reserve', map.addr, 8n, 1n)).toBe(0n);
    expect(env.call('ringbuf_output', map.addr, 4096, 5000n, 0n)).toBe(negative(EAGAIN));
    expect(env.call('ringbuf_output', map.addr, 4096, 1n << 32n, 0n)).toBe(negative(EAGAIN));
    expect(env.call('ringbuf_output', map.addr, 4096, 8n, 4n)).toBe(negative(EINVAL));
  });

  test('work through dynptrs', () => {
    const { env, map } = world();
    const dynptr = env.mem.alloc(16);
    expect(env.call('ringbuf_reserve_dynptr', map.addr, 4, 0n, dynptr)).toBe(0n);
    expect(env.call('dynptr_write', dynptr, 1, env.put(Uint8Array.of(7, 8)), 2, 0n)).toBe(0n);
    expect(env.call('dynptr_write', dynptr, 3, env.put(Uint8Array.of(7, 8)), 2, 0n)).toBe(negative(E2BIG));
    expect(env.call('dynptr_data', dynptr, 0, 5)).toBe(0n);
    env.mem.setU8(Number(env.call('dynptr_data', dynptr, 0, 4)), 6);
    env.call('ringbuf_submit_dynptr', dynptr, 0n);
    expect(map.drain()).toEqual([Uint8Array.of(6, 7, 8, 0)]);
    expect(env.call('dynptr_data', dynptr, 0, 1)).toBe(0n);
    expect(env.call('ringbuf_reserve_dynptr', map.addr, 5000, 0n, dynptr)).not.toBe(0n);
    env.call('ringbuf_discard_dynptr', dynptr, 0n);
  });
});

test('a dynptr reads what it was made from, within its bounds', () => {
  const env = new TestHelperEnv();
  const dynptr = env.mem.alloc(16);
  const out = env.mem.alloc(8);
  expect(env.call('dynptr_from_mem', env.put('abcdef'), 6, 0n, dynptr)).toBe(0n);
  expect(env.call('dynptr_read', out, 3, dynptr, 2, 0n)).toBe(0n);
  expect(env.mem.read(out, 3)).toEqual(new TextEncoder().encode('cde'));
  expect(env.call('dynptr_read', out, 5, dynptr, 2, 0n)).toBe(negative(E2BIG));
  expect(env.call('dynptr_read', out, 1, dynptr, 0, 1n)).toBe(negative(EINVAL));
  expect(env.call('dynptr_from_mem', out, 1 << 24, 0n, dynptr)).toBe(negative(E2BIG));
  expect(env.call('dynptr_read', out, 1, dynptr, 0, 0n)).toBe(negative(EINVAL));
});

test('records reach the perf buffer of this CPU, with as much of the packet as was asked for', () => {
  const env = new TestHelperEnv();
  const buffer = new PerfBuffer(0, 4096);
  env.maps.objects.set(5, { kind: 'perf_event', id: 1, value: 1, sink: buffer });
  const map = env.createMap(mapDef(abi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 2));
  map.writeElem(u32(0), u32(5), 0n);
  const data = env.put(u32(0xabcd));
  const here = 0xffff_ffffn;
  expect(env.call('perf_event_output', 0, map.addr, here, data, 4n)).toBe(0n);
  expect(env.call('perf_event_output', 0, map.addr, 1n, data, 4n)).toBe(negative(ENOENT));
  expect(env.call('perf_event_output', 0, map.addr, 2n, data, 4n)).toBe(negative(E2BIG));
  expect(env.call('perf_event_output', 0, map.addr, here | (2n << 32n), data, 4n)).toBe(negative(EINVAL));
  const start = env.put(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  env.run.packet = { start, end: start + 8, dataMeta: start, data: start, dataEnd: start + 8, sync: () => {} };
  expect(env.call('perf_event_output', 0, map.addr, here | (2n << 32n), data, 4n)).toBe(0n);
  expect(env.call('perf_event_output', 0, map.addr, here | (9n << 32n), data, 4n)).toBe(negative(EFAULT));
  expect(env.call('perf_event_output', 0, map.addr, here | (1n << 60n), data, 4n)).toBe(negative(EINVAL));
  expect(buffer.drain().records.map((r) => [...r.slice(0, 6)])).toEqual([
    [0xcd, 0xab, 0, 0],
    [0xcd, 0xab, 0, 0, 1, 2],
  ]);
});

test('stacks go to a map by id, or into a buffer', () => {
  const env = new TestHelperEnv();
  env.kernelStack = [0xffffffff81000010n, 0xffffffff81000020n, 0xffffffff81000030n];
  env.userStack = [0x401000n];
  const map = env.createMap(mapDef(abi.BPF_MAP_TYPE_STACK_TRACE, 4, 80, 16));
  const id = env.call('get_stackid', 0, map.addr, 0n);
  expect(id).toBeGreaterThanOrEqual(0n);
  expect(env.call('get_stackid', 0, map.addr, 0n)).toBe(id);
  const stack = map.readElem(u32(Number(id)), 0n) as Uint8Array;
  expect([...new BigUint64Array(stack.buffer)].slice(0, 4)).toEqual([...env.kernelStack, 0n]);
  expect(env.call('get_stackid', 0, map.addr, 3n)).toBe(negative(EFAULT));
  expect(env.call('get_stackid', 0, map.addr, 1n << 20n)).toBe(negative(EINVAL));

  const buf = env.mem.alloc(64);
  env.mem.fill(buf, 64, 0xff);
  expect(env.call('get_stack', 0, buf, 32, 1n)).toBe(16n);
  expect([0, 8, 16, 24, 32].map((at) => env.mem.u64(buf + at))).toEqual([
    env.kernelStack[1],
    env.kernelStack[2],
    0n,
    0n,
    0xffffffffffffffffn,
  ]);
  expect(env.call('get_stack', 0, buf, 32, BigInt(abi.BPF_F_USER_STACK))).toBe(8n);
  expect(env.call('get_stack', 0, buf, 12, 0n)).toBe(negative(EINVAL));
  expect(env.mem.u64(buf)).toBe(0n);
  expect(env.call('get_stack', 0, buf, 64, BigInt(abi.BPF_F_USER_STACK | abi.BPF_F_USER_BUILD_ID))).toBe(32n);
  expect(env.mem.u32(buf)).toBe(abi.BPF_STACK_BUILD_ID_IP);
  expect(env.mem.u64(buf + 24)).toBe(0x401000n);
  expect(env.call('get_task_stack', env.task.addr, buf, 64, 0n)).toBe(24n);
  expect(env.call('get_task_stack', 0x5555, buf, 64, 0n)).toBe(negative(EOPNOTSUPP));
});

test('local storage is made when asked for', () => {
  const env = new TestHelperEnv();
  const map = env.createMap(
    mapDef(abi.BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, { flags: abi.BPF_F_NO_PREALLOC, hasBtf: true }),
  );
  expect(map).toBeInstanceOf(LocalStorageMap);
  const task = env.task.addr;
  expect(env.call('task_storage_get', map.addr, task, 0, 0n)).toBe(0n);
  const at = env.call('task_storage_get', map.addr, task, 0, 1n);
  expect(at).not.toBe(0n);
  expect(env.call('task_storage_get', map.addr, task, 0, 0n)).toBe(at);
  expect(env.call('task_storage_get', map.addr, task, 0, 2n)).toBe(0n);
  expect(env.call('task_storage_delete', map.addr, task)).toBe(0n);
  expect(env.call('task_storage_delete', map.addr, task)).toBe(negative(ENOENT));
});

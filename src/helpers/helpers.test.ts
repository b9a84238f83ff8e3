import { describe, expect, test } from 'vitest';
import { TestHelperEnv } from '../../test/support/helper-env.ts';
import { mapDef } from '../../test/support/map-env.ts';
import { cString } from '../base/bytes.ts';
import { E2BIG, EAGAIN, EINVAL } from '../base/errno.ts';
import * as abi from '../uapi/generated/constants.ts';
import { HELPER_PROTOTYPES } from '../uapi/helper-prototypes.ts';
import { HELPERS as FACTS, type HelperName } from '../uapi/helpers.ts';
import { bindHelpers, HELPERS } from './registry.ts';

const negative = (errno: number) => BigInt(-errno);

describe('the registry', () => {
  test('binds every helper under its number', () => {
    const bound = bindHelpers(new TestHelperEnv());
    expect(bound.size).toBe(Object.keys(FACTS).length - 1); // the engine has bpf_tail_call
    expect(bound.get(1)?.name).toBe('map_lookup_elem');
    for (const [id, { name }] of bound) expect(FACTS[name as HelperName].id).toBe(id);
  });

  test('has one for those that are missing, which says so', () => {
    const missing = Object.keys(FACTS).find((name) => name !== 'tail_call' && !(name in HELPERS)) as HelperName;
    const { call } = bindHelpers(new TestHelperEnv()).get(FACTS[missing].id)!;
    expect(() => call()).toThrow(`helper bpf_${missing} is not supported here`);
  });

  test('has the arguments of every helper as its prototype has them', () => {
    const VARIADIC = 3;
    for (const [name, { args }] of Object.entries(HELPERS)) {
      const parameters = HELPER_PROTOTYPES[name as HelperName][1];
      const fixed = parameters === 'void' ? 0 : parameters.split(',').length;
      expect({ name, count: args.length }).toEqual({
        name,
        count: parameters.endsWith('...') ? fixed - 1 + VARIADIC : fixed,
      });
    }
  });
});

describe('the current task', () => {
  test('tells its ids in the halves of a number', () => {
    const env = new TestHelperEnv();
    expect(env.call('get_current_pid_tgid')).toBe((1200n << 32n) | 1234n);
    expect(env.call('get_current_uid_gid')).toBe((100n << 32n) | 1000n);
    expect(env.call('get_current_task')).toBe(BigInt(env.task.addr));
    expect(env.call('get_current_cgroup_id')).toBe(77n);
    expect([0, 1, 2, -1].map((level) => env.call('get_current_ancestor_cgroup_id', level))).toEqual([1n, 77n, 0n, 0n]);
  });

  test('tells its name, cut and filled up with zeros', () => {
    const env = new TestHelperEnv();
    const buf = env.mem.alloc(16);
    env.mem.fill(buf, 16, 0xff);
    expect(env.call('get_current_comm', buf, 8)).toBe(0n);
    expect([...env.mem.read(buf, 9)]).toEqual([...'test'].map((c) => c.charCodeAt(0)).concat(0, 0, 0, 0, 0xff));
    expect(env.call('get_current_comm', buf, 3)).toBe(0n);
    expect(cString(env.mem.read(buf, 16))).toBe('te');
    expect(env.call('get_current_comm', buf, 0)).toBe(negative(EINVAL));
  });

  test('has ids in its pid namespace and zeros in another', () => {
    const env = new TestHelperEnv();
    const buf = env.mem.alloc(8);
    expect(env.call('get_ns_current_pid_tgid', 4n, 5n, buf, 8)).toBe(0n);
    expect(env.mem.u64(buf)).toBe((12n << 32n) | 11n);
    expect(env.call('get_ns_current_pid_tgid', 4n, 6n, buf, 8)).toBe(negative(EINVAL));
    expect(env.mem.u64(buf)).toBe(0n);
  });

  test('is under a cgroup or not', () => {
    const env = new TestHelperEnv();
    env.maps.objects.set(1, { kind: 'cgroup', id: 77, value: 1 });
    env.maps.objects.set(2, { kind: 'cgroup', id: 78, value: 2 });
    const map = env.createMap(mapDef(abi.BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 3));
    const u32 = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
    map.writeElem(u32(0), u32(1), 0n);
    map.writeElem(u32(1), u32(2), 0n);
    expect([0, 1, 2, 3].map((i) => env.call('current_task_under_cgroup', map.addr, i))).toEqual([
      1n,
      0n,
      negative(EAGAIN),
      negative(E2BIG),
    ]);
  });
});

test('clocks tell all 64 bits', () => {
  const env = new TestHelperEnv();
  env.now = 0x1234_5678_9abc_def0n;
  expect(env.call('ktime_get_ns')).toBe(env.now);
  expect(env.call('ktime_get_boot_ns')).toBe(env.now + 1n);
  expect(env.call('ktime_get_tai_ns')).toBe(env.now + 2n);
  expect(env.call('ktime_get_coarse_ns')).toBe((env.now / 4_000_000n) * 4_000_000n);
});

test('random numbers are unsigned', () => {
  const env = new TestHelperEnv();
  for (let i = 0; i < 50; i++) expect(env.call('get_prandom_u32')).toBeGreaterThanOrEqual(0n);
});

describe('printing', () => {
  const format = (env: TestHelperEnv, text: string) => [env.put(text), text.length + 1] as const;

  test('puts a line on the trace pipe and answers its length', () => {
    const env = new TestHelperEnv();
    expect(env.call('trace_printk', ...format(env, 'pid %d: %s %llx'), 7n, BigInt(env.put('hi')), 1n << 40n)).toBe(21n);
    expect(env.lines).toEqual(['pid 7: hi 10000000000']);
  });

  test('refuses a format without its zero, a fourth argument, and what is no format', () => {
    const env = new TestHelperEnv();
    expect(env.call('trace_printk', env.put('abc'), 3, 0n, 0n, 0n)).toBe(negative(EINVAL));
    expect(env.call('trace_printk', ...format(env, '%d%d%d%d'), 0n, 0n, 0n)).toBe(negative(EINVAL));
    expect(env.call('trace_printk', ...format(env, '%q'), 0n, 0n, 0n)).toBe(negative(EINVAL));
    expect(env.lines).toEqual([]);
  });

  test('takes the text of user memory with %pus', () => {
    const env = new TestHelperEnv();
    env.task.user = new TextEncoder().encode('from the task\0');
    expect(env.call('trace_printk', ...format(env, '<%pus>'), env.task.userBase, 0n, 0n)).toBe(15n);
    expect(env.call('trace_printk', ...format(env, '<%s>'), env.task.userBase, 0n, 0n)).toBe(15n);
    expect(env.lines).toEqual(['<from the task>', '<from the task>']);
  });

  test('cuts a line at 1023 bytes and tells the length it would have had', () => {
    const env = new TestHelperEnv();
    expect(env.call('trace_printk', ...format(env, '%2000d'), 1n, 0n, 0n)).toBe(2000n);
    expect(env.lines[0]).toHaveLength(1023);
  });

  test('knows functions of the kernel', () => {
    const env = new TestHelperEnv();
    const at = 0xffffffff81000000n;
    env.call('trace_printk', ...format(env, '%ps %pS %pB'), at, at, 5n);
    expect(env.lines).toEqual(['_stext _stext+0x0/0x10 0x5']);
  });

  test('prints an array of arguments', () => {
    const env = new TestHelperEnv();
    const args = env.mem.alloc(16);
    env.mem.setU64(args, 1n);
    env.mem.setU64(args + 8, 2n);
    const out = env.mem.alloc(8);
    expect(env.call('trace_vprintk', ...format(env, '%d-%d'), args, 16)).toBe(3n);
    expect(env.call('trace_vprintk', ...format(env, '%d-%d'), args, 12)).toBe(negative(EINVAL));
    expect(env.call('snprintf', out, 3, format(env, '%d-%d')[0], args, 16)).toBe(4n);
    expect(cString(env.mem.read(out, 8))).toBe('1-');
    expect(env.call('snprintf', out, 0, format(env, '%d-%d')[0], args, 16)).toBe(4n);
  });
});

describe('text', () => {
  test('compares up to a zero or the size', () => {
    const env = new TestHelperEnv();
    const compare = (a: string, b: string, size: number) => env.call('strncmp', env.put(a), size, env.put(b));
    expect(compare('abc', 'abc', 4)).toBe(0n);
    expect(compare('abc', 'abd', 4)).toBeLessThan(0n);
    expect(compare('abd', 'abc', 4)).toBeGreaterThan(0n);
    expect(compare('abc', 'abd', 2)).toBe(0n);
    expect(compare('abc', 'ab', 4)).toBeGreaterThan(0n);
  });

  test('reads numbers', () => {
    const env = new TestHelperEnv();
    const out = env.mem.alloc(8);
    expect(env.call('strtol', env.put(' -0x10;'), 7, 0n, out)).toBe(6n);
    expect(BigInt.asIntN(64, env.mem.u64(out))).toBe(-16n);
    expect(env.call('strtoul', env.put('-1'), 2, 0n, out)).toBe(negative(EINVAL));
  });
});

describe('packets', () => {
  const world = () => {
    const env = new TestHelperEnv();
    const start = env.mem.alloc(512);
    let synced = 0;
    const packet = {
      start,
      end: start + 512,
      dataMeta: start + 128,
      data: start + 128,
      dataEnd: start + 192,
      sync: () => {
        synced++;
      },
    };
    env.run.packet = packet;
    return { env, packet, synced: () => synced };
  };

  test('change size, and their context is told', () => {
    const { env, packet, synced } = world();
    expect(env.call('xdp_adjust_head', 0, 4)).toBe(0n);
    expect(env.call('xdp_adjust_tail', 0, -10)).toBe(0n);
    expect(env.call('xdp_adjust_meta', 0, -8)).toBe(0n);
    expect(synced()).toBe(3);
    expect(packet.data - packet.dataMeta).toBe(8);
    expect(env.call('xdp_get_buff_len', 0)).toBe(50n);
    expect(env.call('xdp_adjust_head', 0, 40)).toBe(negative(EINVAL));
    expect(synced()).toBe(3);
  });

  test('a tag that is pushed stands beside the packet, the one before it goes into it', () => {
    const { env, packet } = world();
    const ctx = env.mem.alloc(192);
    const before = env.mem.read(packet.data, 64);
    const field = (at: number) => env.mem.u32(ctx + at);
    expect(env.call('skb_vlan_push', ctx, 0x0081, 5)).toBe(0n);
    expect([field(20), field(24), field(28)]).toEqual([1, 5, 0x0081]);
    expect(env.mem.read(packet.data, 64)).toEqual(before);
    expect(env.call('skb_vlan_push', ctx, 0xa888, 0x123)).toBe(0n);
    expect([...env.mem.read(packet.data + 12, 4)]).toEqual([0x81, 0, 0, 5]);
    expect(field(28)).toBe(0xa888);
    expect(env.call('skb_vlan_pop', ctx)).toBe(0n);
    expect([field(20), field(24), field(28)]).toEqual([1, 5, 0x0081]);
    expect(env.mem.read(packet.data, 64)).toEqual(before);
    expect(env.call('skb_vlan_pop', ctx)).toBe(0n);
    expect(field(20)).toBe(0);
  });

  test('of one flow have one hash', () => {
    const { env, packet } = world();
    const ctx = env.mem.alloc(192);
    env.mem.setU8(packet.data + 14, 0x45);
    const first = env.call('get_hash_recalc', ctx);
    expect(first).not.toBe(0n);
    env.call('set_hash_invalid', ctx);
    env.mem.setU8(packet.data + 20, 9);
    expect(env.call('get_hash_recalc', ctx)).toBe(first);
    env.call('set_hash_invalid', ctx);
    env.mem.setU8(packet.data + 30, 9);
    expect(env.call('get_hash_recalc', ctx)).not.toBe(first);
  });

  test('are not there in a run without one', () => {
    const env = new TestHelperEnv();
    for (const name of ['xdp_adjust_head', 'xdp_adjust_tail', 'skb_pull_data'] as const) {
      expect(env.call(name, 0, 1)).toBeLessThan(0n);
    }
  });

  test('are sent elsewhere by a note in the run', () => {
    const { env } = world();
    env.run.progType = abi.BPF_PROG_TYPE_XDP;
    expect(env.call('redirect', 3, 0n)).toBe(BigInt(abi.XDP_REDIRECT));
    expect(env.run.redirect).toEqual({ kind: 'device', index: 3, map: null, flags: 0 });
    expect(env.call('redirect_map', 0, 0n, 2n)).toBe(2n);
  });
});

test('what a program is attached to', () => {
  const env = new TestHelperEnv();
  env.run.cookie = 0xdead_beef_0000_0001n;
  env.run.funcIp = 0xffffffff81000000n;
  expect(BigInt.asUintN(64, env.call('get_attach_cookie', 0))).toBe(env.run.cookie);
  expect(BigInt.asUintN(64, env.call('get_func_ip', 0))).toBe(env.run.funcIp);
  const at = env.mem.alloc(32);
  [2n, 10n, 11n, 99n].forEach((v, i) => {
    env.mem.setU64(at + i * 8, v);
  });
  const out = env.mem.alloc(8);
  expect(env.call('get_func_arg_cnt', at + 8)).toBe(2n);
  expect(env.call('get_func_arg', at + 8, 1, out)).toBe(0n);
  expect(env.mem.u64(out)).toBe(11n);
  expect(env.call('get_func_arg', at + 8, 2, out)).toBe(negative(EINVAL));
  expect(env.call('get_func_ret', at + 8, out)).toBe(0n);
  expect(env.mem.u64(out)).toBe(99n);
  env.call('set_retval', -13);
  expect(env.call('get_retval')).toBe(-13n);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TestHelperEnv } from '../../test/support/helper-env.ts';
import { utf8 } from '../base/bytes.ts';
import { EFAULT, EINVAL, ERANGE } from '../base/errno.ts';
import type { HelperName } from '../uapi/helpers.ts';

const KERNEL_PAST_END = 0xffff_8880_0000_0000n;

function world() {
  const env = new TestHelperEnv();
  env.task.user = utf8('hello\0world');
  const to = env.mem.alloc(32);
  env.mem.fill(to, 32, 0xee);
  return { env, to };
}

describe('reading memory', () => {
  test('copies what is there', () => {
    const { env, to } = world();
    const from = env.put('kernel text');
    expect(env.call('probe_read_kernel', to, 6, BigInt(from))).toBe(0n);
    expect(env.mem.read(to, 7)).toEqual(Uint8Array.of(...utf8('kernel'), 0xee));
    expect(env.call('probe_read_user', to, 5, env.task.userBase)).toBe(0n);
    expect(env.mem.read(to, 6)).toEqual(utf8('hellol'));
    expect(env.call('copy_from_user', to, 11, env.task.userBase)).toBe(0n);
  });

  test.each<[HelperName, bigint, number]>([
    ['probe_read_kernel', 0n, ERANGE],
    ['probe_read_kernel', 100n, ERANGE],
    ['probe_read_kernel', 0x7fff_ffff_ffffn, ERANGE],
    ['probe_read_kernel', 0x7fff_ffff_ffff_ffffn, ERANGE],
    ['probe_read_kernel', KERNEL_PAST_END, EFAULT],
    ['probe_read_user', 1n, EFAULT],
    ['probe_read', KERNEL_PAST_END, EFAULT],
    ['probe_read', 0n, EFAULT],
    ['probe_read_kernel_str', 0n, ERANGE],
    ['probe_read_user_str', KERNEL_PAST_END, EFAULT],
    ['copy_from_user', 0n, EFAULT],
  ])('%s of %i, which is not mapped, leaves zeros and answers an error', (name, from, errno) => {
    const { env, to } = world();
    expect(env.call(name, to, 16, from)).toBe(BigInt(-errno));
    expect(env.mem.read(to, 17)).toEqual(Uint8Array.of(...new Uint8Array(16), 0xee));
  });

  test('a read that goes past the end of what is mapped fails as a whole', () => {
    const { env, to } = world();
    expect(env.call('probe_read_user', to, 12, env.task.userBase)).toBe(BigInt(-EFAULT));
    expect(env.mem.read(to, 12)).toEqual(new Uint8Array(12));
  });

  test('reading nothing succeeds anywhere', () => {
    const { env, to } = world();
    expect(env.call('probe_read_user', to, 0, 1n)).toBe(0n);
    expect(env.call('probe_read_user_str', to, 0, 1n)).toBe(0n);
    expect(env.call('probe_read_kernel_str', to, 0, 1n)).toBe(0n);
  });

  test('strings end with a zero, and answer their length with it', () => {
    const { env, to } = world();
    expect(env.call('probe_read_user_str', to, 32, env.task.userBase)).toBe(6n);
    expect(env.mem.read(to, 7)).toEqual(Uint8Array.of(...utf8('hello'), 0, 0xee));
    expect(env.call('probe_read_user_str', to, 3, env.task.userBase)).toBe(3n);
    expect(env.mem.read(to, 3)).toEqual(Uint8Array.of(...utf8('he'), 0));
    expect(env.call('probe_read_kernel_str', to, 4, BigInt(env.put('kernel')))).toBe(4n);
    expect(env.mem.read(to, 4)).toEqual(Uint8Array.of(...utf8('ker'), 0));
    expect(env.call('probe_read_str', to, 32, env.task.userBase)).toBe(6n);
  });

  test('a user string may end right before memory that is not mapped', () => {
    const { env, to } = world();
    env.task.user = new Uint8Array(8192).fill(0x61);
    env.task.user.set(utf8('end\0'), 4092);
    const readUser = env.task.readUser.bind(env.task);
    env.task.readUser = (addr, size) => (addr + BigInt(size) > env.task.userBase + 4096n ? null : readUser(addr, size));
    expect(env.call('probe_read_user_str', to, 32, env.task.userBase + 4090n)).toBe(6n);
    expect(env.mem.read(to, 6)).toEqual(utf8('aaend\0'));
    expect(env.call('probe_read_user_str', to, 32, env.task.userBase + 4096n)).toBe(BigInt(-EFAULT));
  });

  test('writes the task, or says that it cannot', () => {
    const { env } = world();
    expect(env.call('probe_write_user', env.task.userBase, env.put('HE'), 2)).toBe(0n);
    expect(env.task.readUser(env.task.userBase, 5)).toEqual(utf8('HEllo'));
    expect(env.call('probe_write_user', 5n, env.put('HE'), 2)).toBe(BigInt(-EFAULT));
  });

  test('reads another task by its address', () => {
    const { env, to } = world();
    expect(env.call('copy_from_user_task', to, 5, env.task.userBase, env.task.addr, 0n)).toBe(0n);
    expect(env.call('copy_from_user_task', to, 5, env.task.userBase, 0x9999, 0n)).toBe(BigInt(-EFAULT));
    expect(env.call('copy_from_user_task', to, 5, env.task.userBase, env.task.addr, 1n)).toBe(BigInt(-EINVAL));
  });

  test('no address and size make it fail otherwise', () => {
    const names: HelperName[] = ['probe_read_kernel', 'probe_read_user', 'probe_read', 'probe_read_kernel_str'];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
        fc.nat(32),
        (name, from, n) => {
          const { env, to } = world();
          const answer = env.call(name, to, n, from);
          expect([-EFAULT, -ERANGE].includes(Number(answer)) || (answer >= 0n && answer <= 32n)).toBe(true);
          expect(env.mem.u8(to + n)).toBe(n === 32 ? 0 : 0xee);
        },
      ),
    );
  });
});

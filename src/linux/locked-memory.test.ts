import { describe, expect, it } from 'vitest';
import { describeKernel } from '../../test/support/real-kernel.ts';
import { view } from '../base/bytes.ts';
import { EPERM } from '../base/errno.ts';
import { loadSystem, type System } from '../native/index.ts';
import { MAP_TYPES } from '../uapi/map-types.ts';
import { BpfCalls } from './bpf-call.ts';
import { raiseLockedMemory } from './locked-memory.ts';

/** This machine with limits of its own, which only somebody privileged may raise past the hard one. */
function limited(soft: bigint, hard: bigint, privileged: boolean): { system: System; limits: bigint[] } {
  const held = new Map<number, Uint8Array>();
  const limits = [soft, hard];
  const system = {
    addressOf(bytes: Uint8Array) {
      held.set(held.size + 1, bytes);
      return held.size;
    },
    call(_name: string, _pid: number, _resource: number, next: number, before = 0) {
      const out = before ? view(held.get(before)!) : undefined;
      for (const [i, limit] of limits.entries()) out?.setBigUint64(8 * i, limit, true);
      if (next === 0) return 0;
      const wanted = [0, 8].map((at) => view(held.get(next)!).getBigUint64(at, true));
      if (!privileged && wanted[1]! > limits[1]!) return -EPERM;
      limits.splice(0, 2, ...wanted);
      return 0;
    },
  };
  return { system: system as unknown as System, limits };
}

const INFINITE = 2n ** 64n - 1n;

describe('the limit of locked memory', () => {
  it('is lifted where this process may, and else put to the hard one', () => {
    const root = limited(65536n, 65536n, true);
    expect(raiseLockedMemory(root.system)).toBe(true);
    expect(root.limits).toEqual([INFINITE, INFINITE]);
    const user = limited(65536n, 1n << 20n, false);
    expect(raiseLockedMemory(user.system)).toBe(true);
    expect(user.limits).toEqual([1n << 20n, 1n << 20n]);
  });

  it('is left where nothing would change', () => {
    expect(raiseLockedMemory(limited(INFINITE, INFINITE, true).system)).toBe(false);
    expect(raiseLockedMemory(limited(65536n, 65536n, false).system)).toBe(false);
  });
});

describeKernel('a kernel that counts maps as locked memory', () => {
  it('is asked again once the limit is lifted', () => {
    const real = loadSystem();
    let raised = false;
    const old: System = {
      ...real,
      bpf: (command, at, size) => (raised ? real.bpf(command, at, size) : -EPERM),
      call(name, ...args) {
        if (name !== 'prlimit64') return real.call(name, ...args);
        raised = args[2] !== 0;
        return 0;
      },
    };
    const calls = new BpfCalls(old, () => false, 1);
    const { ret } = calls.call('MAP_CREATE', {
      map_type: MAP_TYPES.array.id,
      key_size: 4,
      value_size: 4,
      max_entries: 1,
    });
    expect(ret).toBeGreaterThanOrEqual(0);
    real.call('close', ret);
  });
});

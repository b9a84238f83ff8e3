import fc from 'fast-check';
import { expect, test } from 'vitest';
import { view } from '../../base/bytes.ts';
import { MACHINE, SECCOMP_RET_USER_NOTIF, seccompFilter } from './seccomp.ts';

const ALLOW = 0x7fff0000;

/** What the kernel would answer: classic BPF over seccomp_data, as far as our filters use it. */
function answer(filter: Uint8Array, nr: number, arch: number): number {
  const v = view(filter);
  let a = 0;
  for (let pc = 0; ; pc++) {
    const k = v.getUint32(8 * pc + 4, true);
    const [jt, jf] = [v.getUint8(8 * pc + 2), v.getUint8(8 * pc + 3)];
    switch (v.getUint16(8 * pc, true)) {
      case 0x20:
        a = k === 0 ? nr : arch;
        break;
      case 0x05:
        pc += k;
        break;
      case 0x15:
        pc += a === k ? jt : jf;
        break;
      case 0x35:
        pc += a >= k ? jt : jf;
        break;
      case 0x06:
        return k;
      default:
        throw new Error(`unexpected instruction at ${pc}`);
    }
  }
}

test('a filter picks exactly the calls it was made for', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(480)), (nrs) => {
      const filter = seccompFilter('x64', nrs, SECCOMP_RET_USER_NOTIF);
      for (let nr = 0; nr <= 482; nr++) {
        const want = nrs.includes(nr) ? SECCOMP_RET_USER_NOTIF : ALLOW;
        if (answer(filter, nr, MACHINE.x64.auditArch) !== want) return false;
      }
      return true;
    }),
    { numRuns: 50 },
  );
});

test('calls of another architecture and of the x32 ABI pass', () => {
  const filter = seccompFilter('x64', [0, 1, 2, 257], SECCOMP_RET_USER_NOTIF);
  expect(answer(filter, 257, 0x40000003)).toBe(ALLOW);
  expect(answer(filter, 0x40000000 + 257, MACHINE.x64.auditArch)).toBe(ALLOW);
});

test('a run of calls costs one range, and every second call still fits the kernel’s 4096 instructions', () => {
  const all = Array.from({ length: 470 }, (_, nr) => nr);
  expect(seccompFilter('x64', all, SECCOMP_RET_USER_NOTIF).length / 8).toBeLessThan(16);
  const every2nd = all.filter((nr) => nr % 2 === 0);
  expect(seccompFilter('x64', every2nd, SECCOMP_RET_USER_NOTIF).length / 8).toBeLessThan(4096);
});

import { expect, test } from 'vitest';
import { SYSCALLS, SYSCALLS_BY_NAME } from '../../../uapi/syscalls.ts';
import { ARM64_SYSCALLS } from './arm64.ts';
import { machineSyscalls, syscallNumbers } from './index.ts';

test('arm64’s numbers lead to the x86-64 call of the same name, and back', () => {
  const arm64 = machineSyscalls('arm64');
  for (const [nr, name] of ARM64_SYSCALLS) {
    expect(SYSCALLS_BY_NAME.get(name)?.nr, name).toBe(arm64.toX64(nr));
    expect(arm64.fromX64(arm64.toX64(nr)!)).toBe(nr);
  }
  expect(arm64.toX64(56)).toBe(257); // openat
  expect(arm64.toX64(437)).toBe(437); // openat2: one number everywhere
  expect(arm64.fromX64(2)).toBeUndefined(); // open
  expect(arm64.toX64(5000)).toBeUndefined();
});

test('x86-64’s numbers are its own', () => {
  const x64 = machineSyscalls('x64');
  for (const nr of SYSCALLS.keys()) expect([x64.toX64(nr), x64.fromX64(nr)]).toEqual([nr, nr]);
});

test('calls are named as the kernel names them', () => {
  expect(syscallNumbers(['openat', 'newfstat', 3])).toEqual([257, 5, 3]);
  expect(() => syscallNumbers(['openatt'])).toThrow(/no system call openatt/);
});

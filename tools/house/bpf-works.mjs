/** Exit 0 where bpf(2) loads a program for this user, else 1: asked of the kernel itself, not guessed from ids. */
import { fail } from './steps.mjs';

let koffi;
try {
  koffi = (await import('koffi')).default;
} catch {
  // Before the first install koffi is not there; the caller installs first or does without.
  fail('koffi is not installed: the real kernel cannot be asked');
}
const syscall = koffi
  .load(null)
  .func('syscall', 'int64', ['int64', 'int64', 'void *', 'int64', 'int64', 'int64', 'int64']);
const BPF = { x64: 321, arm64: 280 }[process.arch];
if (process.platform !== 'linux' || BPF === undefined) process.exit(1);

// r0 = 0; exit, as a socket filter.
const insns = Buffer.from('b7000000000000009500000000000000', 'hex');
const license = Buffer.from('GPL\0');
const attr = Buffer.alloc(128);
attr.writeUInt32LE(1, 0); // BPF_PROG_TYPE_SOCKET_FILTER
attr.writeUInt32LE(insns.length / 8, 4);
attr.writeBigUInt64LE(BigInt(koffi.address(insns)), 8);
attr.writeBigUInt64LE(BigInt(koffi.address(license)), 16);
const fd = Number(syscall(BPF, 5, attr, attr.length, 0, 0, 0));
process.exit(fd >= 0 ? 0 : 1);

/**
 * The kernel functions that stand at the system call boundary: their arguments are those of the call, so a kprobe on
 * them can be fired from outside the kernel. A kretprobe of them returns what the call returns.
 *
 * Signatures: Linux 6.18. `__x64_sys_NAME(const struct pt_regs *)` exists for every call and is not listed.
 * Functions that take what the kernel has made of the arguments (`vfs_open(const struct path *, …)`,
 * `do_unlinkat(int, struct filename *)`) are not here: nobody outside the kernel has those objects.
 */
import type { KernelArg } from '../../kernel/index.ts';
import type { SyscallEvent, TracedTask } from './event.ts';

/** From a call's arguments to the function's; null where the call does not get there. */
export type ArgumentsOf = (args: BigUint64Array, task: TracedTask) => readonly KernelArg[] | null;

const AT_FDCWD = 0xffffff9cn; // -100, as the compiler puts an int into a register
const O_ACCMODE = 0o3n;
const O_WRONLY = 0o1n;
const O_CREAT = 0o100n;
const O_TRUNC = 0o1000n;
const O_LARGEFILE = 0o100000n;
const O_TMPFILE = 0o20000000n;
const O_PATH = 0o10000000n;
const O_PATH_FLAGS = 0o200000n | 0o400000n | O_PATH | 0o2000000n; // O_DIRECTORY, O_NOFOLLOW, O_PATH, O_CLOEXEC
const VALID_OPEN_FLAGS =
  O_ACCMODE |
  O_CREAT |
  0o200n |
  0o400n |
  O_TRUNC |
  0o2000n |
  0o4000n |
  0o10000n |
  0o20000n |
  0o40000n |
  O_LARGEFILE |
  0o200000n |
  0o400000n |
  0o1000000n |
  0o2000000n |
  0o4000000n |
  O_PATH |
  O_TMPFILE; // prettier-ignore
const PERMISSIONS = 0o7777n;
const OPEN_HOW_SIZE = 24;

/** struct open_how { u64 flags, mode, resolve; } as open(2) and openat(2) make it from their arguments. */
function openHow(flags: bigint, mode: bigint): KernelArg {
  let f = (flags | O_LARGEFILE) & VALID_OPEN_FLAGS;
  if ((f & O_PATH) !== 0n) f &= O_PATH_FLAGS;
  const creates = (f & (O_CREAT | O_TMPFILE)) !== 0n;
  return { bytes: new Uint8Array(BigUint64Array.of(f, creates ? mode & PERMISSIONS : 0n, 0n).buffer) };
}

/** The struct open_how that openat2(2) was given, cut or filled up to the size this kernel knows. */
function userOpenHow(task: TracedTask, addr: bigint, size: bigint): KernelArg | null {
  const known = Math.min(Number(size), OPEN_HOW_SIZE);
  const given = known === OPEN_HOW_SIZE ? task.readUser(addr, known) : null; // smaller ones are EINVAL
  return given && { bytes: given };
}

const first =
  (n: number): ArgumentsOf =>
  (args) => [...args.subarray(0, n)];

/** For each function: the calls that come through it. */
export const BOUNDARY_FUNCTIONS: Readonly<Record<string, Readonly<Record<string, ArgumentsOf>>>> = {
  do_sys_openat2: {
    open: (a) => [AT_FDCWD, a[0]!, openHow(a[1]!, a[2]!)],
    creat: (a) => [AT_FDCWD, a[0]!, openHow(O_CREAT | O_WRONLY | O_TRUNC, a[1]!)],
    openat: (a) => [a[0]!, a[1]!, openHow(a[2]!, a[3]!)],
    openat2: (a, task) => {
      const how = userOpenHow(task, a[2]!, a[3]!);
      return how === null ? null : [a[0]!, a[1]!, how];
    },
  },
  ksys_read: { read: first(3) },
  ksys_write: { write: first(3) },
  ksys_pread64: { pread64: first(4) },
  ksys_pwrite64: { pwrite64: first(4) },
  ksys_lseek: { lseek: first(3) },
  ksys_fallocate: { fallocate: first(4) },
  ksys_dup3: { dup3: first(3) },
  ksys_unshare: { unshare: first(1) },
  ksys_fchown: { fchown: first(3) },
  do_pipe2: { pipe: (a) => [a[0]!, 0n], pipe2: first(2) },
  do_sys_truncate: { truncate: first(2) },
  do_sys_ftruncate: { ftruncate: (a) => [a[0]!, a[1]!, 1n] },
  do_fchmodat: {
    chmod: (a) => [AT_FDCWD, a[0]!, a[1]!, 0n],
    fchmodat: (a) => [a[0]!, a[1]!, a[2]!, 0n],
    fchmodat2: first(4),
  },
  do_fchownat: {
    chown: (a) => [AT_FDCWD, a[0]!, a[1]!, a[2]!, 0n],
    lchown: (a) => [AT_FDCWD, a[0]!, a[1]!, a[2]!, 0x100n], // AT_SYMLINK_NOFOLLOW
    fchownat: first(5),
  },
  __sys_socket: { socket: first(3) },
  __sys_socketpair: { socketpair: first(4) },
  __sys_bind: { bind: first(3) },
  __sys_listen: { listen: first(2) },
  __sys_accept4: { accept: (a) => [a[0]!, a[1]!, a[2]!, 0n], accept4: first(4) },
  __sys_connect: { connect: first(3) },
  __sys_getsockname: { getsockname: first(3) },
  __sys_getpeername: { getpeername: first(3) },
  __sys_sendto: { sendto: first(6) },
  __sys_recvfrom: { recvfrom: first(6) },
  __sys_setsockopt: { setsockopt: first(5) },
  __sys_getsockopt: { getsockopt: first(5) },
  __sys_shutdown: { shutdown: first(2) },
  __sys_sendmsg: { sendmsg: (a) => [a[0]!, a[1]!, a[2]!, 1n] }, // forbid_cmsg_compat
  __sys_recvmsg: { recvmsg: (a) => [a[0]!, a[1]!, a[2]!, 1n] },
  __sys_setuid: { setuid: first(1) },
  __sys_setgid: { setgid: first(1) },
  __sys_setreuid: { setreuid: first(2) },
  __sys_setregid: { setregid: first(2) },
  __sys_setresuid: { setresuid: first(3) },
  __sys_setresgid: { setresgid: first(3) },
};

/** Registers of user space as the entry code leaves them for `__x64_sys_*` and the raw tracepoints. */
export function userRegs(event: SyscallEvent) {
  const [di, si, dx, r10, r8, r9] = event.args;
  return {
    di: di!,
    si: si!,
    dx: dx!,
    r10: r10!,
    r8: r8!,
    r9: r9!,
    orig_ax: BigInt(event.nr),
    ax: event.phase === 'enter' ? -38n : event.ret, // -ENOSYS until the call has answered
    ip: event.ip,
    cx: event.ip, // the syscall instruction leaves its return address here
    cs: 0x33n,
    ss: 0x2bn,
  };
}

/**
 * seccomp(2): the filter that picks system calls out, and the numbers of its user notification.
 *
 * Everything here follows seccomp(2), seccomp_unotify(2) and <linux/seccomp.h>. A seccomp filter is classic BPF over
 * `struct seccomp_data { int nr; u32 arch; u64 ip; u64 args[6]; }`. It looks only at `nr` and `arch` for calls that
 * pass, so the kernel remembers them as always allowed and they keep their full speed.
 */

export const SECCOMP_RET_TRACE = 0x7ff00000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000;
const SECCOMP_RET_ALLOW = 0x7fff0000;

export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3;
/** Linux 5.19: once seen by the tracer, a call is given up for a fatal signal only, so it is not reported twice. */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5;

export const SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100;
export const SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101;
export const SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;

/** struct seccomp_notif { u64 id; u32 pid, flags; struct seccomp_data data; }: offsets of what we read. */
export const NOTIF = { size: 80, id: 0, pid: 8, nr: 16, ip: 24, args: 32 } as const;
/** struct seccomp_notif_resp { u64 id; s64 val; s32 error; u32 flags; } */
export const RESP = { size: 24, id: 0, flags: 20 } as const;
/** The kernel goes on with the call as if nobody had looked. Linux 5.5. */
export const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;

/** Of the machine that skep runs on. `seccomp` is the call's number, which libc has no function for. */
export const MACHINE = {
  x64: { auditArch: 0xc000003e, seccomp: 317 },
  arm64: { auditArch: 0xc00000b7, seccomp: 277 },
} as const;
export type Machine = keyof typeof MACHINE;

const LD_ABS_W = 0x20;
const JMP_JA = 0x05;
const JMP_JEQ = 0x15;
const JMP_JGE = 0x35;
const RET = 0x06;

type Insn = readonly [code: number, jt: number, jf: number, k: number];

/**
 * A filter that answers `action` for the calls in `nrs` and lets every other pass, calls of another architecture
 * (32-bit programs) among them. Bytes of `struct sock_filter[]`.
 */
export function seccompFilter(machine: Machine, nrs: Iterable<number>, action: number): Uint8Array {
  const insns: Insn[] = [
    [LD_ABS_W, 0, 0, 4],
    [JMP_JEQ, 1, 0, MACHINE[machine].auditArch],
    [RET, 0, 0, SECCOMP_RET_ALLOW],
    [LD_ABS_W, 0, 0, 0],
    ...choose(steps(nrs), action),
  ];
  const out = new DataView(new ArrayBuffer(8 * insns.length));
  insns.forEach(([code, jt, jf, k], i) => {
    out.setUint16(8 * i, code, true);
    out.setUint8(8 * i + 2, jt);
    out.setUint8(8 * i + 3, jf);
    out.setUint32(8 * i + 4, k, true);
  });
  return new Uint8Array(out.buffer);
}

/** Numbers where membership changes: below the first: not picked; from then on picked and not picked in turn. */
function steps(nrs: Iterable<number>): number[] {
  const picked = new Set(nrs);
  return [...picked]
    .sort((a, b) => a - b)
    .flatMap((nr) => [...(picked.has(nr - 1) ? [] : [nr]), ...(picked.has(nr + 1) ? [] : [nr + 1])]);
}

/** A binary decision over the steps. Jumps to the upper half are JA, whose distance has 32 bits. */
function choose(at: readonly number[], action: number, picked = false): Insn[] {
  if (at.length === 0) return [[RET, 0, 0, picked ? action : SECCOMP_RET_ALLOW]];
  const mid = at.length >> 1;
  const below = choose(at.slice(0, mid), action, picked);
  const from = choose(at.slice(mid + 1), action, picked !== (mid % 2 === 0));
  return [[JMP_JGE, 0, 1, at[mid]!], [JMP_JA, 0, 0, below.length], ...below, ...from];
}

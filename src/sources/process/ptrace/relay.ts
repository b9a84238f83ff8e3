/**
 * What the ptrace tracer, a process of its own, and skep send each other: packets over a SOCK_SEQPACKET socket.
 *
 * The tracer asks once for every stop that skep should see, and the thread stands still until skep has answered.
 */

/** The tracer's end of the socket. */
export const RELAY_FD = 3;

/** skep to tracer: seize the thread. The tracer's answer: 0, or the errno of PTRACE_SEIZE. */
export const SEIZE_SIZE = 4;

/** skep to tracer, before the command runs: 1 where no filter picks the calls out, so that every call has to stop. */
export const MODE_SIZE = 4;

/** Tracer to skep: a stop. u32 phase, i32 tid, u64 nr, u64 args[6], s64 ret, u64 ip. */
export const STOP = { size: 80, phase: 0, tid: 4, nr: 8, args: 16, ret: 64, ip: 72, enter: 1, exit: 2 } as const;

/** skep to tracer: the answer. 1: stop at the end of this call too. */
export const ANSWER_SIZE = 4;

/**
 * What the ptrace tracer, a process of its own, and skep send each other: packets over a SOCK_SEQPACKET socket.
 *
 * The tracer asks once for every stop that skep should see, and the thread stands still until skep has answered.
 */

/** The tracer's end of the socket. */
export const RELAY_FD = 3;

/** skep to tracer, once: how to go on. */
export const GO = { size: 4, ptrace: 0, ptraceAll: 1 } as const;

/** Tracer to skep, first of all: 0, or the errno of PTRACE_SEIZE. */
export const READY_SIZE = 4;

/** Tracer to skep: a stop. u32 phase, i32 tid, u64 nr, u64 args[6], s64 ret. */
export const STOP = { size: 72, phase: 0, tid: 4, nr: 8, args: 16, ret: 64, enter: 1, exit: 2 } as const;

/** skep to tracer: the answer. 1: stop at the end of this call too. */
export const ANSWER_SIZE = 4;

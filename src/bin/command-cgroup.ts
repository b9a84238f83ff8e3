/**
 * A cgroup of the traced command's own. Programs at Linux's tracepoints and functions run for every process of the
 * machine, whatever their perf event says; the cgroup is how a program knows the command and all that it starts.
 */
import { mkdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SkepError, UnsupportedError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import type { ProgramSpec } from '../object/index.ts';
import * as C from '../uapi/generated/constants.ts';

/** Programs that run in the task that made the event. */
const IN_TASK: ReadonlySet<number> = new Set([
  C.BPF_PROG_TYPE_KPROBE,
  C.BPF_PROG_TYPE_TRACEPOINT,
  C.BPF_PROG_TYPE_RAW_TRACEPOINT,
  C.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  C.BPF_PROG_TYPE_TRACING,
  C.BPF_PROG_TYPE_LSM,
  C.BPF_PROG_TYPE_PERF_EVENT,
]);
/** Their kin that run elsewhere: when somebody reads, or in a cgroup anyway. */
const ELSEWHERE: ReadonlySet<number> = new Set([C.BPF_TRACE_ITER, C.BPF_LSM_CGROUP]);

export class CommandCgroup {
  readonly path: string;
  readonly #guard: Uint8Array;

  /** Beneath the cgroup that this process is in. SkepError where there is none, or none may be made. */
  constructor() {
    const { mount, own } = whereWeAre();
    this.path = join(mount, own, `skep-${process.pid}`);
    try {
      mkdirSync(this.path);
    } catch (cause) {
      const { code = 'EIO' } = cause as NodeJS.ErrnoException;
      throw new SkepError(code, `cannot make a cgroup for the command at ${this.path} (${code}): run as root`, {
        cause,
      });
    }
    // The cgroups from the root to ours: the root is at level 0.
    const level = own.split('/').filter(Boolean).length + 1;
    this.#guard = guard(level, statSync(this.path, { bigint: true }).ino);
  }

  add(pid: number): void {
    writeFileSync(join(this.path, 'cgroup.procs'), String(pid));
  }

  /** What goes in front of a program so that it does nothing for other processes; empty where it needs no such thing. */
  prologue({ type, attachType }: Pick<ProgramSpec, 'type' | 'attachType'>): Uint8Array {
    return IN_TASK.has(type) && !ELSEWHERE.has(attachType) ? this.#guard : new Uint8Array();
  }

  /** What the command left running goes to where it would have been without us. */
  close(): void {
    const parent = join(this.path, '..', 'cgroup.procs');
    for (const pid of readFileSync(join(this.path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
      try {
        writeFileSync(parent, pid);
      } catch {
        // It has just ended.
      }
    }
    rmdirSync(this.path);
  }
}

/** Ends the program unless the task is in the cgroup with that id or beneath it (Linux 5.7). */
function guard(level: number, id: bigint): Uint8Array {
  return encode(
    assemble(`
      r6 = r1
      r1 = ${level}
      call bpf_get_current_ancestor_cgroup_id#123
      r1 = ${id} ll
      if r0 == r1 goto +2
      r0 = 0
      exit
      r1 = r6
    `),
  );
}

/** The cgroup2 file system, and this process's place in it. */
function whereWeAre(): { mount: string; own: string } {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (mount !== undefined && own !== undefined) return { mount: mount.replaceAll('\\040', ' '), own };
  throw new UnsupportedError('tracing one command on the Linux kernel', {
    hint: 'its processes are told apart by a cgroup (v2), and none is mounted: mount -t cgroup2 none /sys/fs/cgroup',
  });
}

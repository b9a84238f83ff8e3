/**
 * A cgroup of the traced command's own. Programs at Linux's tracepoints and functions run for every process of the
 * machine, whatever their perf event says; the cgroup is how a program knows the command and all that it starts.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { view } from '../base/bytes.ts';
import { SkepError, UnsupportedError } from '../base/errors.ts';
import { assemble, encode } from '../isa/index.ts';
import type { ProgramSpec } from '../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
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
  static async create(kernel: Kernel): Promise<CommandCgroup> {
    const path = join(whereWeAre(), `skep-${process.pid}`);
    try {
      mkdirSync(path);
    } catch (cause) {
      const { code = 'EIO' } = cause as NodeJS.ErrnoException;
      throw new SkepError(code, `cannot make a cgroup for the command at ${path} (${code}): run as root`, { cause });
    }
    try {
      return new CommandCgroup(path, await mapOf(kernel, path));
    } catch (error) {
      rmdirSync(path);
      throw error;
    }
  }

  private constructor(path: string, map: Fd) {
    this.path = path;
    this.#guard = guard(map);
  }

  add(pid: number): void {
    writeFileSync(join(this.path, 'cgroup.procs'), String(pid));
  }

  /** What goes in front of a program so that it does nothing for other processes; empty where it needs no such thing. */
  prologue({ type, attachType }: Pick<ProgramSpec, 'type' | 'attachType'>): Uint8Array {
    return IN_TASK.has(type) && !ELSEWHERE.has(attachType) ? this.#guard : new Uint8Array();
  }

  /** What the command left running goes to where it would have been without us. Cgroups of its own making stay. */
  close(): void {
    const parent = join(this.path, '..', 'cgroup.procs');
    // While they are moved they may start others.
    for (let left = ROUNDS; ; left--) {
      for (const pid of readFileSync(join(this.path, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
        try {
          writeFileSync(parent, pid);
        } catch {
          // It has just ended.
        }
      }
      try {
        rmdirSync(this.path);
        return;
      } catch (error) {
        if (left === 0) throw error;
      }
    }
  }
}

/** How often a cgroup that is not empty yet is emptied again. */
const ROUNDS = 20;

/** A map with the cgroup, as programs name one. It closes with the kernel. */
async function mapOf(kernel: Kernel, path: string): Promise<Fd> {
  const bpf = new Bpf(kernel);
  const map = await bpf.mapCreate({
    map_type: C.BPF_MAP_TYPE_CGROUP_ARRAY,
    key_size: 4,
    value_size: 4,
    max_entries: 1,
    map_name: 'command',
  });
  const value = new Uint8Array(4);
  await bpf.withFd(kernel.openCgroup(path), (fd) => {
    view(value).setUint32(0, fd, true);
    return bpf.mapUpdate(map, new Uint8Array(4), value);
  });
  return map;
}

/** Ends the program unless its task is in the cgroup of the map or beneath it (Linux 4.9). */
function guard(map: Fd): Uint8Array {
  const text = `
    r6 = r1
    r1 = map[command]
    r2 = 0
    call bpf_current_task_under_cgroup#37
    if r0 == 1 goto +2
    r0 = 0
    exit
    r1 = r6
  `;
  return encode(assemble(text, { maps: { command: map } }));
}

/** The directory of the cgroup (v2) that this process is in. */
function whereWeAre(): string {
  const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (mount !== undefined && own !== undefined) return join(mount.replaceAll('\\040', ' '), own);
  throw new UnsupportedError('tracing one command on the Linux kernel', {
    hint: 'its processes are told apart by a cgroup (v2), and none is mounted: mount -t cgroup2 none /sys/fs/cgroup',
  });
}

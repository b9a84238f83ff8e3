/** What attaching may need to be told, and how it says that something is missing. */
import { SkepError } from '../base/errors.ts';
import type { Fd, PerfEventSpec } from '../sys/index.ts';
import type { HARDWARE_EVENTS, SOFTWARE_EVENTS } from '../uapi/perf-events.ts';
import type { BpfLink } from './link.ts';
import type { BpfMap } from './map.ts';
import type { BpfProgram } from './program.ts';

export interface AttachOptions {
  /** Network interface, by name or index: xdp, tc, tcx, netkit. */
  device?: string | number;
  /** Path of a cgroup (v2) directory: cgroup programs. */
  cgroup?: string;
  /** For tc and cgroup_skb, where the section does not say; default ingress. */
  direction?: 'ingress' | 'egress';
  /** The event of a perf_event program. Programs of probes and tracepoints may be put on another event with it. */
  event?: PerfEventSpec | SampledEvent;
  /** Where uprobes go, for sections that do not say it, or not all of it. */
  uprobe?: UprobeTarget;
  /** The static probe of a usdt program, for sections that do not say it. */
  usdt?: Partial<UsdtTarget>;
  /** Reads the file of a uprobe or a static probe, to find places in it. Default: the Linux kernel reads it itself. */
  readFile?: (path: string) => Promise<Uint8Array>;
  /** Kernel functions of a kprobe.multi program, in place of the section's pattern. */
  functions?: readonly string[];
  /** The socket of a socket filter or of an sk_reuseport program. */
  socket?: Fd;
  /**
   * The sockmap or sockhash of sk_msg and sk_skb programs: sockets keep what was attached when they were put in. The map
   * whose elements an iterator goes through.
   */
  map?: BpfMap;
  /** What an iterator goes through, where that is not everything: tasks of a process, cgroups of a tree. */
  only?: IteratorScope;
  /** Network namespace of sk_lookup and flow_dissector programs: /run/netns/NAME; default: the client's own. */
  netns?: string;
  /** Where a netfilter program stands: protocol family (NFPROTO_*), hook (NF_INET_*), and its place among others. */
  netfilter?: { family: number; hook: number; priority: number; flags?: number };
  /**
   * Where among the programs that are at that place already: of tcx (Linux 6.6), netkit (6.7) and cgroups (6.16). Default:
   * after the others.
   */
  place?: 'first' | 'last' | { before: BpfProgram | BpfLink } | { after: BpfProgram | BpfLink };
  /** What bpf_get_attach_cookie answers in this attachment. */
  cookie?: bigint;
  /** BPF_F_* or XDP_FLAGS_*. */
  flags?: number;
}

/** A counter of the kernel or of the processor, by its name; `sampleFreq` (a second) or `samplePeriod` says when it fires. */
export type SampledEvent = (
  | { kind: 'software'; name: (typeof SOFTWARE_EVENTS)[number] }
  | { kind: 'hardware'; name: (typeof HARDWARE_EVENTS)[number] }
) & {
  sampleFreq?: number;
  samplePeriod?: number;
  /** Default: all processes, and then on one CPU. */
  pid?: number;
  /** Default: 0 without a process, all with one. */
  cpu?: number;
};

/** For iter/task, task_file and task_vma (Linux 6.1): a process, or one thread. For iter/cgroup (6.1): see `order`. */
export type IteratorScope =
  | { pid: number }
  | { tid: number }
  | {
      /** Path of a cgroup directory. */
      cgroup: string;
      /** It alone, it and what is beneath it (parents first, or children first), or it and those above. Default: `self`. */
      order?: 'self' | 'parents-first' | 'children-first' | 'upwards';
    };

export interface UprobeTarget {
  /** The executable or library: a path, or a name to look for in PATH or where libraries are. */
  path?: string;
  /** A function of it; for uprobe.multi a pattern, where `*` stands for any text. */
  symbol?: string;
  /** Bytes from the function's begin, or from the start of the file where there is no function. */
  offset?: number;
  /** Only in that process; default: in all of them. */
  pid?: number;
  /** What the file's build id has to be, in hex: AttachError where it is another. */
  buildId?: string;
}

/** A probe that the program's source has by <sys/sdt.h>. */
export interface UsdtTarget {
  /** The executable or library, as for uprobes. */
  path: string;
  /** Who says it: the probe is PROVIDER:NAME. */
  provider: string;
  /** What it is called there. */
  name: string;
  /** Only in that process; default: in all of them. */
  pid?: number;
  /** What the file's build id has to be, in hex. */
  buildId?: string;
}

/** A program that needs to be told where. `code` is ERR_ATTACH; `needs` is the option that is missing. */
export class AttachError extends SkepError {
  readonly needs: keyof AttachOptions | undefined;
  constructor(program: BpfProgram, what: string, needs?: keyof AttachOptions) {
    super('ERR_ATTACH', `cannot attach '${program.name}' (SEC("${program.origin.section}")): ${what}`);
    this.needs = needs;
  }
}

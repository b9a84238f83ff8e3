/**
 * Attaching: what each kind of section means, and what it takes besides. One rule a kind; the first word of the section
 * says which, where it says nothing the program type.
 */
import { SkepError, UnsupportedError } from '../base/errors.ts';
import { Bpf, type Fd, type Kernel, type PerfEventSpec } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { progTypeName } from '../uapi/prog-types.ts';
import { BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

export interface AttachOptions {
  /** Network interface, by name or index: xdp, tc, tcx. */
  device?: string | number;
  /** Path of a cgroup (v2) directory: cgroup programs. */
  cgroup?: string;
  /** For tc and cgroup_skb, where the section does not say; default ingress. */
  direction?: 'ingress' | 'egress';
  /** The event of a perf_event program; the file and offset of a uprobe. Any section may be overridden with it. */
  event?: PerfEventSpec;
  /** Network namespace of sk_lookup and flow_dissector programs: /run/netns/NAME; default: the client's own. */
  netns?: string;
  /** Where a netfilter program stands: protocol family (NFPROTO_*), hook (NF_INET_*), and its place among others. */
  netfilter?: { family: number; hook: number; priority: number; flags?: number };
  /** What bpf_get_attach_cookie answers in this attachment. */
  cookie?: bigint;
  /** BPF_F_* or XDP_FLAGS_*. */
  flags?: number;
}

/** A program that needs to be told where. `code` is ERR_ATTACH; `needs` is the option that is missing. */
export class AttachError extends SkepError {
  readonly needs: 'device' | 'cgroup' | 'event' | undefined;
  constructor(message: string, needs?: AttachError['needs']) {
    super('ERR_ATTACH', message);
    this.needs = needs;
  }
}

type Rule = (program: BpfProgram, options: AttachOptions) => Promise<BpfLink>;

/** By the first word of the section. */
const BY_SECTION: Readonly<Record<string, Rule>> = {
  tp: tracepoint,
  tracepoint,
  raw_tp: rawTracepoint,
  raw_tracepoint: rawTracepoint,
  'raw_tp.w': rawTracepoint,
  'raw_tracepoint.w': rawTracepoint,
  tp_btf: tracing,
  fentry: tracing,
  'fentry.s': tracing,
  fexit: tracing,
  'fexit.s': tracing,
  fmod_ret: tracing,
  'fmod_ret.s': tracing,
  lsm: tracing,
  'lsm.s': tracing,
  iter: iterator,
  'iter.s': iterator,
  kprobe: (program, options) => probe(program, options, 'kprobe', program.origin.attachTo),
  kretprobe: (program, options) => probe(program, options, 'kretprobe', program.origin.attachTo),
  ksyscall: (program, options) => probe(program, options, 'kprobe', `__x64_sys_${program.origin.attachTo}`),
  kretsyscall: (program, options) => probe(program, options, 'kretprobe', `__x64_sys_${program.origin.attachTo}`),
  uprobe: (program, options) => userProbe(program, options, 'uprobe'),
  'uprobe.s': (program, options) => userProbe(program, options, 'uprobe'),
  uretprobe: (program, options) => userProbe(program, options, 'uretprobe'),
  'uretprobe.s': (program, options) => userProbe(program, options, 'uretprobe'),
};

/** By program type, for sections that name nothing more. */
const BY_TYPE: Readonly<Record<number, Rule>> = {
  [C.BPF_PROG_TYPE_XDP]: xdp,
  [C.BPF_PROG_TYPE_SCHED_CLS]: trafficControl,
  [C.BPF_PROG_TYPE_PERF_EVENT]: perfEvent,
  [C.BPF_PROG_TYPE_CGROUP_SKB]: cgroupSkb,
  [C.BPF_PROG_TYPE_CGROUP_SOCK]: cgroup,
  [C.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: cgroup,
  [C.BPF_PROG_TYPE_CGROUP_SOCKOPT]: cgroup,
  [C.BPF_PROG_TYPE_CGROUP_SYSCTL]: cgroup,
  [C.BPF_PROG_TYPE_CGROUP_DEVICE]: cgroup,
  [C.BPF_PROG_TYPE_SOCK_OPS]: cgroup,
  [C.BPF_PROG_TYPE_SK_LOOKUP]: namespace,
  [C.BPF_PROG_TYPE_FLOW_DISSECTOR]: namespace,
  [C.BPF_PROG_TYPE_NETFILTER]: netfilter,
};

/** Attaches where the program's section says. Throws AttachError where something is missing. */
export async function attachProgram(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  if (options.event && program.origin.type !== C.BPF_PROG_TYPE_PERF_EVENT) {
    return onEvent(program, options.event, options.cookie);
  }
  const word = program.origin.section.replace(/^\?/, '').split('/')[0] ?? '';
  const rule = BY_SECTION[word] ?? BY_TYPE[program.origin.type];
  if (!rule) {
    const type = progTypeName(program.origin.type) ?? `type ${program.origin.type}`;
    throw new UnsupportedError(`attaching a ${type} program (${program.name})`, {
      hint: 'test-run it instead, or attach it through the kernel interface it belongs to',
    });
  }
  return rule(program, options);
}

function tracepoint(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const [category, name, ...more] = program.origin.attachTo.split('/');
  if (!category || !name || more.length > 0) {
    throw new AttachError(
      `${described(program)}: the section names no tracepoint; write SEC("tracepoint/CATEGORY/NAME")`,
    );
  }
  return onEvent(program, { kind: 'tracepoint', category, name }, options.cookie);
}

async function rawTracepoint(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const name = program.origin.attachTo;
  if (name === '')
    throw new AttachError(`${described(program)}: the section names no tracepoint; write SEC("raw_tp/NAME")`);
  const fd = await new Bpf(program.kernel).rawTracepointOpen(name, program.fd, options.cookie ?? 0n);
  return new BpfLink(program.kernel, fd);
}

/** The place was fixed when the program was loaded. */
async function tracing(program: BpfProgram): Promise<BpfLink> {
  const { ret } = await program.kernel.bpf('RAW_TRACEPOINT_OPEN', { prog_fd: program.fd });
  return new BpfLink(program.kernel, ret);
}

function iterator(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  return link(program, { attach_type: C.BPF_TRACE_ITER, flags: options.flags ?? 0 });
}

function probe(
  program: BpfProgram,
  options: AttachOptions,
  kind: 'kprobe' | 'kretprobe',
  at: string,
): Promise<BpfLink> {
  const m = /^([^+]+)(?:\+(0x[0-9a-fA-F]+|\d+))?$/.exec(at);
  if (!m) throw new AttachError(`${described(program)}: the section names no function; write SEC("${kind}/FUNCTION")`);
  return onEvent(program, { kind, symbol: m[1]!, offset: Number(m[2] ?? 0) }, options.cookie);
}

function userProbe(program: BpfProgram, options: AttachOptions, kind: 'uprobe' | 'uretprobe'): Promise<BpfLink> {
  const m = /^(.+):(0x[0-9a-fA-F]+|\d+)$/.exec(program.origin.attachTo);
  if (!m) {
    throw new AttachError(
      `${described(program)}: say the file and the offset, as SEC("${kind}//path/to/file:0x1234") or ` +
        `attach({ event: { kind: '${kind}', path, offset } })`,
    );
  }
  return onEvent(program, { kind, path: m[1]!, offset: Number(m[2]) }, options.cookie);
}

function perfEvent(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  if (!options.event) {
    throw new AttachError(
      `${described(program)}: say which event, as attach({ event: { kind: 'event', type, config } })`,
      'event',
    );
  }
  return onEvent(program, options.event, options.cookie);
}

async function xdp(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const target = await deviceOf(program, options);
  return link(program, { target_fd: target, attach_type: C.BPF_XDP, flags: options.flags ?? 0 });
}

async function trafficControl(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const egress = options.direction ? options.direction === 'egress' : program.origin.attachType === C.BPF_TCX_EGRESS;
  const target = await deviceOf(program, options);
  return link(program, {
    target_fd: target,
    attach_type: egress ? C.BPF_TCX_EGRESS : C.BPF_TCX_INGRESS,
    flags: options.flags ?? 0,
  });
}

function cgroupSkb(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const said = program.origin.section.split('/')[1];
  const egress = options.direction ? options.direction === 'egress' : said === 'egress';
  return atCgroup(program, options, egress ? C.BPF_CGROUP_INET_EGRESS : C.BPF_CGROUP_INET_INGRESS);
}

function cgroup(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  return atCgroup(program, options, program.origin.attachType);
}

async function atCgroup(program: BpfProgram, options: AttachOptions, attachType: number): Promise<BpfLink> {
  if (options.cgroup === undefined) {
    throw new AttachError(
      `${described(program)}: say which cgroup, as attach({ cgroup: '/sys/fs/cgroup/…' })`,
      'cgroup',
    );
  }
  const bpf = new Bpf(program.kernel);
  return bpf.withFd(program.kernel.openCgroup(options.cgroup), (target) =>
    link(program, { target_fd: target, attach_type: attachType, flags: options.flags ?? 0 }),
  );
}

function namespace(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const bpf = new Bpf(program.kernel);
  return bpf.withFd(program.kernel.openNetns(options.netns), (target) =>
    link(program, { target_fd: target, attach_type: program.origin.attachType, flags: options.flags ?? 0 }),
  );
}

async function netfilter(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const at = options.netfilter;
  if (!at) {
    throw new AttachError(
      `${described(program)}: say where, as attach({ netfilter: { family: 2, hook: 1, priority: -128 } })`,
    );
  }
  return link(program, {
    attach_type: C.BPF_NETFILTER,
    netfilter_pf: at.family,
    netfilter_hooknum: at.hook,
    netfilter_priority: at.priority,
    netfilter_flags: at.flags ?? 0,
  });
}

async function deviceOf(program: BpfProgram, { device }: AttachOptions): Promise<number> {
  if (typeof device === 'number') return device;
  const devices = await program.kernel.netDevices();
  if (device === undefined) {
    throw new AttachError(
      `${described(program)}: say which device, as attach({ device: '${devices[0]?.name ?? 'lo'}' })`,
      'device',
    );
  }
  const found = devices.find(({ name }) => name === device);
  if (found) return found.ifindex;
  const known = devices.map(({ name }) => name).join(', ') || 'none';
  throw new AttachError(`${described(program)}: there is no device '${device}' (there are: ${known})`);
}

/** Opens the event and joins the program to it. */
async function onEvent(program: BpfProgram, event: PerfEventSpec, cookie: bigint | undefined): Promise<BpfLink> {
  const { kernel } = program;
  const eventFd = await kernel.perfEventOpen(event);
  try {
    const fd = await linkFd(kernel, {
      prog_fd: program.fd,
      target_fd: eventFd,
      attach_type: C.BPF_PERF_EVENT,
      ...(cookie === undefined ? {} : { perf_event_cookie: cookie }),
    });
    return new BpfLink(kernel, fd, eventFd);
  } catch (error) {
    await kernel.closeFd(eventFd);
    throw error;
  }
}

async function link(program: BpfProgram, attr: Omit<Parameters<Bpf['linkCreate']>[0], 'prog_fd'>): Promise<BpfLink> {
  return new BpfLink(program.kernel, await linkFd(program.kernel, { ...attr, prog_fd: program.fd }));
}

function linkFd(kernel: Kernel, attr: Parameters<Bpf['linkCreate']>[0]): Promise<Fd> {
  return new Bpf(kernel).linkCreate(attr);
}

function described(program: BpfProgram): string {
  return `cannot attach '${program.name}' (SEC("${program.origin.section}"))`;
}

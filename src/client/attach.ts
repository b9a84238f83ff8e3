/**
 * Attaching: what each kind of section means, and what it takes besides. One rule a kind; the first word of the section
 * says which, where it says nothing the program type.
 */
import { UnsupportedError } from '../base/errors.ts';
import { Bpf } from '../sys/index.ts';
import { BPF_F_ALLOW_MULTI } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { progTypeName } from '../uapi/prog-types.ts';
import { asked } from './about.ts';
import { iterator } from './attach-iterator.ts';
import { linkOr, onEvent } from './attach-link.ts';
import {
  attachOld,
  namespace,
  netfilter,
  reusePort,
  socketFilter,
  socketMap,
  trafficControl,
  xdp,
} from './attach-net.ts';
import { AttachError, type AttachOptions } from './attach-options.ts';
import { among } from './attach-order.ts';
import { manyProbes, manyUserProbes, probe, systemCall, userProbe } from './attach-probes.ts';
import { staticProbe } from './attach-usdt.ts';
import { checkOptions, perfEventSpec } from './check-options.ts';
import { BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

type Rule = (program: BpfProgram, options: AttachOptions) => Promise<BpfLink>;

const onEntry: Rule = (program, options) => manyProbes(program, options, false);
const inProgram: Rule = (program, options) => userProbe(program, options, 'uprobe');
const onReturn: Rule = (program, options) => userProbe(program, options, 'uretprobe');
const inPrograms: Rule = (program, options) => manyUserProbes(program, options, false);
const onReturns: Rule = (program, options) => manyUserProbes(program, options, true);

/** By the first word of the section. */
const BY_SECTION: Readonly<Record<string, Rule>> = {
  tp: tracepoint,
  tracepoint,
  raw_tp: rawTracepoint,
  raw_tracepoint: rawTracepoint,
  'raw_tp.w': rawTracepoint,
  'raw_tracepoint.w': rawTracepoint,
  kprobe: (program, options) => probe(program, options, 'kprobe', program.origin.attachTo),
  kretprobe: (program, options) => probe(program, options, 'kretprobe', program.origin.attachTo),
  ksyscall: (program, options) => systemCall(program, options, 'kprobe'),
  kretsyscall: (program, options) => systemCall(program, options, 'kretprobe'),
  'kprobe.multi': onEntry,
  'kprobe.session': onEntry,
  'kretprobe.multi': (program, options) => manyProbes(program, options, true),
  uprobe: inProgram,
  'uprobe.s': inProgram,
  uretprobe: onReturn,
  'uretprobe.s': onReturn,
  'uprobe.multi': inPrograms,
  'uprobe.multi.s': inPrograms,
  'uprobe.session': inPrograms,
  'uprobe.session.s': inPrograms,
  'uretprobe.multi': onReturns,
  'uretprobe.multi.s': onReturns,
  usdt: staticProbe,
  'usdt.s': staticProbe,
  iter: iterator,
  'iter.s': iterator,
  lsm_cgroup: cgroup,
};

/** By program type, for sections that name nothing more. */
const BY_TYPE: Readonly<Record<number, Rule>> = {
  [C.BPF_PROG_TYPE_TRACING]: tracing,
  [C.BPF_PROG_TYPE_LSM]: tracing,
  [C.BPF_PROG_TYPE_EXT]: tracing,
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
  [C.BPF_PROG_TYPE_SK_MSG]: socketMap,
  [C.BPF_PROG_TYPE_SK_SKB]: socketMap,
  [C.BPF_PROG_TYPE_SOCKET_FILTER]: socketFilter,
  [C.BPF_PROG_TYPE_SK_REUSEPORT]: reusePort,
};

/** Why the rest has no rule. */
const NO_RULE: Readonly<Record<number, string>> = {
  [C.BPF_PROG_TYPE_SYSCALL]: 'it runs when it is asked to: testRun()',
  [C.BPF_PROG_TYPE_STRUCT_OPS]: 'its map is what attaches: collection.map(…).attach()',
  [C.BPF_PROG_TYPE_SCHED_ACT]: 'pin it, and name the pin to tc(8)',
  [C.BPF_PROG_TYPE_LWT_IN]: 'pin it, and name the pin to ip-route(8)',
  [C.BPF_PROG_TYPE_LWT_OUT]: 'pin it, and name the pin to ip-route(8)',
  [C.BPF_PROG_TYPE_LWT_XMIT]: 'pin it, and name the pin to ip-route(8)',
  [C.BPF_PROG_TYPE_LWT_SEG6LOCAL]: 'pin it, and name the pin to ip-route(8)',
};

/** Attaches where the program's section says. Throws AttachError where something is missing. */
export async function attachProgram(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { type, section } = program.origin;
  checkOptions(program, options);
  if (options.event && type !== C.BPF_PROG_TYPE_PERF_EVENT) {
    return onEvent(program, perfEventSpec(options.event), options.cookie);
  }
  const word = section.replace(/^\?/, '').split('/')[0] ?? '';
  const rule = BY_SECTION[word] ?? BY_TYPE[type];
  if (rule) return asked(`program '${program.name}'`, rule(program, options));
  throw new UnsupportedError(`attaching a ${progTypeName(type) ?? `type ${type}`} program (${program.name})`, {
    hint: NO_RULE[type] ?? 'test-run it instead, or attach it through the kernel interface it belongs to',
  });
}

function tracepoint(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const [category, name, ...more] = program.origin.attachTo.split('/');
  if (!category || !name || more.length > 0) {
    throw new AttachError(program, `the section names no tracepoint; write SEC("tracepoint/CATEGORY/NAME")`);
  }
  return onEvent(program, { kind: 'tracepoint', category, name }, options.cookie);
}

async function rawTracepoint(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const name = program.origin.attachTo;
  if (name === '') throw new AttachError(program, `the section names no tracepoint; write SEC("raw_tp/NAME")`);
  const fd = await new Bpf(program.kernel).rawTracepointOpen(name, program.fd, options.cookie ?? 0n);
  return new BpfLink(program.kernel, fd);
}

/** The place was fixed when the program was loaded. */
async function tracing(program: BpfProgram): Promise<BpfLink> {
  const { ret } = await program.kernel.bpf('RAW_TRACEPOINT_OPEN', { prog_fd: program.fd });
  return new BpfLink(program.kernel, ret);
}

function perfEvent(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  if (!options.event) {
    const example = `{ kind: 'software', name: 'cpu-clock', sampleFreq: 99 }`;
    throw new AttachError(program, `say which event, as attach({ event: ${example} })`, 'event');
  }
  return onEvent(program, perfEventSpec(options.event), options.cookie);
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
    throw new AttachError(program, `say which cgroup, as attach({ cgroup: '/sys/fs/cgroup/…' })`, 'cgroup');
  }
  const { kernel } = program;
  const target = await kernel.openCgroup(options.cgroup);
  const close = () => kernel.closeFd(target);
  const place = { target_fd: target, attach_type: attachType };
  let kept = false;
  try {
    return await linkOr(program, { ...place, ...among('cgroup', options) }, async () => {
      const attached = await attachOld(program, place, BPF_F_ALLOW_MULTI, close);
      kept = true; // to detach from
      return attached;
    });
  } finally {
    if (!kept) await close();
  }
}

/** What programs are for: every type that loads without something to attach to, and how its context is read. */
import { ATTACH_TYPES } from '../../../src/uapi/attach-types.ts';
import { CONTEXTS } from '../../../src/uapi/contexts.ts';
import { PROG_TYPES, type ProgTypeName } from '../../../src/uapi/prog-types.ts';
import type { Random } from './random.ts';

export interface Place {
  progType: number;
  attachType: number;
  /** What it would attach to, in the kernel's BTF. */
  attachBtf?: string;
  flags?: number;
}

const SLEEPABLE = 16;
/** Those that answer alike on both kernels when they are run on a packet. */
const PACKETS = ['socket_filter', 'xdp', 'sched_cls', 'sched_cls'] as const;
const UNTYPED = new Set<ProgTypeName>(['tracing', 'lsm', 'ext', 'struct_ops', 'lirc_mode2']);

/** Members of tcp_congestion_ops that are functions, in their order; a program says which it is by the attach type. */
const OPERATIONS = 11;

const TYPED: readonly Place[] = [
  ...['sched_switch', 'task_newtask', 'sys_enter', 'kfree_skb', 'tcp_probe'].map((name) => ({
    progType: PROG_TYPES.tracing.id,
    attachType: ATTACH_TYPES.trace_raw_tp.id,
    attachBtf: `btf_trace_${name}`,
  })),
  ...['task', 'task_file', 'bpf_map', 'udp', 'bpf_map_elem'].map((name) => ({
    progType: PROG_TYPES.tracing.id,
    attachType: ATTACH_TYPES.trace_iter.id,
    attachBtf: `bpf_iter_${name}`,
  })),
  ...Array.from({ length: OPERATIONS }, (_, member) => ({
    progType: PROG_TYPES.struct_ops.id,
    attachType: member,
    attachBtf: 'tcp_congestion_ops',
  })),
];

/** A place of one of the types that are run and compared by results. */
export function packetPlace(random: Random): Place {
  return { progType: PROG_TYPES[random.pick(PACKETS)].id, attachType: 0 };
}

/** Any place, of every type as often. */
export function anyPlace(random: Random): Place {
  if (random.oneIn(5)) return random.pick(TYPED);
  const names = (Object.keys(PROG_TYPES) as ProgTypeName[]).filter((name) => !UNTYPED.has(name));
  const name = random.pick(names);
  const attach = Object.values(ATTACH_TYPES).filter((row) => (row.progTypes as readonly string[]).includes(name));
  const place = { progType: PROG_TYPES[name].id, attachType: attach.length > 0 ? random.pick(attach).id : 0 };
  return name === 'syscall' || (name === 'kprobe' && random.oneIn(4)) ? { ...place, flags: SLEEPABLE } : place;
}

/** Bytes of the context that may be asked for, where there is no structure for it. */
const OPEN_CONTEXT = 64;

/** An offset into the context, mostly that of a field. */
export function contextOffset(random: Random, progType: number): { off: number; size: number } {
  const context = CONTEXTS.get(progType);
  if (context === undefined || context.fields.length === 0) return { off: random.below(OPEN_CONTEXT / 8) * 8, size: 8 };
  const field = random.pick(context.fields);
  const inside = field.size > 8 ? random.below(field.size / 4) * 4 : 0;
  return { off: field.offset + inside, size: Math.min(field.size, field.size > 8 ? 4 : 8) };
}

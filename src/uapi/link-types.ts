/** Link types: one row per BPF_LINK_TYPE_*, under the name that bpftool and libbpf give it. */

export interface LinkTypeRow {
  /** The number in bpf_link_info.type. */
  readonly id: number;
  /** The Linux version that brought it. */
  readonly since: string;
  /** What the link holds. */
  readonly doc: string;
}

export const LINK_TYPES = {
  raw_tracepoint: { id: 1, since: '5.8', doc: 'A program at a tracepoint, by its name.' },
  tracing: {
    id: 2,
    since: '5.8',
    doc: 'A program at a kernel function, a typed tracepoint, or in the place of another.',
  },
  cgroup: { id: 3, since: '5.8', doc: 'A program of a cgroup.' },
  iter: { id: 4, since: '5.8', doc: 'An iterator, to be read as a file.' },
  netns: { id: 5, since: '5.8', doc: 'A program of a network namespace.' },
  xdp: { id: 6, since: '5.9', doc: 'A program of a network device, in the driver.' },
  perf_event: { id: 7, since: '5.15', doc: 'A program at a perf event: kprobe, uprobe, tracepoint or counter.' },
  kprobe_multi: { id: 8, since: '5.18', doc: 'A program at many kernel functions.' },
  struct_ops: { id: 9, since: '6.4', doc: 'A kernel structure of functions that a map implements.' },
  netfilter: { id: 10, since: '6.4', doc: 'A program at a netfilter hook.' },
  tcx: { id: 11, since: '6.6', doc: 'A program of a network device, in the traffic control layer.' },
  uprobe_multi: { id: 12, since: '6.6', doc: 'A program at many places of a file.' },
  netkit: { id: 13, since: '6.7', doc: 'A program of a netkit device.' },
  sockmap: { id: 14, since: '6.10', doc: 'A program of a sock map.' },
} as const satisfies Record<string, LinkTypeRow>;

export type LinkTypeName = keyof typeof LINK_TYPES;

/** Name of a number, or undefined for what is no link type of the reference kernel. */
export function linkTypeName(id: number): LinkTypeName | undefined {
  return NAMES[id];
}

const NAMES: readonly (LinkTypeName | undefined)[] = byId();

function byId(): LinkTypeName[] {
  const names: LinkTypeName[] = [];
  for (const [name, row] of Object.entries(LINK_TYPES)) names[row.id] = name as LinkTypeName;
  return names;
}

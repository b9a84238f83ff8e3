/** What the names of sections say, and what `attach()` does with their programs: a row for those that are attached alike. */
import { sectionMeaning, sectionNames } from '../../src/object/index.ts';
import { ATTACH_TYPES, attachTypeName } from '../../src/uapi/attach-types.ts';
import { PROG_TYPES, progTypeName } from '../../src/uapi/prog-types.ts';
import { markdownTable } from './markdown-table.ts';

interface Group {
  readonly sections: readonly string[];
  /** How the page says them, where there are too many to list. */
  readonly spelled?: string;
  /** What attach() does; it follows the option that has to be given, where one has. */
  readonly does: string;
  readonly needs?: string;
  /** Whether the embedded kernel has the place. test/docs/sections.test.ts tries it. */
  readonly embedded: boolean;
}

const ADDRESSED = ['bind', 'connect', 'sendmsg', 'recvmsg', 'getpeername', 'getsockname'];
const ADDRESSES = ADDRESSED.flatMap((what) => ['4', '6', '_unix'].map((family) => `cgroup/${what}${family}`)).filter(
  (section) => section !== 'cgroup/bind_unix',
);

const GROUPS: readonly Group[] = [
  { sections: ['tracepoint', 'tp'], does: 'the tracepoint `CATEGORY/NAME`', embedded: true },
  {
    sections: ['raw_tracepoint', 'raw_tp', 'raw_tracepoint.w', 'raw_tp.w'],
    does: 'the tracepoint `NAME`, with its arguments',
    embedded: true,
  },
  { sections: ['kprobe'], does: "a kernel function's entry: `FUNCTION+OFFSET`", embedded: true },
  { sections: ['kretprobe'], does: "a kernel function's return", embedded: true },
  { sections: ['ksyscall', 'kretsyscall'], does: "a system call's entry or return: `NAME`", embedded: true },
  {
    sections: ['kprobe.multi', 'kretprobe.multi', 'kprobe.session'],
    does: 'all kernel functions that the pattern fits, with one link',
    needs: '`functions` in place of the pattern',
    embedded: false,
  },
  {
    sections: ['uprobe', 'uprobe.s', 'uretprobe', 'uretprobe.s'],
    does: 'a function of a file: `PATH:FUNCTION+OFFSET`',
    needs: '`uprobe` where the section does not say it',
    embedded: false,
  },
  {
    sections: [
      'uprobe.multi',
      'uprobe.multi.s',
      'uretprobe.multi',
      'uretprobe.multi.s',
      'uprobe.session',
      'uprobe.session.s',
    ],
    does: 'all functions of a file that the pattern fits, with one link',
    needs: '`uprobe` where the section does not say it',
    embedded: false,
  },
  {
    sections: ['usdt', 'usdt.s'],
    does: 'a static probe of a file: `PATH:PROVIDER:NAME`',
    needs: '`usdt` where the section does not say it',
    embedded: false,
  },
  { sections: ['perf_event'], does: 'a perf event', needs: '`event`', embedded: true },
  { sections: ['tp_btf'], does: 'the tracepoint `NAME`, with typed arguments', embedded: false },
  {
    sections: ['fentry', 'fentry.s', 'fexit', 'fexit.s', 'fmod_ret', 'fmod_ret.s'],
    does: 'the kernel function that was named when it was loaded',
    embedded: false,
  },
  { sections: ['freplace'], does: 'the function of another program (`targets` of `loadCollection`)', embedded: false },
  { sections: ['lsm', 'lsm.s'], does: 'the security hook `NAME`', embedded: false },
  {
    sections: ['lsm_cgroup'],
    does: 'the security hook, for processes of a cgroup',
    needs: '`cgroup`',
    embedded: false,
  },
  {
    sections: ['iter', 'iter.s'],
    does: 'an iterator, to be read with `text()`',
    needs: '`map` for `bpf_map_elem`, `only` for tasks and cgroups',
    embedded: true,
  },
  { sections: ['xdp', 'xdp.frags'], does: "a device's packets as they come in", needs: '`device`', embedded: true },
  {
    sections: ['xdp/devmap', 'xdp.frags/devmap', 'xdp/cpumap', 'xdp.frags/cpumap'],
    does: 'nothing: its descriptor goes into a devmap or cpumap',
    embedded: false,
  },
  {
    sections: ['tcx/ingress', 'tcx/egress', 'tc/ingress', 'tc/egress', 'tc', 'classifier'],
    does: "a device's packets in traffic control, in or out",
    needs: '`device`; `direction` where the section does not say it',
    embedded: true,
  },
  { sections: ['netkit/primary', 'netkit/peer'], does: 'a netkit device', needs: '`device`', embedded: false },
  {
    sections: ['cgroup_skb/ingress', 'cgroup_skb/egress', 'cgroup/skb'],
    does: "packets of a cgroup's sockets",
    needs: '`cgroup`; `direction` where the section does not say it',
    embedded: true,
  },
  {
    sections: ['cgroup/sock', 'cgroup/sock_create', 'cgroup/sock_release', 'cgroup/post_bind4', 'cgroup/post_bind6'],
    does: "a cgroup's sockets as they are made, bound and released",
    needs: '`cgroup`',
    embedded: true,
  },
  {
    sections: ADDRESSES,
    spelled: `\`cgroup/{${ADDRESSED.join(',')}}{4,6,_unix}\` (no \`bind_unix\`)`,
    does: "addresses that a cgroup's processes use",
    needs: '`cgroup`',
    embedded: true,
  },
  {
    sections: ['cgroup/sysctl', 'cgroup/getsockopt', 'cgroup/setsockopt', 'cgroup/dev', 'sockops'],
    does: "a cgroup's sysctls, socket options, devices, TCP events",
    needs: '`cgroup`',
    embedded: true,
  },
  { sections: ['socket'], does: 'what one socket receives', needs: '`socket`', embedded: false },
  { sections: ['sk_reuseport', 'sk_reuseport/migrate'], does: "a socket's group", needs: '`socket`', embedded: false },
  {
    sections: ['sk_msg', 'sk_skb', 'sk_skb/stream_parser', 'sk_skb/stream_verdict', 'sk_skb/verdict'],
    does: 'the sockets of a sockmap or sockhash',
    needs: '`map`',
    embedded: false,
  },
  {
    sections: ['sk_lookup', 'flow_dissector'],
    does: 'a network namespace',
    needs: '`netns` for another than the own',
    embedded: false,
  },
  { sections: ['netfilter'], does: 'a hook of netfilter', needs: '`netfilter`', embedded: false },
  { sections: ['syscall'], does: 'nothing: it runs with `testRun()`', embedded: false },
  {
    sections: ['action', 'lwt_in', 'lwt_out', 'lwt_xmit', 'lwt_seg6local', 'lirc_mode2'],
    does: 'nothing: pin it, and name the pin to tc(8), ip-route(8), ir-keytable(1)',
    embedded: false,
  },
  { sections: ['struct_ops', 'struct_ops.s'], does: 'nothing: its map is what attaches', embedded: false },
];

export function sectionsTable(): string {
  const described = GROUPS.flatMap(({ sections }) => sections).sort();
  const known = [...sectionNames()].sort();
  const odd = [...known.filter((s) => !described.includes(s)), ...described.filter((s) => !known.includes(s))];
  if (odd.length > 0) throw new Error(`sections-table.ts and the sections of src/object differ: ${odd.join(', ')}`);
  const rows = GROUPS.map(({ sections, spelled, does, needs, embedded }) => [
    spelled ?? sections.map((section) => `\`${section}\``).join(', '),
    [...new Set(sections.map((section) => progTypeName(sectionMeaning(section).type) ?? ''))].join(', '),
    does,
    needs ?? '',
    span(sections.map(since)),
    embedded ? 'yes' : 'no',
  ]);
  return markdownTable(['section', 'program type', 'where attach() puts it', 'to be told', 'Linux', 'embedded'], rows);
}

/** The Linux version that brought the program type or the way of attaching, whichever is later. */
function since(section: string): string {
  const { type, attachType } = sectionMeaning(section);
  const versions: string[] = [PROG_TYPES[progTypeName(type)!].since];
  const name = attachTypeName(attachType);
  if (attachType !== 0 && name !== undefined) versions.push(ATTACH_TYPES[name].since);
  return versions.sort(byVersion).at(-1)!;
}

function span(versions: readonly string[]): string {
  const sorted = [...new Set(versions)].sort(byVersion);
  return sorted.length === 1 ? sorted[0]! : `${sorted[0]} to ${sorted.at(-1)}`;
}

function byVersion(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number)) as [number[], number[]];
  return x[0]! - y[0]! || x[1]! - y[1]!;
}

/**
 * bpf_prog_info, bpf_map_info, bpf_btf_info and bpf_link_info: from the bytes that OBJ_GET_INFO_BY_FD fills to the values
 * of uapi/infos.ts. Arrays and texts are pointers in the structure; room for them is made as the request says.
 */
import { cString, view } from '../base/bytes.ts';
import { bug } from '../base/errors.ts';
import {
  BPF_LINK_TYPE_CGROUP,
  BPF_LINK_TYPE_ITER,
  BPF_LINK_TYPE_KPROBE_MULTI,
  BPF_LINK_TYPE_NETFILTER,
  BPF_LINK_TYPE_NETKIT,
  BPF_LINK_TYPE_NETNS,
  BPF_LINK_TYPE_PERF_EVENT,
  BPF_LINK_TYPE_RAW_TRACEPOINT,
  BPF_LINK_TYPE_SOCKMAP,
  BPF_LINK_TYPE_STRUCT_OPS,
  BPF_LINK_TYPE_TCX,
  BPF_LINK_TYPE_TRACING,
  BPF_LINK_TYPE_UPROBE_MULTI,
  BPF_LINK_TYPE_XDP,
  BPF_PERF_EVENT_EVENT,
  BPF_PERF_EVENT_KPROBE,
  BPF_PERF_EVENT_KRETPROBE,
  BPF_PERF_EVENT_TRACEPOINT,
  BPF_PERF_EVENT_UPROBE,
  BPF_PERF_EVENT_URETPROBE,
} from '../uapi/generated/constants.ts';
import { LAYOUTS, type Layout } from '../uapi/generated/layouts.ts';
import type { BtfInfo, Info, InfoRequest, LinkInfo, MapInfo, ProgInfo } from '../uapi/infos.ts';
import { type AttrMemory, fieldOf, readName, readNumber, writeNumber } from './fields.ts';

/** An array or text behind a pointer: which field holds the pointer, which counts, and bytes of an element. */
interface Behind {
  readonly pointer: string;
  readonly count: string;
  readonly unit: number;
  /** Field that wants `unit`: the kernel refuses records of another size (EINVAL), 0 included. */
  readonly recSize?: string;
}

const behind = (pointer: string, count: string, unit = 1): Behind => ({ pointer, count, unit });
const records = (pointer: string, unit: number): Behind => ({
  pointer,
  count: `nr_${pointer}`,
  unit,
  recSize: `${pointer}_rec_size`,
});

/** By structure, then by the name that a request uses in `want`. */
const BEHIND: Readonly<Record<InfoRequest['of'], Readonly<Record<string, readonly Behind[]>>>> = {
  prog: {
    jited_prog_insns: [behind('jited_prog_insns', 'jited_prog_len')],
    xlated_prog_insns: [behind('xlated_prog_insns', 'xlated_prog_len')],
    map_ids: [behind('map_ids', 'nr_map_ids', 4)],
    jited_ksyms: [behind('jited_ksyms', 'nr_jited_ksyms', 8)],
    jited_func_lens: [behind('jited_func_lens', 'nr_jited_func_lens', 4)],
    func_info: [records('func_info', 8)],
    line_info: [records('line_info', 16)],
    jited_line_info: [records('jited_line_info', 8)],
    prog_tags: [behind('prog_tags', 'nr_prog_tags', 8)],
  },
  map: {},
  btf: { btf: [behind('btf', 'btf_size')], name: [behind('name', 'name_len')] },
  link: {
    tp_name: [
      behind('raw_tracepoint.tp_name', 'raw_tracepoint.tp_name_len'),
      behind('perf_event.tracepoint.tp_name', 'perf_event.tracepoint.name_len'),
    ],
    target_name: [behind('iter.target_name', 'iter.target_name_len')],
    func_name: [behind('perf_event.kprobe.func_name', 'perf_event.kprobe.name_len')],
    file_name: [behind('perf_event.uprobe.file_name', 'perf_event.uprobe.name_len')],
    addrs: [behind('kprobe_multi.addrs', 'kprobe_multi.count', 8)],
    cookies: [
      behind('kprobe_multi.cookies', 'kprobe_multi.count', 8),
      behind('uprobe_multi.cookies', 'uprobe_multi.count', 8),
    ],
    path: [behind('uprobe_multi.path', 'uprobe_multi.path_size')],
    offsets: [behind('uprobe_multi.offsets', 'uprobe_multi.count', 8)],
    ref_ctr_offsets: [behind('uprobe_multi.ref_ctr_offsets', 'uprobe_multi.count', 8)],
  },
};

const STRUCTURE: Readonly<Record<InfoRequest['of'], Layout>> = {
  prog: LAYOUTS.bpf_prog_info,
  map: LAYOUTS.bpf_map_info,
  btf: LAYOUTS.bpf_btf_info,
  link: LAYOUTS.bpf_link_info,
};

/** The fields that say which member of the union in bpf_link_info is meant. */
const LINK_MEMBER: Readonly<Record<number, string>> = {
  [BPF_LINK_TYPE_RAW_TRACEPOINT]: 'raw_tracepoint',
  [BPF_LINK_TYPE_TRACING]: 'tracing',
  [BPF_LINK_TYPE_CGROUP]: 'cgroup',
  [BPF_LINK_TYPE_ITER]: 'iter',
  [BPF_LINK_TYPE_NETNS]: 'netns',
  [BPF_LINK_TYPE_XDP]: 'xdp',
  [BPF_LINK_TYPE_STRUCT_OPS]: 'struct_ops',
  [BPF_LINK_TYPE_NETFILTER]: 'netfilter',
  [BPF_LINK_TYPE_KPROBE_MULTI]: 'kprobe_multi',
  [BPF_LINK_TYPE_UPROBE_MULTI]: 'uprobe_multi',
  [BPF_LINK_TYPE_PERF_EVENT]: 'perf_event',
  [BPF_LINK_TYPE_TCX]: 'tcx',
  [BPF_LINK_TYPE_NETKIT]: 'netkit',
  [BPF_LINK_TYPE_SOCKMAP]: 'sockmap',
};

/**
 * The structure with its pointers filled in, and how to read it after the call. The members of a link's union overlap,
 * so its pointers can only be filled in where `member` (see `linkMember`) is known: the caller asks twice.
 */
export function encodeInfo(
  request: InfoRequest,
  memory: AttrMemory,
  member?: string,
): { bytes: Uint8Array; answer(): Info } {
  const layout = STRUCTURE[request.of];
  const bytes = new Uint8Array(layout.size);
  const dv = view(bytes);
  const rooms = new Map<string, Uint8Array>();

  for (const [name, elements] of Object.entries(request.want ?? {})) {
    for (const b of BEHIND[request.of][name] ?? []) {
      if (elements === 0 || (request.of === 'link' && !b.pointer.startsWith(`${member}.`))) continue;
      const room = new Uint8Array(elements * b.unit);
      rooms.set(b.pointer, room);
      writeNumber(dv, fieldOf(layout, b.pointer), memory.addressOf(room));
      writeNumber(dv, fieldOf(layout, b.count), elements);
      if (b.recSize !== undefined) writeNumber(dv, fieldOf(layout, b.recSize), b.unit);
    }
  }
  const reader = new InfoReader(bytes, layout, rooms);
  return {
    bytes,
    answer: () => {
      switch (request.of) {
        case 'prog':
          return progInfo(reader);
        case 'map':
          return mapInfo(reader);
        case 'btf':
          return btfInfo(reader);
        case 'link':
          return linkInfo(reader);
      }
    },
  };
}

/**
 * The member of bpf_link_info's union that a link has, as a path: what `encodeInfo` wants to know before it can make
 * room for the texts and arrays of that member. '' where the type has none.
 */
export function linkMember(info: LinkInfo): string {
  const member = LINK_MEMBER[info.type] ?? '';
  const event = info.perf_event?.type;
  if (event === undefined) return member;
  const kind = event === 'uretprobe' ? 'uprobe' : event === 'kretprobe' ? 'kprobe' : event;
  return `${member}.${kind}`;
}

class InfoReader {
  private readonly bytes: Uint8Array;
  private readonly dv: DataView;
  private readonly layout: Layout;
  private readonly rooms: ReadonlyMap<string, Uint8Array>;

  constructor(bytes: Uint8Array, layout: Layout, rooms: ReadonlyMap<string, Uint8Array>) {
    this.bytes = bytes;
    this.dv = view(bytes);
    this.layout = layout;
    this.rooms = rooms;
  }

  num(path: string): number {
    return Number(readNumber(this.dv, fieldOf(this.layout, path), false));
  }
  s32(path: string): number {
    return this.num(path) | 0;
  }
  big(path: string): bigint {
    return readNumber(this.dv, fieldOf(this.layout, path), true) as bigint;
  }
  flag(path: string): boolean {
    const { bitOffset = 0 } = fieldOf(this.layout, path);
    return ((this.num(path) >>> bitOffset) & 1) === 1;
  }
  name(path: string): string {
    return readName(this.bytes, fieldOf(this.layout, path));
  }
  tag(path: string): Uint8Array {
    const { offset, size } = fieldOf(this.layout, path);
    return this.bytes.slice(offset, offset + size);
  }
  /** Bytes behind a pointer: as many as the count says, of those that had room. */
  data(pointer: string, count: string, unit = 1): Uint8Array {
    const room = this.rooms.get(pointer);
    return room === undefined ? new Uint8Array(0) : room.subarray(0, Math.min(room.length, this.num(count) * unit));
  }
  text(pointer: string): string {
    const room = this.rooms.get(pointer);
    return room === undefined ? '' : cString(room);
  }
  u32s(pointer: string, count: string): number[] {
    const b = this.data(pointer, count, 4);
    const dv = view(b);
    return Array.from({ length: b.length / 4 }, (_, i) => dv.getUint32(4 * i, true));
  }
  u64s(pointer: string, count: string): bigint[] {
    const b = this.data(pointer, count, 8);
    const dv = view(b);
    return Array.from({ length: b.length / 8 }, (_, i) => dv.getBigUint64(8 * i, true));
  }
}

function progInfo(r: InfoReader): ProgInfo {
  return {
    of: 'prog',
    type: r.num('type'),
    id: r.num('id'),
    tag: r.tag('tag'),
    jited_prog_len: r.num('jited_prog_len'),
    xlated_prog_len: r.num('xlated_prog_len'),
    jited_prog_insns: r.data('jited_prog_insns', 'jited_prog_len'),
    xlated_prog_insns: r.data('xlated_prog_insns', 'xlated_prog_len'),
    load_time: r.big('load_time'),
    created_by_uid: r.num('created_by_uid'),
    nr_map_ids: r.num('nr_map_ids'),
    map_ids: r.u32s('map_ids', 'nr_map_ids'),
    name: r.name('name'),
    ifindex: r.num('ifindex'),
    gpl_compatible: r.flag('gpl_compatible'),
    netns_dev: r.big('netns_dev'),
    netns_ino: r.big('netns_ino'),
    nr_jited_ksyms: r.num('nr_jited_ksyms'),
    nr_jited_func_lens: r.num('nr_jited_func_lens'),
    jited_ksyms: r.u64s('jited_ksyms', 'nr_jited_ksyms'),
    jited_func_lens: r.u32s('jited_func_lens', 'nr_jited_func_lens'),
    btf_id: r.num('btf_id'),
    func_info_rec_size: r.num('func_info_rec_size'),
    func_info: r.data('func_info', 'nr_func_info', 8),
    nr_func_info: r.num('nr_func_info'),
    nr_line_info: r.num('nr_line_info'),
    line_info: r.data('line_info', 'nr_line_info', 16),
    jited_line_info: r.u64s('jited_line_info', 'nr_jited_line_info'),
    nr_jited_line_info: r.num('nr_jited_line_info'),
    line_info_rec_size: r.num('line_info_rec_size'),
    jited_line_info_rec_size: r.num('jited_line_info_rec_size'),
    nr_prog_tags: r.num('nr_prog_tags'),
    prog_tags: r.data('prog_tags', 'nr_prog_tags', 8),
    run_time_ns: r.big('run_time_ns'),
    run_cnt: r.big('run_cnt'),
    recursion_misses: r.big('recursion_misses'),
    verified_insns: r.num('verified_insns'),
    attach_btf_obj_id: r.num('attach_btf_obj_id'),
    attach_btf_id: r.num('attach_btf_id'),
  };
}

function mapInfo(r: InfoReader): MapInfo {
  return {
    of: 'map',
    type: r.num('type'),
    id: r.num('id'),
    key_size: r.num('key_size'),
    value_size: r.num('value_size'),
    max_entries: r.num('max_entries'),
    map_flags: r.num('map_flags'),
    name: r.name('name'),
    ifindex: r.num('ifindex'),
    btf_vmlinux_value_type_id: r.num('btf_vmlinux_value_type_id'),
    netns_dev: r.big('netns_dev'),
    netns_ino: r.big('netns_ino'),
    btf_id: r.num('btf_id'),
    btf_key_type_id: r.num('btf_key_type_id'),
    btf_value_type_id: r.num('btf_value_type_id'),
    btf_vmlinux_id: r.num('btf_vmlinux_id'),
    map_extra: r.big('map_extra'),
  };
}

function btfInfo(r: InfoReader): BtfInfo {
  return {
    of: 'btf',
    btf_size: r.num('btf_size'),
    btf: r.data('btf', 'btf_size'),
    id: r.num('id'),
    name: r.text('name'),
    kernel_btf: r.num('kernel_btf') !== 0,
  };
}

/** How each member of the union reads. */
const LINK_READERS: Readonly<Record<string, (r: InfoReader) => Partial<LinkInfo>>> = {
  raw_tracepoint: (r) => ({
    raw_tracepoint: { tp_name: r.text('raw_tracepoint.tp_name'), cookie: r.big('raw_tracepoint.cookie') },
  }),
  tracing: (r) => ({
    tracing: {
      attach_type: r.num('tracing.attach_type'),
      target_obj_id: r.num('tracing.target_obj_id'),
      target_btf_id: r.num('tracing.target_btf_id'),
      cookie: r.big('tracing.cookie'),
    },
  }),
  cgroup: (r) => ({ cgroup: { cgroup_id: r.big('cgroup.cgroup_id'), attach_type: r.num('cgroup.attach_type') } }),
  iter: iterInfo,
  netns: (r) => ({ netns: { netns_ino: r.num('netns.netns_ino'), attach_type: r.num('netns.attach_type') } }),
  xdp: (r) => ({ xdp: { ifindex: r.num('xdp.ifindex') } }),
  struct_ops: (r) => ({ struct_ops: { map_id: r.num('struct_ops.map_id') } }),
  netfilter: (r) => ({
    netfilter: {
      pf: r.num('netfilter.pf'),
      hooknum: r.num('netfilter.hooknum'),
      priority: r.s32('netfilter.priority'),
      flags: r.num('netfilter.flags'),
    },
  }),
  kprobe_multi: (r) => ({
    kprobe_multi: {
      count: r.num('kprobe_multi.count'),
      flags: r.num('kprobe_multi.flags'),
      missed: r.big('kprobe_multi.missed'),
      addrs: r.u64s('kprobe_multi.addrs', 'kprobe_multi.count'),
      cookies: r.u64s('kprobe_multi.cookies', 'kprobe_multi.count'),
    },
  }),
  uprobe_multi: (r) => ({
    uprobe_multi: {
      path: r.text('uprobe_multi.path'),
      count: r.num('uprobe_multi.count'),
      flags: r.num('uprobe_multi.flags'),
      pid: r.num('uprobe_multi.pid'),
      offsets: r.u64s('uprobe_multi.offsets', 'uprobe_multi.count'),
      ref_ctr_offsets: r.u64s('uprobe_multi.ref_ctr_offsets', 'uprobe_multi.count'),
      cookies: r.u64s('uprobe_multi.cookies', 'uprobe_multi.count'),
    },
  }),
  perf_event: perfEventInfo,
  tcx: (r) => ({ tcx: { ifindex: r.num('tcx.ifindex'), attach_type: r.num('tcx.attach_type') } }),
  netkit: (r) => ({ netkit: { ifindex: r.num('netkit.ifindex'), attach_type: r.num('netkit.attach_type') } }),
  sockmap: (r) => ({ sockmap: { map_id: r.num('sockmap.map_id'), attach_type: r.num('sockmap.attach_type') } }),
};

function linkInfo(r: InfoReader): LinkInfo {
  const type = r.num('type');
  const member = LINK_MEMBER[type];
  const details = member === undefined ? {} : (LINK_READERS[member] ?? bug(`no reader of link member ${member}`))(r);
  return { of: 'link', type, id: r.num('id'), prog_id: r.num('prog_id'), ...details };
}

function iterInfo(r: InfoReader): Partial<LinkInfo> {
  const target_name = r.text('iter.target_name');
  if (target_name.startsWith('bpf_map_elem') || target_name === 'bpf_sk_storage_map') {
    return { iter: { target_name, map_id: r.num('iter.map.map_id') } };
  }
  if (target_name === 'cgroup') {
    return { iter: { target_name, cgroup_id: r.big('iter.cgroup.cgroup_id'), order: r.num('iter.cgroup.order') } };
  }
  if (target_name.startsWith('task')) {
    return { iter: { target_name, tid: r.num('iter.task.tid'), pid: r.num('iter.task.pid') } };
  }
  return { iter: { target_name } };
}

function perfEventInfo(r: InfoReader): Partial<LinkInfo> {
  const type = r.num('perf_event.type');
  switch (type) {
    case BPF_PERF_EVENT_UPROBE:
    case BPF_PERF_EVENT_URETPROBE:
      return {
        perf_event: {
          type: type === BPF_PERF_EVENT_UPROBE ? 'uprobe' : 'uretprobe',
          file_name: r.text('perf_event.uprobe.file_name'),
          offset: r.num('perf_event.uprobe.offset'),
          cookie: r.big('perf_event.uprobe.cookie'),
          ref_ctr_offset: r.big('perf_event.uprobe.ref_ctr_offset'),
        },
      };
    case BPF_PERF_EVENT_KPROBE:
    case BPF_PERF_EVENT_KRETPROBE:
      return {
        perf_event: {
          type: type === BPF_PERF_EVENT_KPROBE ? 'kprobe' : 'kretprobe',
          func_name: r.text('perf_event.kprobe.func_name'),
          offset: r.num('perf_event.kprobe.offset'),
          addr: r.big('perf_event.kprobe.addr'),
          missed: r.big('perf_event.kprobe.missed'),
          cookie: r.big('perf_event.kprobe.cookie'),
        },
      };
    case BPF_PERF_EVENT_TRACEPOINT:
      return {
        perf_event: {
          type: 'tracepoint',
          tp_name: r.text('perf_event.tracepoint.tp_name'),
          cookie: r.big('perf_event.tracepoint.cookie'),
        },
      };
    case BPF_PERF_EVENT_EVENT:
      return {
        perf_event: {
          type: 'event',
          event_type: r.num('perf_event.event.type'),
          config: r.big('perf_event.event.config'),
          cookie: r.big('perf_event.event.cookie'),
        },
      };
    default:
      return {};
  }
}

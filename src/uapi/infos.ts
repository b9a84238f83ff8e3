/**
 * What OBJ_GET_INFO_BY_FD answers: bpf_prog_info, bpf_map_info, bpf_btf_info and bpf_link_info as values.
 *
 * Names are the kernel's (`include/uapi/linux/bpf.h`, 6.18). Arrays and texts behind pointers are asked for in
 * `want` by the number of elements there is room for (bytes for texts and code); what is not asked for comes back
 * empty, and its count still says how much there would be (`nr_map_ids`, `xlated_prog_len`), as in Linux.
 */

export interface InfoRequest {
  readonly of: 'prog' | 'map' | 'btf' | 'link';
  /** Field name -> elements to make room for. */
  readonly want?: Readonly<Record<string, number>>;
}

export type Info = ProgInfo | MapInfo | BtfInfo | LinkInfo;

export interface ProgInfo {
  of: 'prog';
  type: number;
  id: number;
  /** 8 bytes. */
  tag: Uint8Array;
  jited_prog_len: number;
  xlated_prog_len: number;
  jited_prog_insns: Uint8Array;
  xlated_prog_insns: Uint8Array;
  /** Nanoseconds since boot. */
  load_time: bigint;
  created_by_uid: number;
  nr_map_ids: number;
  map_ids: number[];
  name: string;
  ifindex: number;
  gpl_compatible: boolean;
  netns_dev: bigint;
  netns_ino: bigint;
  nr_jited_ksyms: number;
  nr_jited_func_lens: number;
  jited_ksyms: bigint[];
  jited_func_lens: number[];
  btf_id: number;
  func_info_rec_size: number;
  func_info: Uint8Array;
  nr_func_info: number;
  nr_line_info: number;
  line_info: Uint8Array;
  jited_line_info: bigint[];
  nr_jited_line_info: number;
  line_info_rec_size: number;
  jited_line_info_rec_size: number;
  nr_prog_tags: number;
  /** 8 bytes a function. */
  prog_tags: Uint8Array;
  run_time_ns: bigint;
  run_cnt: bigint;
  recursion_misses: bigint;
  verified_insns: number;
  attach_btf_obj_id: number;
  attach_btf_id: number;
}

export interface MapInfo {
  of: 'map';
  type: number;
  id: number;
  key_size: number;
  value_size: number;
  max_entries: number;
  map_flags: number;
  name: string;
  ifindex: number;
  btf_vmlinux_value_type_id: number;
  netns_dev: bigint;
  netns_ino: bigint;
  btf_id: number;
  btf_key_type_id: number;
  btf_value_type_id: number;
  btf_vmlinux_id: number;
  map_extra: bigint;
}

export interface BtfInfo {
  of: 'btf';
  btf_size: number;
  btf: Uint8Array;
  id: number;
  name: string;
  kernel_btf: boolean;
}

/** The members after `prog_id` depend on `type`; each is present only for the link types that have it. */
export interface LinkInfo {
  of: 'link';
  type: number;
  id: number;
  prog_id: number;
  raw_tracepoint?: { tp_name: string; cookie: bigint };
  tracing?: { attach_type: number; target_obj_id: number; target_btf_id: number; cookie: bigint };
  cgroup?: { cgroup_id: bigint; attach_type: number };
  iter?: { target_name: string; map_id?: number; cgroup_id?: bigint; order?: number; tid?: number; pid?: number };
  netns?: { netns_ino: number; attach_type: number };
  xdp?: { ifindex: number };
  struct_ops?: { map_id: number };
  netfilter?: { pf: number; hooknum: number; priority: number; flags: number };
  kprobe_multi?: { count: number; flags: number; missed: bigint; addrs: bigint[]; cookies: bigint[] };
  uprobe_multi?: {
    path: string;
    count: number;
    flags: number;
    pid: number;
    offsets: bigint[];
    ref_ctr_offsets: bigint[];
    cookies: bigint[];
  };
  perf_event?:
    | { type: 'uprobe' | 'uretprobe'; file_name: string; offset: number; cookie: bigint; ref_ctr_offset: bigint }
    | { type: 'kprobe' | 'kretprobe'; func_name: string; offset: number; addr: bigint; missed: bigint; cookie: bigint }
    | { type: 'tracepoint'; tp_name: string; cookie: bigint }
    | { type: 'event'; event_type: number; config: bigint; cookie: bigint };
  tcx?: { ifindex: number; attach_type: number };
  netkit?: { ifindex: number; attach_type: number };
  sockmap?: { map_id: number; attach_type: number };
}

/**
 * The commands of bpf(2): one row per command, the relation between a typed call and the bytes of `union bpf_attr`.
 *
 * Names of fields are the kernel's own (`include/uapi/linux/bpf.h`, Linux 6.18). A row says for each field what it
 * carries and in which direction; offsets come from the BTF of the reference kernel (`generated/layouts.ts`) by `arm`
 * and `path`. `linux/` encodes with these rows, whoever answers bpf(2) of another process decodes with them, and the
 * types of `Kernel.bpf` are derived from them, so a field is stated once.
 */

/**
 * What a field carries:
 * - `u32` `s32` `u64`  a number in the attr. u64 accepts number or bigint and answers bigint.
 * - `name`    a `char[16]` in the attr (cut to 15 characters).
 * - `cstr`    a pointer to zero-terminated text.
 * - `cstrs`   a pointer to an array of pointers to such texts.
 * - `bytes`   a pointer to bytes the caller gives; `count` names the attr field that says how many units of `unit` bytes.
 * - `room`    a pointer to bytes the kernel writes: the caller gives how many bytes there is room for, the result has
 *             the bytes; `count` likewise. Nothing asked (0 or absent) is a NULL pointer.
 * - `info`    a pointer to a bpf_*_info structure, see infos.ts.
 * `dir` says who writes a number: `in` (default) the caller, `out` the kernel, `inout` both.
 */
export interface Field<K extends FieldKind = FieldKind, D extends Dir = Dir> {
  readonly kind: K;
  readonly dir: D;
  /** Dotted path inside the arm, `''` where it is the field's own name. */
  readonly path: string;
  readonly count?: string;
  readonly unit?: number;
  /** The Linux version that brought it, where that is a later one than the command's and 5.4. */
  readonly since?: string;
}
export type FieldKind = 'u32' | 's32' | 'u64' | 'name' | 'cstr' | 'cstrs' | 'bytes' | 'room' | 'info';
export type Dir = 'in' | 'out' | 'inout';

export interface CommandRow {
  /** The number passed to bpf(2). */
  readonly id: number;
  /** The Linux version that brought it. */
  readonly since: string;
  /** The member of `union bpf_attr` it uses: the name its layout has in `generated/layouts.ts`. */
  readonly arm: string;
  /** What the system call's return value is: a new file descriptor, a number, or 0. */
  readonly returns: 'fd' | 'zero' | 'number';
  readonly fields: Readonly<Record<string, Field>>;
}

const u32 = { kind: 'u32', dir: 'in', path: '' } as const;
const s32 = { kind: 's32', dir: 'in', path: '' } as const;
const u64 = { kind: 'u64', dir: 'in', path: '' } as const;
const name = { kind: 'name', dir: 'in', path: '' } as const;
const cstr = { kind: 'cstr', dir: 'in', path: '' } as const;
const cstrs = { kind: 'cstrs', dir: 'in', path: '' } as const;
const outU32 = { kind: 'u32', dir: 'out', path: '' } as const;
const outU64 = { kind: 'u64', dir: 'out', path: '' } as const;
const inoutU32 = { kind: 'u32', dir: 'inout', path: '' } as const;
/** Bytes from the caller; `count` gets their number in units. */
const bytes = (count?: string, unit = 1): Field<'bytes', 'in'> => ({
  kind: 'bytes',
  dir: 'in',
  path: '',
  unit,
  ...(count === undefined ? {} : { count }),
});
/** Room for the kernel to write; `count` gets its size in units. */
const room = (count?: string, unit = 1): Field<'room', 'out'> => ({
  kind: 'room',
  dir: 'out',
  path: '',
  unit,
  ...(count === undefined ? {} : { count }),
});
const at = <F extends Field>(path: string, field: F): F => ({ ...field, path });
const later = <F extends Field>(since: string, field: F): F => ({ ...field, since });

const elem = { map_fd: u32, key: bytes() } as const;
const batch = {
  map_fd: u32,
  count: inoutU32,
  elem_flags: u64,
  flags: u64,
} as const;
const batchRead = { ...batch, in_batch: bytes(), out_batch: room(), keys: room(), values: room() } as const;
const nextId = { start_id: u32, open_flags: u32, next_id: outU32 } as const;
const attach = {
  target_fd: u32,
  attach_bpf_fd: u32,
  attach_type: u32,
  attach_flags: u32,
  replace_bpf_fd: later('5.6', u32),
  relative_fd: later('6.6', u32),
  expected_revision: later('6.6', u64),
} as const;

export const COMMANDS = {
  MAP_CREATE: {
    id: 0,
    since: '3.18',
    arm: 'map_create',
    returns: 'fd',
    fields: {
      map_type: u32,
      key_size: u32,
      value_size: u32,
      max_entries: u32,
      map_flags: u32,
      inner_map_fd: u32,
      numa_node: u32,
      map_name: name,
      map_ifindex: u32,
      btf_fd: u32,
      btf_key_type_id: u32,
      btf_value_type_id: u32,
      btf_vmlinux_value_type_id: u32,
      map_extra: later('5.16', u64),
      value_type_btf_obj_fd: later('6.9', s32),
      map_token_fd: later('6.9', s32),
      excl_prog_hash: later('6.18', bytes('excl_prog_hash_size')),
    },
  },
  /** A bloom filter has no keys: the value that is asked for is given as `key`. */
  MAP_LOOKUP_ELEM: {
    id: 1,
    since: '3.18',
    arm: 'map_elem',
    returns: 'zero',
    fields: { ...elem, value: room(), flags: u64 },
  },
  MAP_UPDATE_ELEM: {
    id: 2,
    since: '3.18',
    arm: 'map_elem',
    returns: 'zero',
    fields: { ...elem, value: bytes(), flags: u64 },
  },
  MAP_DELETE_ELEM: { id: 3, since: '3.18', arm: 'map_elem', returns: 'zero', fields: { ...elem, flags: u64 } },
  MAP_GET_NEXT_KEY: {
    id: 4,
    since: '3.18',
    arm: 'map_elem',
    returns: 'zero',
    fields: { ...elem, next_key: room() },
  },
  PROG_LOAD: {
    id: 5,
    since: '3.18',
    arm: 'prog_load',
    returns: 'fd',
    fields: {
      prog_type: u32,
      insns: bytes('insn_cnt', 8),
      license: cstr,
      log_level: u32,
      log_buf: room('log_size'),
      kern_version: u32,
      prog_flags: u32,
      prog_name: name,
      prog_ifindex: u32,
      expected_attach_type: u32,
      prog_btf_fd: u32,
      func_info_rec_size: u32,
      func_info: bytes(),
      func_info_cnt: u32,
      line_info_rec_size: u32,
      line_info: bytes(),
      line_info_cnt: u32,
      attach_btf_id: later('5.5', u32),
      /** Also attach_btf_obj_fd: which of the two it is follows from the program type. */
      attach_prog_fd: later('5.5', u32),
      core_relo_cnt: later('5.17', u32),
      fd_array: later('5.14', bytes()),
      fd_array_cnt: later('6.14', u32),
      core_relos: later('5.17', bytes()),
      core_relo_rec_size: later('5.17', u32),
      prog_token_fd: later('6.9', s32),
      signature: later('6.18', bytes('signature_size')),
      keyring_id: later('6.18', s32),
      log_true_size: outU32,
    },
  },
  OBJ_PIN: {
    id: 6,
    since: '4.4',
    arm: 'obj',
    returns: 'zero',
    fields: { pathname: cstr, bpf_fd: u32, file_flags: u32, path_fd: later('6.5', s32) },
  },
  OBJ_GET: {
    id: 7,
    since: '4.4',
    arm: 'obj',
    returns: 'fd',
    fields: { pathname: cstr, bpf_fd: u32, file_flags: u32, path_fd: later('6.5', s32) },
  },
  PROG_ATTACH: { id: 8, since: '4.10', arm: 'prog_attach', returns: 'zero', fields: attach },
  PROG_DETACH: { id: 9, since: '4.10', arm: 'prog_attach', returns: 'zero', fields: attach },
  PROG_TEST_RUN: {
    id: 10,
    since: '4.12',
    arm: 'test',
    returns: 'zero',
    fields: {
      prog_fd: u32,
      data_in: bytes('data_size_in'),
      data_out: room('data_size_out'),
      ctx_in: bytes('ctx_size_in'),
      ctx_out: room('ctx_size_out'),
      repeat: u32,
      flags: later('5.10', u32),
      cpu: later('5.10', u32),
      batch_size: later('5.18', u32),
      retval: outU32,
      duration: outU32,
      data_size_out: outU32,
      ctx_size_out: outU32,
    },
  },
  PROG_GET_NEXT_ID: { id: 11, since: '4.13', arm: 'get_id', returns: 'zero', fields: nextId },
  MAP_GET_NEXT_ID: { id: 12, since: '4.13', arm: 'get_id', returns: 'zero', fields: nextId },
  PROG_GET_FD_BY_ID: {
    id: 13,
    since: '4.13',
    arm: 'get_id',
    returns: 'fd',
    fields: { prog_id: u32, open_flags: u32, fd_by_id_token_fd: s32 },
  },
  MAP_GET_FD_BY_ID: {
    id: 14,
    since: '4.13',
    arm: 'get_id',
    returns: 'fd',
    fields: { map_id: u32, open_flags: u32, fd_by_id_token_fd: s32 },
  },
  OBJ_GET_INFO_BY_FD: {
    id: 15,
    since: '4.13',
    arm: 'info',
    returns: 'zero',
    fields: { bpf_fd: u32, info: { kind: 'info', dir: 'inout', path: '', count: 'info_len' } },
  },
  PROG_QUERY: {
    id: 16,
    since: '4.15',
    arm: 'query',
    returns: 'zero',
    fields: {
      target_fd: u32,
      attach_type: u32,
      query_flags: u32,
      attach_flags: outU32,
      prog_ids: room('prog_cnt', 4),
      prog_attach_flags: room(undefined, 4),
      link_ids: room(undefined, 4),
      link_attach_flags: room(undefined, 4),
      prog_cnt: outU32,
      revision: outU64,
    },
  },
  RAW_TRACEPOINT_OPEN: {
    id: 17,
    since: '4.17',
    arm: 'raw_tracepoint',
    returns: 'fd',
    fields: { name: cstr, prog_fd: u32, cookie: later('6.10', u64) },
  },
  BTF_LOAD: {
    id: 18,
    since: '4.18',
    arm: 'btf_load',
    returns: 'fd',
    fields: {
      btf: bytes('btf_size'),
      btf_log_level: u32,
      btf_log_buf: room('btf_log_size'),
      btf_flags: later('6.9', u32),
      btf_token_fd: later('6.9', s32),
      btf_log_true_size: outU32,
    },
  },
  BTF_GET_FD_BY_ID: {
    id: 19,
    since: '4.18',
    arm: 'get_id',
    returns: 'fd',
    fields: { btf_id: u32, open_flags: u32, fd_by_id_token_fd: s32 },
  },
  TASK_FD_QUERY: {
    id: 20,
    since: '4.18',
    arm: 'task_fd_query',
    returns: 'zero',
    fields: {
      pid: u32,
      fd: u32,
      flags: u32,
      buf: room('buf_len'),
      buf_len: outU32,
      prog_id: outU32,
      fd_type: outU32,
      probe_offset: outU64,
      probe_addr: outU64,
    },
  },
  MAP_LOOKUP_AND_DELETE_ELEM: {
    id: 21,
    since: '4.20',
    arm: 'map_elem',
    returns: 'zero',
    fields: { ...elem, value: room(), flags: u64 },
  },
  MAP_FREEZE: { id: 22, since: '5.2', arm: 'map_elem', returns: 'zero', fields: { map_fd: u32 } },
  BTF_GET_NEXT_ID: { id: 23, since: '5.4', arm: 'get_id', returns: 'zero', fields: nextId },
  MAP_LOOKUP_BATCH: { id: 24, since: '5.6', arm: 'batch', returns: 'zero', fields: batchRead },
  MAP_LOOKUP_AND_DELETE_BATCH: { id: 25, since: '5.6', arm: 'batch', returns: 'zero', fields: batchRead },
  MAP_UPDATE_BATCH: {
    id: 26,
    since: '5.6',
    arm: 'batch',
    returns: 'zero',
    fields: { ...batch, keys: bytes(), values: bytes() },
  },
  MAP_DELETE_BATCH: { id: 27, since: '5.6', arm: 'batch', returns: 'zero', fields: { ...batch, keys: bytes() } },
  LINK_CREATE: {
    id: 28,
    since: '5.7',
    arm: 'link_create',
    returns: 'fd',
    fields: {
      /** The program, or the map of a struct_ops link. */
      prog_fd: u32,
      /** The target's descriptor, or an interface index. */
      target_fd: u32,
      attach_type: u32,
      flags: u32,
      target_btf_id: later('5.13', u32),
      iter_info: later('5.9', bytes('iter_info_len')),
      perf_event_cookie: later('5.15', at('perf_event.bpf_cookie', u64)),
      kprobe_multi_flags: later('5.18', at('kprobe_multi.flags', u32)),
      kprobe_multi_cnt: later('5.18', at('kprobe_multi.cnt', u32)),
      kprobe_multi_syms: later('5.18', at('kprobe_multi.syms', cstrs)),
      kprobe_multi_addrs: later('5.18', at('kprobe_multi.addrs', bytes())),
      kprobe_multi_cookies: later('5.18', at('kprobe_multi.cookies', bytes())),
      tracing_target_btf_id: later('5.19', at('tracing.target_btf_id', u32)),
      tracing_cookie: later('5.19', at('tracing.cookie', u64)),
      netfilter_pf: later('6.4', at('netfilter.pf', u32)),
      netfilter_hooknum: later('6.4', at('netfilter.hooknum', u32)),
      netfilter_priority: later('6.4', at('netfilter.priority', s32)),
      netfilter_flags: later('6.4', at('netfilter.flags', u32)),
      tcx_relative_fd: later('6.6', at('tcx.relative_fd', u32)),
      tcx_expected_revision: later('6.6', at('tcx.expected_revision', u64)),
      netkit_relative_fd: later('6.7', at('netkit.relative_fd', u32)),
      netkit_expected_revision: later('6.7', at('netkit.expected_revision', u64)),
      cgroup_relative_fd: later('6.16', at('cgroup.relative_fd', u32)),
      cgroup_expected_revision: later('6.16', at('cgroup.expected_revision', u64)),
      uprobe_multi_path: later('6.6', at('uprobe_multi.path', cstr)),
      uprobe_multi_offsets: later('6.6', at('uprobe_multi.offsets', bytes())),
      uprobe_multi_ref_ctr_offsets: later('6.6', at('uprobe_multi.ref_ctr_offsets', bytes())),
      uprobe_multi_cookies: later('6.6', at('uprobe_multi.cookies', bytes())),
      uprobe_multi_cnt: later('6.6', at('uprobe_multi.cnt', u32)),
      uprobe_multi_flags: later('6.6', at('uprobe_multi.flags', u32)),
      uprobe_multi_pid: later('6.6', at('uprobe_multi.pid', u32)),
    },
  },
  LINK_UPDATE: {
    id: 29,
    since: '5.7',
    arm: 'link_update',
    returns: 'zero',
    fields: { link_fd: u32, new_prog_fd: u32, flags: u32, old_prog_fd: u32 },
  },
  LINK_GET_FD_BY_ID: {
    id: 30,
    since: '5.8',
    arm: 'get_id',
    returns: 'fd',
    fields: { link_id: u32, open_flags: u32, fd_by_id_token_fd: s32 },
  },
  LINK_GET_NEXT_ID: { id: 31, since: '5.8', arm: 'get_id', returns: 'zero', fields: nextId },
  ENABLE_STATS: { id: 32, since: '5.8', arm: 'enable_stats', returns: 'fd', fields: { type: u32 } },
  ITER_CREATE: { id: 33, since: '5.8', arm: 'iter_create', returns: 'fd', fields: { link_fd: u32, flags: u32 } },
  LINK_DETACH: { id: 34, since: '5.9', arm: 'link_detach', returns: 'zero', fields: { link_fd: u32 } },
  PROG_BIND_MAP: {
    id: 35,
    since: '5.10',
    arm: 'prog_bind_map',
    returns: 'zero',
    fields: { prog_fd: u32, map_fd: u32, flags: u32 },
  },
  TOKEN_CREATE: { id: 36, since: '6.9', arm: 'token_create', returns: 'fd', fields: { flags: u32, bpffs_fd: u32 } },
  PROG_STREAM_READ_BY_FD: {
    id: 37,
    since: '6.17',
    arm: 'prog_stream_read',
    returns: 'number',
    fields: { stream_buf: room('stream_buf_len'), stream_id: u32, prog_fd: u32 },
  },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof COMMANDS;
type Fields<C extends CommandName> = (typeof COMMANDS)[C]['fields'];

type Given<F> = F extends { kind: 'u64' }
  ? bigint | number
  : F extends { kind: 'name' | 'cstr' }
    ? string
    : F extends { kind: 'cstrs' }
      ? readonly string[]
      : F extends { kind: 'bytes' }
        ? Uint8Array
        : F extends { kind: 'info' }
          ? import('./infos.ts').InfoRequest
          : number; // u32, s32, and for `room` the number of bytes
type Answered<F> = F extends { kind: 'u64' }
  ? bigint
  : F extends { kind: 'room' }
    ? Uint8Array
    : F extends { kind: 'info' }
      ? import('./infos.ts').Info
      : number;

/** What a caller gives for command C. What is left out is zero, or a NULL pointer. */
export type Attr<C extends CommandName> = {
  -readonly [K in keyof Fields<C> as Fields<C>[K] extends { kind: 'room' }
    ? K
    : Fields<C>[K] extends { dir: 'out' }
      ? never
      : K]?: Given<Fields<C>[K]>;
};

/** What a successful command C answers: the system call's value, and everything the kernel wrote. */
export type Result<C extends CommandName> = { ret: number } & {
  -readonly [K in keyof Fields<C> as Fields<C>[K] extends { dir: 'out' | 'inout' } ? K : never]: Answered<Fields<C>[K]>;
};

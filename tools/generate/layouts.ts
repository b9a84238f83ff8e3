/** src/uapi/generated/layouts.ts: where the fields of the ABI's structures lie. */
import { type Btf, type BtfType, resolve, sizeOf } from '../../src/btf/index.ts';
import { generatedHead } from './head.ts';

/**
 * Arms of `union bpf_attr` that the header leaves without a name, and a field that only that arm has. Other arms are
 * named members of the union.
 */
const UNNAMED_ARMS: Readonly<Record<string, string>> = {
  map_create: 'map_type',
  map_elem: 'map_fd',
  prog_load: 'prog_type',
  obj: 'pathname',
  prog_attach: 'attach_bpf_fd',
  get_id: 'next_id',
  btf_load: 'btf_log_buf',
};

/** Structures whose layout the project reads or writes. Those of the reference kernel's own are in its BTF instead. */
const STRUCTS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ['what OBJ_GET_INFO_BY_FD answers', ['bpf_prog_info', 'bpf_map_info', 'bpf_btf_info', 'bpf_link_info']],
  [
    'contexts of programs, and what they point to',
    [
      '__sk_buff',
      'xdp_md',
      'bpf_sock_addr',
      'bpf_sock',
      'bpf_tcp_sock',
      'bpf_sock_ops',
      'bpf_sk_lookup',
      'sk_msg_md',
      'sk_reuseport_md',
      'bpf_sysctl',
      'bpf_sockopt',
      'bpf_cgroup_dev_ctx',
      'bpf_perf_event_data',
      'bpf_raw_tracepoint_args',
      'bpf_flow_keys',
      'bpf_nf_ctx',
      'pt_regs',
    ],
  ],
  ['records of BTF.ext', ['bpf_func_info', 'bpf_line_info', 'bpf_core_relo']],
  [
    'arguments of helpers',
    [
      'bpf_sock_tuple',
      'bpf_fib_lookup',
      'bpf_tunnel_key',
      'bpf_xfrm_state',
      'bpf_redir_neigh',
      'bpf_perf_event_value',
      'bpf_pidns_info',
      'bpf_stack_build_id',
      'btf_ptr',
      'perf_branch_entry',
    ],
  ],
  [
    'what programs keep in map values and on the stack',
    [
      'bpf_spin_lock',
      'bpf_timer',
      'bpf_wq',
      'bpf_task_work',
      'bpf_dynptr',
      'bpf_list_head',
      'bpf_list_node',
      'bpf_rb_root',
      'bpf_rb_node',
      'bpf_refcount',
      'bpf_res_spin_lock',
      'bpf_iter_num',
    ],
  ],
  ['keys and values of maps', ['bpf_lpm_trie_key_hdr', 'bpf_cgroup_storage_key', 'bpf_devmap_val', 'bpf_cpumap_val']],
  ['perf events', ['perf_event_attr', 'perf_event_header', 'perf_event_mmap_page']],
];

interface FieldLayout {
  offset: number;
  size: number;
  count?: number;
  bitOffset?: number;
  bits?: number;
}

export function generateLayouts(btf: Btf): string {
  let text = generatedHead('where the fields of the structures of the eBPF ABI lie');
  text += `
/**
 * A field: bytes from the start of its structure, and bytes it takes. Of an array, \`count\` elements of
 * \`size / count\` bytes. Of a bit-field, \`bits\` bits from bit \`bitOffset\` of the \`size\` bytes at \`offset\`.
 */
export interface FieldLayout {
  readonly offset: number;
  readonly size: number;
  readonly count?: number;
  readonly bitOffset?: number;
  readonly bits?: number;
}

/** Fields of nested structures have dotted names; those of unnamed ones belong to what contains them. */
export interface Layout {
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldLayout>>;
}

/** The arms of \`union bpf_attr\`, by the names of \`arm\` in uapi/commands.ts. */
export const ATTR_LAYOUTS = {
`;
  const attr = typeNamed(btf, 'bpf_attr', 'union');
  text += `  /** The whole union. */\n  any: { size: ${attr.size}, fields: {} },\n`;
  for (const [arm, type] of armsOf(btf, attr)) text += layoutText(arm, layoutOf(btf, type));
  text += '} as const satisfies Record<string, Layout>;\n\n/** Structures by name. */\nexport const LAYOUTS = {\n';
  for (const [title, names] of STRUCTS) {
    text += `  // ${title}\n`;
    for (const name of names) {
      const type = typeNamed(btf, name, 'struct');
      text += layoutText(name, layoutOf(btf, type));
    }
  }
  return `${text}} as const satisfies Record<string, Layout>;\n`;
}

type Aggregate = Extract<BtfType, { kind: 'struct' | 'union' }>;

function typeNamed(btf: Btf, name: string, kind: 'struct' | 'union'): Aggregate {
  const type = btf.type(btf.find(name, kind));
  if (type?.kind !== kind) throw new Error(`the BTF has no ${kind} ${name}`);
  return type;
}

function armsOf(btf: Btf, attr: Aggregate): [string, Aggregate][] {
  return attr.members.map((member) => {
    const type = resolve(btf, member.type);
    if (type.kind !== 'struct') throw new Error('an arm of bpf_attr is no struct');
    if (member.name !== '') return [member.name, type];
    const fields = layoutOf(btf, type).fields;
    const arm = Object.entries(UNNAMED_ARMS).find(([, field]) => fields.has(field))?.[0];
    if (arm === undefined) throw new Error(`an arm of bpf_attr without a name has the fields ${[...fields.keys()]}`);
    return [arm, type];
  });
}

function layoutOf(btf: Btf, type: Aggregate): { size: number; fields: Map<string, FieldLayout> } {
  const fields = new Map<string, FieldLayout>();
  collect(btf, type, '', 0, fields);
  return { size: type.size, fields };
}

function collect(btf: Btf, type: Aggregate, prefix: string, base: number, fields: Map<string, FieldLayout>): void {
  for (const member of type.members) {
    const inner = resolve(btf, member.type);
    const at = base + member.bitOffset;
    if (member.name !== '') fields.set(prefix + member.name, fieldOf(btf, member, inner, at));
    if (inner.kind === 'struct' || inner.kind === 'union') {
      collect(btf, inner, member.name === '' ? prefix : `${prefix}${member.name}.`, at, fields);
    }
  }
}

function fieldOf(btf: Btf, member: Aggregate['members'][number], type: BtfType, bitsFromStart: number): FieldLayout {
  const size = sizeOf(btf, member.type);
  if (member.bitfieldSize !== 0) {
    const offset = Math.floor(bitsFromStart / (size * 8)) * size;
    return { offset, size, bitOffset: bitsFromStart - offset * 8, bits: member.bitfieldSize };
  }
  const field: FieldLayout = { offset: bitsFromStart / 8, size };
  if (type.kind === 'array') field.count = elements(btf, type);
  return field;
}

/** Elements of an array of arrays too. */
function elements(btf: Btf, array: Extract<BtfType, { kind: 'array' }>): number {
  const inner = resolve(btf, array.type);
  return inner.kind === 'array' ? array.count * elements(btf, inner) : array.count;
}

function layoutText(name: string, layout: { size: number; fields: Map<string, FieldLayout> }): string {
  let text = `  ${name}: {\n    size: ${layout.size},\n    fields: {\n`;
  for (const [field, f] of layout.fields) {
    const key = /^\w+$/.test(field) ? field : `'${field}'`;
    const parts = Object.entries(f).map(([k, v]) => `${k}: ${v}`);
    text += `      ${key}: { ${parts.join(', ')} },\n`;
  }
  return `${text}    },\n  },\n`;
}

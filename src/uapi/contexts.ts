/**
 * Contexts: the structures that programs get in r1, field by field, with what a field gives that is more than a number.
 *
 * Where the fields lie comes from the BTF. What their loads give was read from the level-2 log of Linux 6.18, which
 * loaded every field in every program type. Which program type may read or write which field is the verifier's to say.
 */
import { type FieldLayout, LAYOUTS } from './generated/layouts.ts';
import { PROG_TYPES } from './prog-types.ts';

/** What the load of a field gives: the register types of the verifier's log. `trusted_btf_id` names a structure. */
export type ContextPointer =
  | 'pkt'
  | 'pkt_end'
  | 'pkt_meta'
  | 'flow_keys'
  | 'sock'
  | 'sock_or_null'
  | 'sock_common_or_null'
  | `trusted_btf_id:${string}`;

const packet = { data: 'pkt', data_end: 'pkt_end' } as const;

/** Fields that give pointers; 4 bytes wide where the field is, and 8 in a register. */
const POINTERS: Readonly<Record<string, Readonly<Record<string, ContextPointer>>>> = {
  __sk_buff: { ...packet, data_meta: 'pkt_meta', flow_keys: 'flow_keys', sk: 'sock_common_or_null' },
  xdp_md: { ...packet, data_meta: 'pkt_meta' },
  bpf_sock_ops: { sk: 'sock_or_null', skb_data: 'pkt', skb_data_end: 'pkt_end' },
  sk_msg_md: { ...packet, sk: 'sock' },
  sk_reuseport_md: { ...packet, sk: 'sock', migrating_sk: 'sock_common_or_null' },
  bpf_sock_addr: { sk: 'sock' },
  bpf_sockopt: { sk: 'sock', optval: 'pkt', optval_end: 'pkt_end' },
  bpf_sk_lookup: { sk: 'sock_or_null' },
  bpf_nf_ctx: { state: 'trusted_btf_id:nf_hook_state', skb: 'trusted_btf_id:sk_buff' },
};

export interface ContextField extends FieldLayout {
  readonly name: string;
  /** Absent for numbers and arrays of numbers. */
  readonly pointer?: ContextPointer;
}

export interface Context {
  /** The structure, as the header calls it. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** In order of their offsets. */
  readonly fields: readonly ContextField[];
}

/** The context of each program type that has a structure for one, by BPF_PROG_TYPE_*. */
export const CONTEXTS: ReadonlyMap<number, Context> = contexts();

function contexts(): Map<number, Context> {
  const out = new Map<number, Context>();
  for (const row of Object.values(PROG_TYPES)) {
    if (row.context === '') continue;
    const { size, fields } = LAYOUTS[row.context];
    const pointers = POINTERS[row.context] ?? {};
    const list = Object.entries(fields as Readonly<Record<string, FieldLayout>>).map(([name, field]): ContextField => {
      const pointer = pointers[name];
      return pointer === undefined ? { name, ...field } : { name, ...field, pointer };
    });
    out.set(row.id, { name: row.context, size, fields: list.sort((a, b) => a.offset - b.offset) });
  }
  return out;
}

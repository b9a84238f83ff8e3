/**
 * Which types of registers each kind of argument takes. Order is that of the message that lists them.
 */
import type { ArgKind } from '../../../uapi/helper-kinds.ts';
import {
  ALLOC,
  BTF_PTR,
  BUF,
  DYNPTR,
  FUNC,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MEM,
  PERCPU,
  PKT,
  PKT_META,
  PTR_CTX,
  PTR_STACK,
  RCU,
  RINGBUF,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  TRUSTED,
  XDP_SOCK,
} from '../../state/types.ts';

const MEMORY = [PTR_STACK, PKT, PKT_META, MAP_KEY, MAP_VALUE, MEM, MEM | RINGBUF, BUF, BTF_PTR | TRUSTED];
const SOCKS = [SOCK_COMMON, SOCKET, TCP_SOCK, XDP_SOCK];
const BTF = [BTF_PTR, BTF_PTR | TRUSTED, BTF_PTR | RCU];

/** The kind without its parameter: `fixed_mem:20` is `fixed_mem`. */
export type BareKind = ArgKind extends infer K ? (K extends `${infer B}:${string}` ? B : K) : never;

export const bareKind = (kind: ArgKind): BareKind => {
  const at = kind.indexOf(':');
  return (at < 0 ? kind : kind.slice(0, at)) as BareKind;
};

/** What follows the colon. */
export const kindParameter = (kind: ArgKind): string => kind.slice(kind.indexOf(':') + 1);

export interface KindFacts {
  readonly types: readonly number[];
  readonly orNull?: true;
  /** Read-only pointers are taken, too. */
  readonly readOnly?: true;
  readonly writes?: true;
  /** Written without being read. */
  readonly uninit?: true;
  readonly releases?: true;
}

export const KINDS: Record<BareKind, KindFacts> = {
  anything: { types: [] },
  ctx: { types: [PTR_CTX] },
  ctx_or_null: { types: [PTR_CTX], orNull: true },
  const_map_ptr: { types: [MAP_PTR] },
  map_key: { types: MEMORY },
  map_value: { types: MEMORY },
  uninit_map_value: { types: MEMORY, writes: true, uninit: true },
  map_value_or_null: { types: MEMORY, orNull: true },
  mem: { types: MEMORY, readOnly: true },
  mem_or_null: { types: MEMORY, readOnly: true, orNull: true },
  write_mem: { types: MEMORY, writes: true },
  write_mem_or_null: { types: MEMORY, writes: true, orNull: true },
  uninit_mem: { types: MEMORY, writes: true, uninit: true },
  fixed_mem: { types: MEMORY, readOnly: true },
  write_fixed_mem: { types: MEMORY, writes: true },
  uninit_fixed_mem: { types: MEMORY, writes: true, uninit: true },
  const_size: { types: [SCALAR] },
  const_size_or_zero: { types: [SCALAR] },
  const_alloc_size_or_zero: { types: [SCALAR] },
  const_str: { types: [MAP_VALUE] },
  func: { types: [FUNC] },
  stack_or_null: { types: [PTR_STACK], orNull: true },
  spin_lock: { types: [MAP_VALUE, BTF_PTR | ALLOC] },
  timer: { types: [MAP_VALUE] },
  kptr_xchg_dest: { types: [MAP_VALUE, BTF_PTR | ALLOC] },
  kptr_or_null_release: { types: BTF, orNull: true, releases: true },
  sock_common: { types: SOCKS },
  socket_or_null: { types: [SOCKET], orNull: true },
  btf_id_sock_common: { types: [...SOCKS, BTF_PTR, BTF_PTR | TRUSTED] },
  btf_id_sock_common_or_null: { types: [...SOCKS, BTF_PTR, BTF_PTR | TRUSTED], orNull: true },
  btf_id_sock_common_release: { types: [...SOCKS, BTF_PTR, BTF_PTR | TRUSTED], releases: true },
  btf_id: { types: BTF },
  btf_id_or_null: { types: BTF, orNull: true },
  percpu_btf_id: { types: [BTF_PTR | PERCPU, BTF_PTR | PERCPU | RCU, BTF_PTR | PERCPU | TRUSTED] },
  ringbuf_mem_release: { types: [MEM | RINGBUF], releases: true },
  const_dynptr: { types: [PTR_STACK, DYNPTR] },
  uninit_dynptr: { types: [PTR_STACK, DYNPTR], uninit: true },
  dynptr_release: { types: [PTR_STACK, DYNPTR], releases: true },
};

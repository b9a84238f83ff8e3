/**
 * What a register can hold: a base type, and flags above bit 8 that refine it.
 */
export const NOT_INIT = 0;
export const SCALAR = 1;
export const PTR_CTX = 2;
export const MAP_PTR = 3;
export const MAP_VALUE = 4;
export const MAP_KEY = 5;
export const PTR_STACK = 6;
export const PKT_META = 7;
export const PKT = 8;
export const PKT_END = 9;
export const FLOW_KEYS = 10;
export const SOCKET = 11;
export const SOCK_COMMON = 12;
export const TCP_SOCK = 13;
export const TP_BUFFER = 14;
export const XDP_SOCK = 15;
export const BTF_PTR = 16;
export const MEM = 17;
export const ARENA = 18;
export const BUF = 19;
export const FUNC = 20;
export const DYNPTR = 21;

export const BASE_MASK = 0xff;
export const MAYBE_NULL = 1 << 8;
export const RDONLY = 1 << 9;
export const RINGBUF = 1 << 10;
export const USER = 1 << 11;
export const PERCPU = 1 << 12;
export const UNTRUSTED = 1 << 13;
export const TRUSTED = 1 << 14;
export const RCU = 1 << 15;
/** Memory that bpf_obj_new gave. */
export const ALLOC = 1 << 16;
export const NON_OWN_REF = 1 << 17;
/** A slice of packet data behind a dynptr: gone when the packet may have moved. */
export const PKT_SLICE = 1 << 18;

export type BaseType =
  | 0
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  | 10
  | 11
  | 12
  | 13
  | 14
  | 15
  | 16
  | 17
  | 18
  | 19
  | 20
  | 21;

export const base = (type: number): BaseType => (type & BASE_MASK) as BaseType;
/** Packet pointers whose distance to the end is tracked. */
export const isPacket = (type: number): boolean => {
  const b = type & BASE_MASK;
  return b === PKT || b === PKT_META;
};

export const isSockType = (type: number): boolean =>
  type === SOCKET || type === SOCK_COMMON || type === TCP_SOCK || type === XDP_SOCK;

const NAMES: Record<BaseType, string> = {
  [NOT_INIT]: '?',
  [SCALAR]: 'scalar',
  [PTR_CTX]: 'ctx',
  [MAP_PTR]: 'map_ptr',
  [MAP_VALUE]: 'map_value',
  [MAP_KEY]: 'map_key',
  [PTR_STACK]: 'fp',
  [PKT_META]: 'pkt_meta',
  [PKT]: 'pkt',
  [PKT_END]: 'pkt_end',
  [FLOW_KEYS]: 'flow_keys',
  [SOCKET]: 'sock',
  [SOCK_COMMON]: 'sock_common',
  [TCP_SOCK]: 'tcp_sock',
  [TP_BUFFER]: 'tp_buffer',
  [XDP_SOCK]: 'xdp_sock',
  [BTF_PTR]: 'ptr_',
  [MEM]: 'mem',
  [ARENA]: 'arena',
  [BUF]: 'buf',
  [FUNC]: 'func',
  [DYNPTR]: 'dynptr_ptr',
};

/** The name that messages give a type: `rdonly_mem_or_null`. */
export function typeName(type: number): string {
  let prefix = '';
  if (type & RDONLY) prefix += 'rdonly_';
  if (type & RINGBUF) prefix += 'ringbuf_';
  if (type & USER) prefix += 'user_';
  if (type & PERCPU) prefix += 'percpu_';
  if (type & UNTRUSTED) prefix += 'untrusted_';
  if (type & TRUSTED) prefix += 'trusted_';
  if (type & RCU) prefix += 'rcu_';
  const b = base(type);
  const postfix = type & MAYBE_NULL ? (b === BTF_PTR ? 'or_null_' : '_or_null') : '';
  return prefix + NAMES[b] + postfix;
}

/** What a byte of the stack holds. */
export const SLOT_INVALID = 0;
export const SLOT_SPILL = 1;
export const SLOT_MISC = 2;
export const SLOT_ZERO = 3;
export const SLOT_DYNPTR = 4;
export const SLOT_ITER = 5;
export const SLOT_IRQ = 6;

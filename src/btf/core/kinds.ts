/** What a relocation asks: bpf_core_relo_kind of include/uapi/linux/bpf.h. */
export const CORE_FIELD_BYTE_OFFSET = 0;
export const CORE_FIELD_BYTE_SIZE = 1;
export const CORE_FIELD_EXISTS = 2;
export const CORE_FIELD_SIGNED = 3;
export const CORE_FIELD_LSHIFT_U64 = 4;
export const CORE_FIELD_RSHIFT_U64 = 5;
export const CORE_TYPE_ID_LOCAL = 6;
export const CORE_TYPE_ID_TARGET = 7;
export const CORE_TYPE_EXISTS = 8;
export const CORE_TYPE_SIZE = 9;
export const CORE_ENUMVAL_EXISTS = 10;
export const CORE_ENUMVAL_VALUE = 11;
export const CORE_TYPE_MATCHES = 12;

/** As libbpf's log names them, by number. */
export const CORE_KIND_NAMES: readonly string[] = [
  'byte_off',
  'byte_sz',
  'field_exists',
  'signed',
  'lshift_u64',
  'rshift_u64',
  'local_type_id',
  'target_type_id',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
];

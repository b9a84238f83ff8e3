/**
 * The kinds of BTF: number, name, and how many bytes follow the 12-byte header of a type.
 *
 * Format: Documentation/bpf/btf.rst, include/uapi/linux/btf.h (Linux 6.18).
 */
import {
  BTF_KIND_ARRAY,
  BTF_KIND_CONST,
  BTF_KIND_DATASEC,
  BTF_KIND_DECL_TAG,
  BTF_KIND_ENUM,
  BTF_KIND_ENUM64,
  BTF_KIND_FLOAT,
  BTF_KIND_FUNC,
  BTF_KIND_FUNC_PROTO,
  BTF_KIND_FWD,
  BTF_KIND_INT,
  BTF_KIND_MAX,
  BTF_KIND_PTR,
  BTF_KIND_RESTRICT,
  BTF_KIND_STRUCT,
  BTF_KIND_TYPE_TAG,
  BTF_KIND_TYPEDEF,
  BTF_KIND_UNION,
  BTF_KIND_VAR,
  BTF_KIND_VOLATILE,
} from '../uapi/generated/constants.ts';
import type { BtfKind } from './btf.ts';

export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;
/** Bytes of the header that every version has. */
export const HEADER_SIZE = 24;
/** name_off, info, size or type. */
export const TYPE_SIZE = 12;

/** Most types that the kernel takes, base included; ids go to this number. */
export const MAX_TYPE_ID = 0x000f_ffff;
/** Longest string section that the kernel takes. */
export const MAX_NAME_OFFSET = 0x00ff_ffff;

/** BTF_INT_* bits of an int's encoding. */
export const INT_SIGNED = 1;
export const INT_CHAR = 2;
export const INT_BOOL = 4;

interface KindRow {
  readonly number: number;
  /** As bpftool and the kernel's log spell it. */
  readonly label: string;
  /** Bytes after the header, and bytes for each of the `vlen` entries. */
  readonly fixed: number;
  readonly perEntry: number;
}

export const KINDS: Record<Exclude<BtfKind, 'void'>, KindRow> = {
  int: { number: BTF_KIND_INT, label: 'INT', fixed: 4, perEntry: 0 },
  ptr: { number: BTF_KIND_PTR, label: 'PTR', fixed: 0, perEntry: 0 },
  array: { number: BTF_KIND_ARRAY, label: 'ARRAY', fixed: 12, perEntry: 0 },
  struct: { number: BTF_KIND_STRUCT, label: 'STRUCT', fixed: 0, perEntry: 12 },
  union: { number: BTF_KIND_UNION, label: 'UNION', fixed: 0, perEntry: 12 },
  enum: { number: BTF_KIND_ENUM, label: 'ENUM', fixed: 0, perEntry: 8 },
  fwd: { number: BTF_KIND_FWD, label: 'FWD', fixed: 0, perEntry: 0 },
  typedef: { number: BTF_KIND_TYPEDEF, label: 'TYPEDEF', fixed: 0, perEntry: 0 },
  volatile: { number: BTF_KIND_VOLATILE, label: 'VOLATILE', fixed: 0, perEntry: 0 },
  const: { number: BTF_KIND_CONST, label: 'CONST', fixed: 0, perEntry: 0 },
  restrict: { number: BTF_KIND_RESTRICT, label: 'RESTRICT', fixed: 0, perEntry: 0 },
  func: { number: BTF_KIND_FUNC, label: 'FUNC', fixed: 0, perEntry: 0 },
  func_proto: { number: BTF_KIND_FUNC_PROTO, label: 'FUNC_PROTO', fixed: 0, perEntry: 8 },
  var: { number: BTF_KIND_VAR, label: 'VAR', fixed: 4, perEntry: 0 },
  datasec: { number: BTF_KIND_DATASEC, label: 'DATASEC', fixed: 0, perEntry: 12 },
  float: { number: BTF_KIND_FLOAT, label: 'FLOAT', fixed: 0, perEntry: 0 },
  decl_tag: { number: BTF_KIND_DECL_TAG, label: 'DECL_TAG', fixed: 4, perEntry: 0 },
  type_tag: { number: BTF_KIND_TYPE_TAG, label: 'TYPE_TAG', fixed: 0, perEntry: 0 },
  enum64: { number: BTF_KIND_ENUM64, label: 'ENUM64', fixed: 0, perEntry: 12 },
};

const NAMES = Object.keys(KINDS) as Exclude<BtfKind, 'void'>[];

/** Kind by number; index 0 is void. */
export const KIND_BY_NUMBER: readonly BtfKind[] = Array.from(
  { length: BTF_KIND_MAX + 1 },
  (_, n): BtfKind => NAMES.find((name) => KINDS[name].number === n) ?? 'void',
);

/** Bytes after the header by kind number, for the reader's first pass. */
export const FIXED_BYTES: readonly number[] = KIND_BY_NUMBER.map((k) => (k === 'void' ? 0 : KINDS[k].fixed));
export const ENTRY_BYTES: readonly number[] = KIND_BY_NUMBER.map((k) => (k === 'void' ? 0 : KINDS[k].perEntry));

/** `STRUCT`, `PTR`…; `UNKN` for void, as bpftool says. */
export function kindLabel(kind: BtfKind): string {
  return kind === 'void' ? 'UNKN' : KINDS[kind].label;
}

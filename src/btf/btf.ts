/**
 * BTF as values: one object per type, by id.
 *
 * Format: Documentation/bpf/btf.rst and include/uapi/linux/btf.h (Linux 6.18). Type ids count from 1; 0 is void.
 */

export interface Btf {
  /** Type of an id, or undefined past the end; id 0 is `{ kind: 'void' }`. */
  type(id: number): BtfType | undefined;
  /** Ids are 0 … count - 1. */
  readonly count: number;
  /** First id of `name` with one of `kinds`, or 0. */
  find(name: string, ...kinds: BtfKind[]): number;
  /** All ids of a name. */
  findAll(name: string): readonly number[];
  /** Ids of the types whose name is `name` with a flavour (`name___x`); CO-RE asks. */
  findFlavours?(name: string): readonly number[];
  /** Ids of all declaration tags. */
  declTags(): readonly number[];
  /** A string of the string section, '' for 0. */
  string(off: number): string;
  /** The bytes it was read from. */
  readonly bytes: Uint8Array;
  /** Split BTF: what it continues. */
  readonly base?: Btf | undefined;
  /** Where the strings of BTF split from this one begin: bytes of our strings and the base's. */
  readonly stringsEnd?: number;
}

export type BtfKind = BtfType['kind'];

export interface BtfMember {
  name: string;
  type: number;
  /** Offset in bits from the start of the structure. */
  bitOffset: number;
  /** Bits of a bit-field, 0 for an ordinary member. */
  bitfieldSize: number;
}

/** `name` is '' for anonymous types. Sizes are bytes. */
export type BtfType =
  | { kind: 'void'; name: '' }
  | {
      kind: 'int';
      name: string;
      size: number;
      bits: number;
      bitOffset: number;
      signed: boolean;
      char: boolean;
      bool: boolean;
    }
  | { kind: 'ptr'; name: ''; type: number }
  | { kind: 'array'; name: ''; type: number; indexType: number; count: number }
  | { kind: 'struct' | 'union'; name: string; size: number; members: BtfMember[]; kindFlag: boolean }
  | { kind: 'enum'; name: string; size: number; signed: boolean; values: { name: string; value: number }[] }
  | { kind: 'enum64'; name: string; size: number; signed: boolean; values: { name: string; value: bigint }[] }
  | { kind: 'fwd'; name: string; isUnion: boolean }
  | { kind: 'typedef'; name: string; type: number }
  | { kind: 'volatile' | 'const' | 'restrict'; name: ''; type: number }
  | { kind: 'type_tag'; name: string; type: number; kindFlag: boolean }
  | { kind: 'func'; name: string; type: number; linkage: number }
  | { kind: 'func_proto'; name: ''; ret: number; params: { name: string; type: number }[] }
  | { kind: 'var'; name: string; type: number; linkage: number }
  | { kind: 'datasec'; name: string; size: number; vars: { type: number; offset: number; size: number }[] }
  | { kind: 'float'; name: string; size: number }
  | { kind: 'decl_tag'; name: string; type: number; component: number; kindFlag: boolean };

/** One type of the type section as a value. The section around it has been checked. */
import type { BtfType } from './btf.ts';
import { INT_BOOL, INT_CHAR, INT_SIGNED, KIND_BY_NUMBER, TYPE_SIZE } from './kinds.ts';

export const VOID: BtfType = { kind: 'void', name: '' };

/** The kind in a type's info word. */
export function kindNumber(info: number): number {
  return (info >>> 24) & 0x1f;
}

/** The type at byte `at`. `string` gives names by their offset. */
export function readType(dv: DataView, at: number, string: (off: number) => string): BtfType {
  const u32 = (off: number) => dv.getUint32(off, true);
  const info = u32(at + 4);
  const kind = KIND_BY_NUMBER[kindNumber(info)]!;
  const kindFlag = info >>> 31 === 1;
  const vlen = info & 0xffff;
  const sizeOrType = u32(at + 8);
  const name = string(u32(at));
  const more = at + TYPE_SIZE;
  const entries = <T>(size: number, read: (off: number) => T): T[] =>
    Array.from({ length: vlen }, (_, i) => read(more + i * size));
  switch (kind) {
    case 'int': {
      const word = u32(more);
      const encoding = word >>> 24;
      return {
        kind,
        name,
        size: sizeOrType,
        bits: word & 0xff,
        bitOffset: (word >>> 16) & 0xff,
        signed: (encoding & INT_SIGNED) !== 0,
        char: (encoding & INT_CHAR) !== 0,
        bool: (encoding & INT_BOOL) !== 0,
      };
    }
    case 'array':
      return { kind, name: '', type: u32(more), indexType: u32(more + 4), count: u32(more + 8) };
    case 'struct':
    case 'union':
      return {
        kind,
        name,
        size: sizeOrType,
        kindFlag,
        members: entries(12, (m) => {
          const offset = u32(m + 8);
          return {
            name: string(u32(m)),
            type: u32(m + 4),
            bitOffset: kindFlag ? offset & 0xff_ffff : offset,
            bitfieldSize: kindFlag ? offset >>> 24 : 0,
          };
        }),
      };
    case 'enum':
      return {
        kind,
        name,
        size: sizeOrType,
        signed: kindFlag,
        values: entries(8, (e) => ({
          name: string(u32(e)),
          value: kindFlag ? dv.getInt32(e + 4, true) : u32(e + 4),
        })),
      };
    case 'enum64':
      return {
        kind,
        name,
        size: sizeOrType,
        signed: kindFlag,
        values: entries(12, (e) => {
          const value = (BigInt(u32(e + 8)) << 32n) | BigInt(u32(e + 4));
          return { name: string(u32(e)), value: kindFlag ? BigInt.asIntN(64, value) : value };
        }),
      };
    case 'fwd':
      return { kind, name, isUnion: kindFlag };
    case 'typedef':
      return { kind, name, type: sizeOrType };
    case 'ptr':
    case 'volatile':
    case 'const':
    case 'restrict':
      return { kind, name: '', type: sizeOrType };
    case 'type_tag':
      return { kind, name, type: sizeOrType, kindFlag };
    case 'func':
      return { kind, name, type: sizeOrType, linkage: vlen };
    case 'func_proto':
      return {
        kind,
        name: '',
        ret: sizeOrType,
        params: entries(8, (p) => ({ name: string(u32(p)), type: u32(p + 4) })),
      };
    case 'var':
      return { kind, name, type: sizeOrType, linkage: u32(more) };
    case 'datasec':
      return {
        kind,
        name,
        size: sizeOrType,
        vars: entries(12, (v) => ({ type: u32(v), offset: u32(v + 4), size: u32(v + 8) })),
      };
    case 'float':
      return { kind, name, size: sizeOrType };
    case 'decl_tag':
      return { kind, name, type: sizeOrType, component: dv.getInt32(more, true), kindFlag };
    case 'void':
      return VOID;
  }
}

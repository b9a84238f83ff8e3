/** What the kernel asks of each type for itself, before it looks at what the type refers to. */
import { ENOTSUPP } from '../../base/errno.ts';
import type { BtfType } from '../btf.ts';
import { MAX_TYPE_ID } from '../kinds.ts';
import { basicFault, Finding, memberFault, sectionFault, typeFault } from './fault.ts';
import { EMPTY_NAME, INVALID_NAME, isIdentifier, isPrintableName } from './names.ts';

/** The words of a type that its value does not keep. */
export interface RawType {
  readonly id: number;
  readonly nameOff: number;
  /** What lies at nameOff, even for kinds that have no name. */
  readonly name: string;
  readonly vlen: number;
  readonly kindFlag: boolean;
  /** Third word. */
  readonly sizeOrType: number;
  /** First word after the header, 0 where the kind has none. */
  readonly extra: number;
  /** Name offsets of the entries, for kinds that have named ones. */
  readonly entryNames: readonly number[];
}

/** BTF_INT_MASK: the bits of an int's word that mean something. */
const INT_MASK = 0x0fff_ffff;
/** Bits of the widest integer. */
const MAX_BITS = 128;
const FUNC_GLOBAL = 1;
const VAR_GLOBAL = 1;

/** Throws a Finding for the first thing that is wrong. */
export function checkMeta(raw: RawType, t: BtfType): void {
  const fault = (what: string, errno?: number): Finding =>
    typeFault(raw.id, { ...t, name: raw.name } as BtfType, what, errno);
  const noEntries = () => {
    if (raw.vlen !== 0) throw fault('vlen != 0');
  };
  const noFlag = () => {
    if (raw.kindFlag) throw fault('Invalid btf_info kind_flag');
  };
  const noName = () => {
    if (raw.nameOff !== 0) throw fault('Invalid name');
  };
  const identifier = (isOptional: boolean) => {
    if (isOptional && raw.nameOff === 0) return;
    if (!isIdentifier(t.name)) throw fault('Invalid name');
  };

  switch (t.kind) {
    case 'int':
      noEntries();
      noFlag();
      if ((raw.extra & ~INT_MASK) !== 0) {
        throw basicFault(raw.id, t.kind, raw.name, `Invalid int_data:${(raw.extra >>> 0).toString(16)}`);
      }
      if (t.bits + t.bitOffset > MAX_BITS) throw fault(`nr_bits exceeds ${MAX_BITS}`);
      if (Math.ceil((t.bits + t.bitOffset) / 8) > t.size) throw fault('nr_bits exceeds type_size');
      if (Number(t.signed) + Number(t.char) + Number(t.bool) > 1 || raw.extra >>> 27 !== 0) {
        throw fault('Unsupported encoding', ENOTSUPP);
      }
      return;
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      noEntries();
      if (t.kind !== 'type_tag') noFlag();
      if (t.type > MAX_TYPE_ID) throw fault('Invalid type_id');
      if (t.kind === 'typedef') identifier(false);
      else if (t.kind !== 'type_tag') noName();
      else if (raw.name === '' || raw.name === EMPTY_NAME) throw fault('Invalid name');
      return;
    case 'array':
      noName();
      noEntries();
      noFlag();
      if (raw.sizeOrType !== 0) throw fault('size != 0');
      if (t.type === 0 || t.type > MAX_TYPE_ID) throw fault('Invalid elem');
      if (t.indexType === 0 || t.indexType > MAX_TYPE_ID) throw fault('Invalid index');
      return;
    case 'struct':
    case 'union':
      identifier(true);
      return checkMembers(raw, t);
    case 'enum':
    case 'enum64':
      if (t.size === 0 || t.size > 8 || (t.size & (t.size - 1)) !== 0) throw fault('Unexpected size');
      identifier(true);
      t.values.forEach((v, i) => {
        if (v.name === INVALID_NAME) throw new Finding(`\tInvalid name_offset:${raw.entryNames[i]}`);
        if (!isIdentifier(v.name)) throw fault('Invalid name');
      });
      return;
    case 'fwd':
      noEntries();
      if (raw.sizeOrType !== 0) throw fault('type != 0');
      identifier(false);
      return;
    case 'func':
      identifier(false);
      if (t.linkage > FUNC_GLOBAL) throw fault('Invalid func linkage');
      noFlag();
      return;
    case 'func_proto':
      noName();
      noFlag();
      return;
    case 'var':
      noEntries();
      noFlag();
      identifier(false);
      if (t.type === 0 || t.type > MAX_TYPE_ID) throw fault('Invalid type_id');
      if (t.linkage > VAR_GLOBAL) throw fault('Linkage not supported');
      return;
    case 'datasec':
      if (t.size === 0) throw fault('size == 0');
      noFlag();
      if (raw.nameOff === 0 || !isPrintableName(t.name)) throw fault('Invalid name');
      return checkSection(raw, t);
    case 'float':
      noEntries();
      noFlag();
      if (![2, 4, 8, 12, 16].includes(t.size)) throw fault('Invalid type_size');
      return;
    case 'decl_tag':
      if (raw.name === '' || raw.name === EMPTY_NAME) throw fault('Invalid value');
      noEntries();
      if (t.component < -1) throw fault('Invalid component_idx');
  }
}

function checkMembers(raw: RawType, t: Extract<BtfType, { kind: 'struct' | 'union' }>): void {
  let last = 0;
  t.members.forEach((m, i) => {
    if (m.name === INVALID_NAME) throw memberFault(t, m, `Invalid member name_offset:${raw.entryNames[i]}`);
    if (m.name !== '' && !isIdentifier(m.name)) throw memberFault(t, m, 'Invalid name');
    if (m.type === 0 || m.type > MAX_TYPE_ID) throw memberFault(t, m, 'Invalid type_id');
    if ((t.kind === 'union' && m.bitOffset !== 0) || m.bitOffset < last) {
      throw memberFault(t, m, 'Invalid member bits_offset');
    }
    if (Math.ceil(m.bitOffset / 8) > t.size) throw memberFault(t, m, 'Member bits_offset exceeds its struct size');
    last = m.bitOffset;
  });
}

function checkSection(raw: RawType, t: Extract<BtfType, { kind: 'datasec' }>): void {
  let end = 0;
  for (const v of t.vars) {
    if (v.type === 0 || v.type > MAX_TYPE_ID) throw sectionFault(v, 'Invalid type_id');
    if (v.offset < end || v.offset >= t.size) throw sectionFault(v, 'Invalid offset');
    if (v.size === 0 || v.size > t.size) throw sectionFault(v, 'Invalid size');
    end = v.offset + v.size;
    if (end > t.size) throw sectionFault(v, 'Invalid offset+size');
  }
  const sum = t.vars.reduce((total, v) => total + v.size, 0);
  if (sum > t.size) throw typeFault(raw.id, t, 'Invalid btf_info size');
}

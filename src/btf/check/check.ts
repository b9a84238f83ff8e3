/**
 * Decides as BPF_BTF_LOAD does whether BTF is sound, and says what is wrong in the words of its log.
 *
 * Linux: kernel/bpf/btf.c. Headers and sections first, then each type by itself, then types together.
 */

import { cString, view } from '../../base/bytes.ts';
import { E2BIG, EINVAL, ENOTSUPP } from '../../base/errno.ts';
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import {
  BTF_MAGIC,
  BTF_VERSION,
  ENTRY_BYTES,
  FIXED_BYTES,
  HEADER_SIZE,
  KIND_BY_NUMBER,
  MAX_NAME_OFFSET,
  TYPE_SIZE,
} from '../kinds.ts';
import { kindNumber, readType } from '../read-type.ts';
import { type BtfFault, basicFault, Finding } from './fault.ts';
import { checkMeta, type RawType } from './meta.ts';
import { EMPTY_NAME, INVALID_NAME } from './names.ts';
import { isModifier, Resolver } from './resolve.ts';

export type { BtfFault } from './fault.ts';

/** BTF_INFO_MASK */
const INFO_MASK = 0x9f00_ffff;

/** What BPF_BTF_LOAD finds wrong with `bytes`, or undefined where it would take them. `base`: of split BTF. */
export function inspectBtf(bytes: Uint8Array, base?: Btf): BtfFault | undefined {
  try {
    const sections = checkHeader(bytes, base);
    const types = checkTypes(bytes, sections, base);
    const firstId = base?.count ?? 1;
    const table = { type: (id: number) => (id < firstId ? (id === 0 ? VOID : base?.type(id)) : types[id - firstId]) };
    const resolver = new Resolver(table, firstId);
    for (let id = firstId; id < firstId + types.length; id++) resolver.check(id);
    for (const t of types) if (t.kind === 'ptr') checkTags(table.type, t);
    return undefined;
  } catch (finding) {
    if (finding instanceof Finding) return { ...finding.fault, line: readable(finding.fault.line) };
    throw finding;
  }
}

/** Names were taken byte by byte; the line has them as text. */
function readable(line: string): string {
  return cString(Uint8Array.from(line, (c) => c.charCodeAt(0)));
}

/** Throws BtfError with the kernel's words where BPF_BTF_LOAD would refuse the BTF. */
export function checkBtf(btf: Btf): void {
  const fault = inspectBtf(btf.bytes, btf.base);
  if (fault !== undefined) throw new BtfError(fault.line.trim());
}

const VOID: BtfType = { kind: 'void', name: '' };

interface Sections {
  readonly types: number;
  readonly typesEnd: number;
  readonly strings: Uint8Array;
}

function checkHeader(bytes: Uint8Array, base: Btf | undefined): Sections {
  const dv = view(bytes);
  if (bytes.length < 8) throw new Finding('hdr_len not found');
  const headerSize = dv.getUint32(4, true);
  if (bytes.length < headerSize) throw new Finding('btf_header not found');
  if (bytes.subarray(HEADER_SIZE, headerSize).some((b) => b !== 0)) throw new Finding('Unsupported btf_header', E2BIG);
  // a header that is too short reads as if zeroes followed it
  const known = new Uint8Array(HEADER_SIZE);
  known.set(bytes.subarray(0, Math.min(headerSize, HEADER_SIZE)));
  const header = view(known);
  const u32 = (at: number) => header.getUint32(at, true);
  if (header.getUint16(0, true) !== BTF_MAGIC) throw new Finding('Invalid magic');
  if (known[2] !== BTF_VERSION) throw new Finding('Unsupported version', ENOTSUPP);
  if (known[3] !== 0) throw new Finding('Unsupported flags', ENOTSUPP);
  if (base === undefined && bytes.length === headerSize) throw new Finding('No data');

  const [typeOff, typeSize, stringOff, stringSize] = [u32(8), u32(12), u32(16), u32(20)];
  checkSections(bytes.length - headerSize, [
    { off: typeOff, size: typeSize },
    { off: stringOff, size: stringSize },
  ]);
  const strings = bytes.subarray(headerSize + stringOff, headerSize + stringOff + stringSize);
  checkStrings(bytes, headerSize + stringOff, strings, base);
  if (typeOff % 4 !== 0) throw new Finding('Unaligned type_off');
  if (base === undefined && typeSize === 0) throw new Finding('No type found');
  return { types: headerSize + typeOff, typesEnd: headerSize + typeOff + typeSize, strings };
}

/** Sections follow one another without gaps and fill the blob. They are ordered as the kernel does it, by the sign of the difference. */
function checkSections(expected: number, sections: { off: number; size: number }[]): void {
  let total = 0;
  for (const { off, size } of sections.toSorted((a, b) => (a.off - b.off) | 0 || a.size - b.size)) {
    if (expected < off) throw new Finding('Invalid section offset');
    if (total < off) throw new Finding('Unsupported section found');
    if (total > off) throw new Finding('Section overlap found');
    if (expected - total < size) throw new Finding('Total section length too long');
    total += size;
  }
  if (expected !== total) throw new Finding('Unsupported section found');
}

function checkStrings(bytes: Uint8Array, at: number, strings: Uint8Array, base: Btf | undefined): void {
  if (at + strings.length !== bytes.length) throw new Finding('String section is not at the end');
  if (base !== undefined && strings.length === 0) return;
  const isBad = strings.length === 0 || strings.length - 1 > MAX_NAME_OFFSET || strings.at(-1) !== 0;
  if (isBad || (base === undefined && strings[0] !== 0)) throw new Finding('Invalid string section');
}

/** Longest name that is read; none longer than 511 is valid. */
const MAX_NAME = 1024;

/** A name, one character a byte. */
function latin1(strings: Uint8Array, at: number): string {
  const end = strings.indexOf(0, at);
  return String.fromCharCode(...strings.subarray(at, Math.min(end, at + MAX_NAME)));
}

/** Every type, each checked by itself. */
function checkTypes(bytes: Uint8Array, sections: Sections, base: Btf | undefined): BtfType[] {
  const dv = view(bytes);
  const { strings } = sections;
  const stringsStart = base?.stringsEnd ?? 0;
  const string = (off: number): string => {
    if (off === 0) return '';
    if (off < stringsStart) return base?.string(off) || EMPTY_NAME;
    const at = off - stringsStart;
    return at < strings.length ? latin1(strings, at) || EMPTY_NAME : INVALID_NAME;
  };
  const types: BtfType[] = [];
  for (let at = sections.types; at < sections.typesEnd; ) {
    const id = (base?.count ?? 1) + types.length;
    const left = sections.typesEnd - at;
    if (left < TYPE_SIZE) throw new Finding(`[${id}] meta_left:${left} meta_needed:${TYPE_SIZE}`);
    const info = dv.getUint32(at + 4, true);
    const number = kindNumber(info);
    const kind = KIND_BY_NUMBER[number];
    const nameOff = dv.getUint32(at, true);
    if ((info & ~INFO_MASK) !== 0) throw new Finding(`[${id}] Invalid btf_info:${info.toString(16)}`);
    if (kind === undefined || kind === 'void') throw new Finding(`[${id}] Invalid kind:${number}`);
    const name = string(nameOff);
    if (name === INVALID_NAME) throw new Finding(`[${id}] Invalid name_offset:${nameOff}`);
    const vlen = info & 0xffff;
    const needed = FIXED_BYTES[number]! + (kind === 'func' ? 0 : vlen * ENTRY_BYTES[number]!);
    if (left - TYPE_SIZE < needed) {
      throw basicFault(id, kind, name, `meta_left:${left - TYPE_SIZE} meta_needed:${needed}`);
    }
    const t = readType(dv, at, string);
    const entry = ENTRY_BYTES[number]!;
    const raw: RawType = {
      id,
      nameOff,
      name,
      vlen,
      kindFlag: info >>> 31 === 1,
      sizeOrType: dv.getUint32(at + 8, true),
      extra: FIXED_BYTES[number]! > 0 ? dv.getUint32(at + TYPE_SIZE, true) : 0,
      entryNames:
        entry === 0 ? [] : Array.from({ length: vlen }, (_, i) => dv.getUint32(at + TYPE_SIZE + i * entry, true)),
    };
    checkMeta(raw, t);
    types.push(t);
    at += TYPE_SIZE + needed;
  }
  if (types.length + (base?.count ?? 1) - 1 > MAX_TYPES) throw new Finding('Too many types', E2BIG);
  return types;
}

const MAX_TYPES = 0x000f_ffff;

/** Type tags come before other modifiers: `ptr -> tag -> const -> int`. */
function checkTags(type: (id: number) => BtfType | undefined, ptr: Extract<BtfType, { kind: 'ptr' }>): void {
  let seenOther = false;
  for (let t = type(ptr.type); t !== undefined && isModifier(t); t = type(t.type)) {
    if (t.kind !== ('type_tag' as BtfType['kind'])) seenOther = true;
    else if (seenOther) throw new Finding("Type tags don't precede modifiers", EINVAL);
  }
}

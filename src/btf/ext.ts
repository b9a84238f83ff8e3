/**
 * Reads the `.BTF.ext` section: per ELF section, which instruction belongs to which function, source line and CO-RE
 * relocation. Records may be longer than the fields known here (a newer compiler); the rest of each is skipped.
 */
import { view } from '../base/bytes.ts';
import { BtfError } from '../base/errors.ts';
import type { Btf } from './btf.ts';
import { BTF_MAGIC, BTF_VERSION } from './kinds.ts';

/** Offsets of instructions are bytes from the start of the ELF section. */
export interface BtfExt {
  readonly funcInfo: readonly ExtSection<FuncInfo>[];
  readonly lineInfo: readonly ExtSection<LineInfo>[];
  readonly coreRelocations: readonly ExtSection<CoreRecord>[];
}

export interface ExtSection<T> {
  /** Name of the ELF section that the records speak of. */
  readonly section: string;
  readonly records: readonly T[];
}

export interface FuncInfo {
  readonly offset: number;
  readonly typeId: number;
}

export interface LineInfo {
  readonly offset: number;
  /** Of the file's name and of the line's text in the strings of the BTF. */
  readonly fileNameOff: number;
  readonly lineOff: number;
  /** Line in the upper 22 bits, column in the lower 10. */
  readonly lineCol: number;
}

export interface CoreRecord {
  readonly offset: number;
  readonly typeId: number;
  /** Access string such as `0:1:2`. */
  readonly access: string;
  /** bpf_core_relo_kind. */
  readonly kind: number;
}

const HEADER_SIZE = 24;
/** With the CO-RE part, since LLVM 10. */
const HEADER_SIZE_CORE = 32;

/** Reads `.BTF.ext`. `btf` is the BTF of the same object: it holds the strings. Throws BtfError with the offset. */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const dv = view(bytes);
  if (bytes.length < HEADER_SIZE) fail(`it needs a header of ${HEADER_SIZE} bytes, and there are ${bytes.length}`, 0);
  const magic = dv.getUint16(0, true);
  if (magic === 0x9feb) fail('it is big-endian', 0);
  if (magic !== BTF_MAGIC) fail(`its magic is 0x${magic.toString(16)}, not 0xeb9f`, 0);
  if (dv.getUint8(2) !== BTF_VERSION) fail(`version ${dv.getUint8(2)} is not known`, 2);
  if (dv.getUint8(3) !== 0) fail(`flags 0x${dv.getUint8(3).toString(16)} are not known`, 3);
  const headerSize = dv.getUint32(4, true);
  if (headerSize < HEADER_SIZE || headerSize > bytes.length) fail(`the header cannot have ${headerSize} bytes`, 4);

  const part = <T>(field: number, what: string, minSize: number, read: (at: number) => T): ExtSection<T>[] => {
    if (field + 8 > headerSize) return [];
    const start = headerSize + dv.getUint32(field, true);
    const end = start + dv.getUint32(field + 4, true);
    if (end > bytes.length) fail(`${what} ends at ${end} of ${bytes.length} bytes`, field);
    return readPart(dv, btf, { start, end, what, minSize }, read);
  };
  const u32 = (at: number) => dv.getUint32(at, true);
  return {
    funcInfo: part(8, 'func_info', 8, (at) => ({ offset: u32(at), typeId: u32(at + 4) })),
    lineInfo: part(16, 'line_info', 16, (at) => ({
      offset: u32(at),
      fileNameOff: u32(at + 4),
      lineOff: u32(at + 8),
      lineCol: u32(at + 12),
    })),
    coreRelocations:
      headerSize < HEADER_SIZE_CORE
        ? []
        : part(24, 'core_relo', 16, (at) => ({
            offset: u32(at),
            typeId: u32(at + 4),
            access: btf.string(u32(at + 8)),
            kind: u32(at + 12),
          })),
  };
}

interface Part {
  readonly start: number;
  readonly end: number;
  readonly what: string;
  readonly minSize: number;
}

/** rec_size, then for each ELF section: name, number of records, records. */
function readPart<T>(dv: DataView, btf: Btf, part: Part, read: (at: number) => T): ExtSection<T>[] {
  const { start, end, what, minSize } = part;
  if (start === end) return [];
  if (end - start < 4) fail(`${what} is too short to say the size of its records`, start);
  const recordSize = dv.getUint32(start, true);
  if (recordSize < minSize || recordSize % 4 !== 0) fail(`${what} cannot have records of ${recordSize} bytes`, start);
  const sections: ExtSection<T>[] = [];
  for (let at = start + 4; at < end; ) {
    if (end - at < 8) fail(`${what} ends inside the header of a section`, at);
    const section = btf.string(dv.getUint32(at, true));
    const count = dv.getUint32(at + 4, true);
    if (section === '') fail(`${what} speaks of a section without a name`, at);
    if (count === 0) fail(`${what} has no records for section ${section}`, at);
    at += 8;
    if (count * recordSize > end - at) fail(`${what} of section ${section} has ${count} records, more than fit`, at);
    const records: T[] = [];
    for (let i = 0; i < count; i++, at += recordSize) records.push(read(at));
    sections.push({ section, records });
  }
  return sections;
}

function fail(what: string, at: number): never {
  throw new BtfError(`cannot read BTF.ext: ${what}`, `.BTF.ext, offset ${at}`);
}

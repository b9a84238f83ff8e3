/**
 * What attaching to programs asks of executables and shared libraries: which sections they have, and which place of the
 * file an address is. 64-bit little-endian ELF files of any machine; nothing is read of them but what is asked for.
 */
import { toHex, view } from '../../base/bytes.ts';
import { ElfError } from '../../base/errors.ts';
import { isElf, SHT_NOBITS } from './elf.ts';

const HEADER_SIZE = 64;
const SEGMENT_SIZE = 56;
const SECTION_SIZE = 64;
const PT_LOAD = 1;
const PT_NOTE = 4;
const NOTE_HEADER = 12;
const NT_GNU_BUILD_ID = 3;

interface Table {
  readonly offset: number;
  readonly size: number;
  readonly stride: number;
}

/** A section of a file, or a segment: where its bytes lie. */
export interface FilePart {
  readonly name: string;
  readonly type: number;
  /** Address in memory before the file is moved anywhere. */
  readonly address: number;
  /** Bytes from the start of the file; `size` is 0 where the file has none of it. */
  readonly offset: number;
  readonly size: number;
  /** Number of the section with its names. */
  readonly link: number;
}

export interface Note {
  readonly owner: string;
  readonly type: number;
  readonly bytes: Uint8Array;
}

export class Executable {
  readonly bytes: Uint8Array;
  readonly dv: DataView;
  /** EM_*. */
  readonly machine: number;
  readonly sections: readonly FilePart[];
  readonly #segments: readonly FilePart[];

  /** Throws ElfError for what is no such file. */
  constructor(bytes: Uint8Array) {
    if (!isElf(bytes) || bytes.length < HEADER_SIZE) throw new ElfError('this is no executable and no library');
    if (bytes[4] !== 2 || bytes[5] !== 1) throw new ElfError('only 64-bit little-endian files are read', 'offset 4');
    this.bytes = bytes;
    this.dv = view(bytes);
    this.machine = this.dv.getUint16(18, true);
    this.#segments = this.#readSegments();
    this.sections = this.#readSections();
  }

  /** From an address to the place in the file that is mapped there. */
  toFile(address: number): number | undefined {
    const load = this.#segments.find(
      ({ type, address: from, size }) => type === PT_LOAD && address >= from && address < from + size,
    );
    return load && address - load.address + load.offset;
  }

  /** Text that begins `start` bytes into a part and ends with a zero, or with the part. */
  text({ offset, size }: Pick<FilePart, 'offset' | 'size'>, start: number): string {
    const from = offset + Math.min(start, size);
    const end = this.bytes.subarray(from, offset + size).indexOf(0);
    return latin1.decode(this.bytes.subarray(from, end < 0 ? offset + size : from + end));
  }

  /** The notes of a part, as far as they are whole. */
  *notes({ offset, size }: Pick<FilePart, 'offset' | 'size'>): Generator<Note, void> {
    const end = offset + size;
    for (let at = offset; at + NOTE_HEADER <= end; ) {
      const nameSize = this.dv.getUint32(at, true);
      const size = this.dv.getUint32(at + 4, true);
      const type = this.dv.getUint32(at + 8, true);
      const name = at + NOTE_HEADER;
      const from = name + align4(nameSize);
      if (from + size > end) return;
      yield {
        owner: this.text({ offset: name, size: nameSize }, 0),
        type,
        bytes: this.bytes.subarray(from, from + size),
      };
      at = from + align4(size);
    }
  }

  /** The build id as hex; undefined where the linker left none. */
  buildId(): string | undefined {
    for (const segment of this.#segments) {
      if (segment.type !== PT_NOTE) continue;
      for (const { owner, type, bytes } of this.notes(segment)) {
        if (owner === 'GNU' && type === NT_GNU_BUILD_ID) return toHex(bytes);
      }
    }
    return undefined;
  }

  #readSegments(): FilePart[] {
    return this.#entries(32, 54, 56, SEGMENT_SIZE, 'segment').map((at) => {
      const offset = this.#u64(at + 8);
      // Past the end of the file there is nothing to find.
      const size = Math.max(0, Math.min(this.#u64(at + 32), this.bytes.length - offset));
      return { name: '', type: this.dv.getUint32(at, true), address: this.#u64(at + 16), offset, size, link: 0 };
    });
  }

  #readSections(): FilePart[] {
    const headers = this.#entries(40, 58, 60, SECTION_SIZE, 'section');
    const parts = headers.map((at) => {
      const type = this.dv.getUint32(at + 4, true);
      const offset = this.#u64(at + 24);
      const size = type === SHT_NOBITS ? 0 : this.#u64(at + 32);
      if (size > 0 && offset + size > this.bytes.length) {
        throw new ElfError('a section ends past the end of the file', `offset ${at}`);
      }
      return { type, address: this.#u64(at + 16), offset, size, link: this.dv.getUint32(at + 40, true) };
    });
    const names = parts[this.dv.getUint16(62, true)];
    return parts.map((part, i) => ({
      ...part,
      name: names ? this.text(names, this.dv.getUint32(headers[i]!, true)) : '',
    }));
  }

  /** Where the entries of one of the two tables are that the header places. */
  #entries(place: number, stride: number, count: number, least: number, what: string): number[] {
    const table: Table = {
      offset: this.#u64(place),
      stride: this.dv.getUint16(stride, true),
      size: this.dv.getUint16(stride, true) * this.dv.getUint16(count, true),
    };
    if (table.size === 0) return [];
    if (table.stride < least || table.offset + table.size > this.bytes.length) {
      throw new ElfError(`the ${what} table lies outside of the file`, `offset ${place}`);
    }
    return Array.from({ length: table.size / table.stride }, (_, i) => table.offset + i * table.stride);
  }

  #u64(at: number): number {
    return Number(this.dv.getBigUint64(at, true));
  }
}

/** Notes are aligned to 4 bytes, those of 64-bit files too. */
function align4(size: number): number {
  return Math.ceil(size / 4) * 4;
}

const latin1 = new TextDecoder('latin1');

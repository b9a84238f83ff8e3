/**
 * The pcapng format: blocks, each `u32 type, u32 length, …, u32 length`, in sections with a byte order of their own.
 *
 * https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/
 */
import { FormatError } from '../../base/errors.ts';
import type { BytesAhead } from './bytes-ahead.ts';
import { type CapturedPacket, MAX_PACKET } from './capture.ts';

const SECTION_HEADER = 0x0a0d0d0a; // the same in both byte orders
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_TSRESOL = 9;
const OPTION_TSOFFSET = 14;

const HEADER_SIZE = 8;
const TRAILER_SIZE = 4;
/** Type, length, byte-order magic, version, section length, and the length again. */
const SECTION_MIN = 28;
/** What a packet may carry beside its bytes: comments, hashes. */
const MAX_BLOCK = MAX_PACKET + (1 << 16);
/** Interfaces of one section: more than any machine has. */
const MAX_INTERFACES = 1 << 16;

/** Whether the first four bytes of a file begin a section. */
export function isPcapng(start: DataView): boolean {
  return start.getUint32(0) === SECTION_HEADER;
}

interface Interface {
  linkType: number;
  /** Bytes kept of each packet, 0 for all. */
  snapLength: number;
  unitsPerSecond: bigint;
  offsetSeconds: bigint;
}

export class PcapngDecoder {
  private littleEndian = true;
  private interfaces: Interface[] = [];

  /** The next packet, or undefined until more bytes have arrived. */
  next(input: BytesAhead): CapturedPacket | undefined {
    for (;;) {
      const head = input.peek(HEADER_SIZE);
      if (head === undefined) return undefined;
      const at = input.offset;
      const isSection = head.getUint32(0) === SECTION_HEADER;
      if (isSection && !this.section(input)) return undefined;
      const type = head.getUint32(0, this.littleEndian);
      const length = head.getUint32(4, this.littleEndian);
      const min = isSection ? SECTION_MIN : HEADER_SIZE + TRAILER_SIZE;
      if (length < min || length % 4 !== 0)
        throw new FormatError(`a pcapng block of ${length} bytes`, `offset ${at + 4}`);
      if (!isSection && !READ.has(type)) {
        input.skip(length);
        continue;
      }
      if (length > MAX_BLOCK) throw new FormatError(`a pcapng block of ${length} bytes`, `offset ${at + 4}`);
      const block = input.peek(length);
      if (block === undefined) return undefined;
      if (block.getUint32(length - TRAILER_SIZE, this.littleEndian) !== length) {
        throw new FormatError('a pcapng block whose two lengths differ', `offset ${at + length - TRAILER_SIZE}`);
      }
      const body = new Body(
        input.take(length).subarray(HEADER_SIZE, length - TRAILER_SIZE),
        this.littleEndian,
        at + HEADER_SIZE,
      );
      if (isSection) this.interfaces = [];
      else if (type === INTERFACE_DESCRIPTION) this.interfaces.push(this.interface(body));
      else return this.packet(type, body);
    }
  }

  /** Takes over a section's byte order; false until its beginning has arrived. */
  private section(input: BytesAhead): boolean {
    const start = input.peek(SECTION_MIN);
    if (start === undefined) return false;
    const order = [true, false].find((little) => start.getUint32(8, little) === BYTE_ORDER_MAGIC);
    if (order === undefined) {
      throw new FormatError('a pcapng section without a byte-order magic', `offset ${input.offset + 8}`);
    }
    const major = start.getUint16(12, order);
    if (major !== 1) {
      throw new FormatError(`version ${major} of the pcapng format, 1 is known`, `offset ${input.offset + 12}`);
    }
    this.littleEndian = order;
    return true;
  }

  private interface(body: Body): Interface {
    if (this.interfaces.length >= MAX_INTERFACES) throw body.error('too many interfaces in a pcapng section', 0);
    const it: Interface = {
      linkType: body.u16(0),
      snapLength: body.u32(4),
      unitsPerSecond: 1_000_000n,
      offsetSeconds: 0n,
    };
    for (let at = 8; at + 4 <= body.size; ) {
      const code = body.u16(at);
      const size = body.u16(at + 2);
      if (code === 0) break;
      if (code === OPTION_TSRESOL && size >= 1) {
        const exponent = body.u8(at + 4);
        it.unitsPerSecond = exponent < 0x80 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent & 0x7f);
      }
      if (code === OPTION_TSOFFSET && size >= 8) it.offsetSeconds = body.s64(at + 4);
      at += 4 + Math.ceil(size / 4) * 4;
    }
    return it;
  }

  private packet(type: number, body: Body): CapturedPacket {
    if (type === SIMPLE_PACKET) {
      const from = this.interfaceOf(0, body);
      const originalLength = body.u32(0);
      const kept = from.snapLength === 0 ? originalLength : Math.min(originalLength, from.snapLength);
      return { data: body.bytes(4, kept), originalLength, timestamp: 0n, linkType: from.linkType };
    }
    const from = this.interfaceOf(type === OBSOLETE_PACKET ? body.u16(0) : body.u32(0), body);
    const units = (BigInt(body.u32(4)) << 32n) | BigInt(body.u32(8));
    return {
      data: body.bytes(20, body.u32(12)),
      originalLength: body.u32(16),
      timestamp: (units * 1_000_000_000n) / from.unitsPerSecond + from.offsetSeconds * 1_000_000_000n,
      linkType: from.linkType,
    };
  }

  private interfaceOf(id: number, body: Body): Interface {
    const it = this.interfaces[id];
    if (it === undefined) throw body.error(`a packet of interface ${id}, which the section does not describe`, 0);
    return it;
  }
}

const READ: ReadonlySet<number> = new Set([INTERFACE_DESCRIPTION, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET]);

/** What stands between the two lengths of a block. Reading past it is a FormatError with the place in the file. */
class Body {
  readonly size: number;
  private readonly data: Uint8Array;
  private readonly view: DataView;
  private readonly littleEndian: boolean;
  private readonly offset: number;

  constructor(data: Uint8Array, littleEndian: boolean, offset: number) {
    this.data = data;
    this.view = new DataView(data.buffer, data.byteOffset, data.length);
    this.size = data.length;
    this.littleEndian = littleEndian;
    this.offset = offset;
  }

  u8(at: number): number {
    return this.view.getUint8(this.inside(at, 1));
  }
  u16(at: number): number {
    return this.view.getUint16(this.inside(at, 2), this.littleEndian);
  }
  u32(at: number): number {
    return this.view.getUint32(this.inside(at, 4), this.littleEndian);
  }
  s64(at: number): bigint {
    return this.view.getBigInt64(this.inside(at, 8), this.littleEndian);
  }
  bytes(at: number, size: number): Uint8Array {
    this.inside(at, size);
    return this.data.subarray(at, at + size);
  }

  error(what: string, at: number): FormatError {
    return new FormatError(what, `offset ${this.offset + at}`);
  }

  private inside(at: number, size: number): number {
    if (at + size > this.size) throw this.error(`a pcapng block that ends within a field of ${size} bytes`, at);
    return at;
  }
}

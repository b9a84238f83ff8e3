/**
 * The classic capture format: a file header, then a header and the bytes of each packet.
 *
 * https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
 */
import { FormatError } from '../../base/errors.ts';
import type { BytesAhead } from './bytes-ahead.ts';
import { type CapturedPacket, MAX_PACKET } from './capture.ts';

export const PCAP_HEADER_SIZE = 24;
export const PCAP_RECORD_SIZE = 16;
export const PCAP_MAGIC = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d } as const;

/** The byte order and unit of time that the first four bytes of a file announce, or undefined: another format. */
export function pcapFlavour(start: DataView): { littleEndian: boolean; nsPerUnit: bigint } | undefined {
  for (const littleEndian of [true, false]) {
    const magic = start.getUint32(0, littleEndian);
    if (magic === PCAP_MAGIC.micro) return { littleEndian, nsPerUnit: 1000n };
    if (magic === PCAP_MAGIC.nano) return { littleEndian, nsPerUnit: 1n };
  }
  return undefined;
}

export class PcapDecoder {
  private readonly littleEndian: boolean;
  private readonly nsPerUnit: bigint;
  private linkType: number | undefined;

  constructor(flavour: { littleEndian: boolean; nsPerUnit: bigint }) {
    this.littleEndian = flavour.littleEndian;
    this.nsPerUnit = flavour.nsPerUnit;
  }

  /** The next packet, or undefined until more bytes have arrived. */
  next(input: BytesAhead): CapturedPacket | undefined {
    this.linkType ??= this.fileHeader(input);
    if (this.linkType === undefined) return undefined;
    const header = input.peek(PCAP_RECORD_SIZE);
    if (header === undefined) return undefined;
    const captured = header.getUint32(8, this.littleEndian);
    if (captured > MAX_PACKET) {
      throw new FormatError(`a packet of ${captured} bytes in a pcap file`, `offset ${input.offset + 8}`);
    }
    if (input.available < PCAP_RECORD_SIZE + captured) return undefined;
    const seconds = BigInt(header.getUint32(0, this.littleEndian));
    const timestamp = seconds * 1_000_000_000n + BigInt(header.getUint32(4, this.littleEndian)) * this.nsPerUnit;
    const originalLength = header.getUint32(12, this.littleEndian);
    input.skip(PCAP_RECORD_SIZE);
    return { data: input.take(captured), originalLength, timestamp, linkType: this.linkType };
  }

  private fileHeader(input: BytesAhead): number | undefined {
    const header = input.peek(PCAP_HEADER_SIZE);
    if (header === undefined) return undefined;
    const major = header.getUint16(4, this.littleEndian);
    if (major !== 2) throw new FormatError(`version ${major} of the pcap format, 2 is known`, 'offset 4');
    input.skip(PCAP_HEADER_SIZE);
    return header.getUint32(20, this.littleEndian) & 0xffff; // above it: the length of a frame check sequence
  }
}

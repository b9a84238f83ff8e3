/** Writing packets as a pcap file: Ethernet, nanoseconds, little-endian. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { type CapturedPacket, LINKTYPE } from './capture.ts';
import { PCAP_HEADER_SIZE, PCAP_MAGIC, PCAP_RECORD_SIZE } from './pcap.ts';

const SNAP_LENGTH = 262144;

export function pcapHeader(linkType: number = LINKTYPE.ETHERNET): Uint8Array {
  const header = new DataView(new ArrayBuffer(PCAP_HEADER_SIZE));
  header.setUint32(0, PCAP_MAGIC.nano, true);
  header.setUint16(4, 2, true);
  header.setUint16(6, 4, true);
  header.setUint32(16, SNAP_LENGTH, true);
  header.setUint32(20, linkType, true);
  return new Uint8Array(header.buffer);
}

/** A packet's record: its header and its bytes. */
export function pcapRecord(packet: Pick<CapturedPacket, 'data' | 'timestamp' | 'originalLength'>): Uint8Array {
  const record = new Uint8Array(PCAP_RECORD_SIZE + packet.data.length);
  const header = new DataView(record.buffer);
  header.setUint32(0, Number(BigInt.asUintN(32, packet.timestamp / 1_000_000_000n)), true);
  header.setUint32(4, Number(packet.timestamp % 1_000_000_000n), true);
  header.setUint32(8, packet.data.length, true);
  header.setUint32(12, packet.originalLength, true);
  record.set(packet.data, PCAP_RECORD_SIZE);
  return record;
}

/** A capture file being written. Throws the system's errors. */
export class CaptureWriter {
  private readonly fd: number;

  /** Makes the file, or empties it. */
  constructor(path: string, linkType: number = LINKTYPE.ETHERNET) {
    this.fd = openSync(path, 'w');
    this.all(pcapHeader(linkType));
  }

  write(packet: Pick<CapturedPacket, 'data' | 'timestamp' | 'originalLength'>): void {
    this.all(pcapRecord(packet));
  }

  close(): void {
    closeSync(this.fd);
  }

  private all(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.fd, bytes, at);
  }
}

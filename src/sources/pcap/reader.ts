/**
 * Reading capture files, pcap and pcapng, of any size: the file is a stream, and never more than one packet of it is
 * waited for.
 */
import { createReadStream } from 'node:fs';
import { FormatError } from '../../base/errors.ts';
import { BytesAhead } from './bytes-ahead.ts';
import type { CapturedPacket } from './capture.ts';
import { PcapDecoder, pcapFlavour } from './pcap.ts';
import { isPcapng, PcapngDecoder } from './pcapng.ts';

const PIECE = 1 << 20;

/** Turns pieces of a file into packets. All its errors are FormatErrors that say where. */
export class CaptureDecoder {
  private readonly input = new BytesAhead();
  private format: PcapDecoder | PcapngDecoder | undefined;

  /** The packets that are whole now. */
  *push(piece: Uint8Array): Generator<CapturedPacket> {
    this.input.push(piece);
    this.format ??= this.detect();
    if (this.format === undefined) return;
    for (let packet = this.format.next(this.input); packet; packet = this.format.next(this.input)) yield packet;
  }

  /** After the last piece: FormatError where the file ends in the middle of something. */
  end(): void {
    const { input } = this;
    if (this.format === undefined || input.isSkipping || input.available > 0) {
      throw new FormatError('the capture file ends too early', `offset ${input.offset}`);
    }
  }

  private detect(): PcapDecoder | PcapngDecoder | undefined {
    const start = this.input.peek(4);
    if (start === undefined) return undefined;
    if (isPcapng(start)) return new PcapngDecoder();
    const flavour = pcapFlavour(start);
    if (flavour !== undefined) return new PcapDecoder(flavour);
    throw new FormatError('this is neither a pcap nor a pcapng file', 'offset 0');
  }
}

/** Packets of a capture file, in its order. FormatError, or the system's error where the file cannot be read. */
export async function* readCapture(path: string): AsyncGenerator<CapturedPacket> {
  const decoder = new CaptureDecoder();
  for await (const piece of createReadStream(path, { highWaterMark: PIECE })) yield* decoder.push(piece as Buffer);
  decoder.end();
}

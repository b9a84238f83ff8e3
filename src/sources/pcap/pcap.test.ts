import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concat } from '../../base/bytes.ts';
import { FormatError, UnsupportedError } from '../../base/errors.ts';
import type { PacketHook, PacketMeta, SocketFilterHook } from '../../kernel/index.ts';
import { type CapturedPacket, LINKTYPE } from './capture.ts';
import { CaptureDecoder, readCapture } from './reader.ts';
import { replayCapture, replayPacket } from './replay.ts';
import { CaptureWriter, pcapHeader, pcapRecord } from './writer.ts';

const FRAME = Uint8Array.from({ length: 60 }, (_, i) => i);
const IPV4 = Uint8Array.of(0x45, 0, 0, 20, ...new Array(16).fill(0));

function decode(...pieces: Uint8Array[]): CapturedPacket[] {
  const decoder = new CaptureDecoder();
  const packets = pieces.flatMap((piece) => [...decoder.push(piece)]);
  decoder.end();
  return packets;
}

/** Numbers of `sizes` bytes each, in a byte order; a Uint8Array stands for itself. */
function pack(little: boolean, ...fields: (readonly [size: 1 | 2 | 4 | 8, value: number | bigint] | Uint8Array)[]) {
  return concat(
    fields.map((field) => {
      if (field instanceof Uint8Array) return field;
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(field[1])), little);
      return little ? bytes.subarray(0, field[0]) : bytes.subarray(8 - field[0]);
    }),
  );
}

function classic(little: boolean, magic: number, fraction: number, data: Uint8Array, linkType = 1): Uint8Array {
  const header = pack(little, [4, magic], [2, 2], [2, 4], [4, 0], [4, 0], [4, 65535], [4, linkType]);
  return concat([header, pack(little, [4, 1_700_000_000], [4, fraction], [4, data.length], [4, 1500], data)]);
}

function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const padded = concat([body, new Uint8Array((4 - (body.length % 4)) % 4)]);
  return pack(little, [4, type], [4, padded.length + 12], padded, [4, padded.length + 12]);
}
const section = (little: boolean) =>
  block(little, 0x0a0d0d0a, pack(little, [4, 0x1a2b3c4d], [2, 1], [2, 0], [8, 0xffffffffffffffffn]));
const describeInterface = (little: boolean, linkType: number, ...options: Uint8Array[]) =>
  block(little, 1, pack(little, [2, linkType], [2, 0], [4, 40], ...options, [4, 0]));
const enhanced = (little: boolean, id: number, units: bigint, data: Uint8Array) =>
  block(little, 6, pack(little, [4, id], [4, units >> 32n], [4, units & 0xffffffffn], [4, data.length], [4, 99], data));

describe('pcap', () => {
  test.each([
    [true, 0xa1b2c3d4, 123_456, 1_700_000_000_123_456_000n],
    [false, 0xa1b2c3d4, 123_456, 1_700_000_000_123_456_000n],
    [true, 0xa1b23c4d, 123_456_789, 1_700_000_000_123_456_789n],
    [false, 0xa1b23c4d, 123_456_789, 1_700_000_000_123_456_789n],
  ])('reads little-endian %s, magic %d', (little, magic, fraction, timestamp) => {
    const [packet, ...more] = decode(classic(little, magic, fraction, FRAME));
    expect(more).toEqual([]);
    expect(packet).toMatchObject({ timestamp, originalLength: 1500, linkType: LINKTYPE.ETHERNET });
    expect([...packet!.data]).toEqual([...FRAME]);
  });

  test('what is written reads back', () => {
    const packets = [FRAME, IPV4, new Uint8Array()].map((data, i) => ({
      data,
      timestamp: 1_700_000_000_000_000_001n * BigInt(i),
      originalLength: data.length + i,
      linkType: LINKTYPE.RAW,
    }));
    const file = concat([pcapHeader(LINKTYPE.RAW), ...packets.map(pcapRecord)]);
    expect(decode(file).map((p) => ({ ...p, data: Uint8Array.from(p.data) }))).toEqual(packets);
  });

  test('an unknown version and an impossible length are refused with their place', () => {
    const file = classic(true, 0xa1b2c3d4, 0, FRAME);
    file[4] = 9;
    expect(() => decode(file)).toThrow(/version 9 .*offset 4/);
    file[4] = 2;
    file.fill(0xff, 32, 36);
    expect(() => decode(file)).toThrow(/4294967295 bytes.*offset 32/);
  });
});

describe('pcapng', () => {
  test.each([true, false])('reads sections, interfaces and packets, little-endian %s', (little) => {
    const nano = pack(little, [2, 9], [2, 1], Uint8Array.of(9, 0, 0, 0));
    const binary = pack(little, [2, 9], [2, 1], Uint8Array.of(0x8a, 0, 0, 0), [2, 14], [2, 8], [8, 5]);
    const file = concat([
      section(little),
      describeInterface(little, 1),
      describeInterface(little, 101, nano),
      describeInterface(little, 1, binary),
      block(little, 0xbad, FRAME), // a block of a kind that nobody knows
      enhanced(little, 0, 5_000_001n, FRAME),
      enhanced(little, 1, 7n, IPV4),
      enhanced(little, 2, 2048n, FRAME),
      block(little, 3, pack(little, [4, 60], FRAME.subarray(0, 40))),
      block(little, 2, pack(little, [2, 1], [2, 3], [4, 0], [4, 8], [4, 20], [4, 20], IPV4)),
      section(!little), // and another section, the other way round
      describeInterface(!little, 101),
      enhanced(!little, 0, 1n, IPV4),
    ]);
    expect(decode(file).map((p) => [p.linkType, p.timestamp, p.data.length, p.originalLength])).toEqual([
      [1, 5_000_001_000n, 60, 99],
      [101, 7n, 20, 99],
      [1, 7_000_000_000n, 60, 99],
      [1, 0n, 40, 60],
      [101, 8n, 20, 20],
      [101, 1000n, 20, 99],
    ]);
  });

  test.each([
    [
      'a packet of an interface that is not described',
      concat([section(true), enhanced(true, 3, 0n, FRAME)]),
      /interface 3.*offset 36/,
    ],
    ['two lengths that differ', concat([section(true).fill(0, 24, 28)]), /two lengths differ.*offset 24/],
    [
      'a length that is no multiple of four',
      pack(true, [4, 0x0a0d0d0a], [4, 29], section(true).subarray(8)),
      /29 bytes.*offset 4/,
    ],
    ['no byte-order magic', section(true).fill(0, 8, 12), /byte-order magic.*offset 8/],
    ['another version', section(true).fill(7, 12, 14), /version 1799.*offset 12/],
    [
      'packet bytes past their block',
      concat([
        section(true),
        describeInterface(true, 1),
        block(true, 6, pack(true, [4, 0], [4, 0], [4, 0], [4, 4000], [4, 9])),
      ]),
      /ends within a field of 4000 bytes/,
    ],
    [
      'a block of 4 GiB',
      concat([section(true), pack(true, [4, 6], [4, 0xfffffff0], [4, 0])]),
      /4294967280 bytes.*offset 32/,
    ],
    [
      'an unknown block of 4 GiB',
      concat([section(true), pack(true, [4, 77], [4, 0xfffffff0], [4, 0])]),
      /ends too early/,
    ],
  ])('refuses %s', (_, file, message) => {
    expect(() => decode(file)).toThrow(FormatError);
    expect(() => decode(file)).toThrow(message);
  });
});

describe('any capture file', () => {
  const samples = [
    classic(true, 0xa1b2c3d4, 5, FRAME),
    concat([section(false), describeInterface(false, 1), enhanced(false, 0, 9n, FRAME), enhanced(false, 0, 9n, IPV4)]),
  ];

  test('reads the same however it arrives in pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.array(fc.integer({ min: 1, max: 30 })), (file, sizes) => {
        const pieces: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) pieces.push(file.subarray(at, (at += size)));
        pieces.push(file.subarray(at));
        const plain = (packets: CapturedPacket[]) => packets.map((p) => ({ ...p, data: [...p.data] }));
        expect(plain(decode(...pieces))).toEqual(plain(decode(file)));
      }),
      { numRuns: 100 },
    );
  });

  test('that ends too early gives its whole packets, then a FormatError', () => {
    for (const file of samples) {
      const whole = decode(file).length;
      for (let size = 0; size < file.length; size++) {
        const decoder = new CaptureDecoder();
        const packets = [...decoder.push(file.subarray(0, size))];
        expect(packets.length).toBeLessThanOrEqual(whole);
        try {
          decoder.end();
        } catch (e) {
          expect(e).toBeInstanceOf(FormatError);
        }
      }
    }
    expect(() => decode(new Uint8Array())).toThrow(FormatError);
    expect(() => decode(Buffer.from('#!/bin/sh\n'))).toThrow(/neither a pcap nor a pcapng/);
  });

  test('with any bytes gives packets or a FormatError', () => {
    const damaged = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([file, changes, tail]) => {
        const out = concat([file, tail]);
        for (const [at, value] of changes) if (at < out.length) out[at] = value;
        return out;
      });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          for (const packet of decode(bytes)) expect(packet.data.length).toBeLessThanOrEqual(bytes.length);
        } catch (e) {
          expect(e).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('replaying', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'skep-pcap-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** A hook whose program drops every second packet and swaps the addresses of the others. */
  function fakeHook(
    kind: PacketHook['kind'],
    verdicts: number[],
    seen: [Uint8Array, PacketMeta | undefined][],
  ): PacketHook {
    return {
      kind,
      run(packet: Uint8Array, meta?: PacketMeta) {
        seen.push([packet, meta]);
        const verdict = verdicts[(seen.length - 1) % verdicts.length]!;
        const rewritten = concat([packet.subarray(6, 12), packet.subarray(0, 6), packet.subarray(12)]);
        return { verdict, packet: seen.length === 1 ? rewritten : packet };
      },
    } as unknown as PacketHook;
  }

  test('counts verdicts, and hands out the packets as the programs left them', async () => {
    const path = join(dir, 'in.pcap');
    const out = join(dir, 'out.pcap');
    writeFileSync(
      path,
      concat([
        pcapHeader(),
        ...[0, 1, 2].map((i) => pcapRecord({ data: FRAME, timestamp: BigInt(i), originalLength: 60 })),
      ]),
    );
    const writer = new CaptureWriter(out);
    const summary = await replayCapture(fakeHook('xdp', [2, 1], []), path, ({ passed, output, captured }) => {
      if (passed) writer.write({ ...captured, data: output });
    });
    writer.close();
    expect(summary).toEqual({
      packets: 3,
      bytes: 180,
      passed: 2,
      rewritten: 1,
      verdicts: { XDP_PASS: 2, XDP_DROP: 1 },
    });
    const written: CapturedPacket[] = [];
    for await (const packet of readCapture(out)) written.push(packet);
    expect(written.map((p) => [p.timestamp, p.data[0]])).toEqual([
      [0n, 6],
      [2n, 0],
    ]);
  });

  test('raw IP gets an Ethernet header; cgroup_skb starts at the network header; both know the protocol', () => {
    const seen: [Uint8Array, PacketMeta | undefined][] = [];
    const raw = { data: IPV4, timestamp: 1n, originalLength: 20, linkType: LINKTYPE.RAW };
    replayPacket(fakeHook('xdp', [2], seen), raw);
    replayPacket(fakeHook('cgroup_skb', [1], seen), raw);
    replayPacket(fakeHook('tcx', [0], seen), { ...raw, data: Uint8Array.of(0x60), linkType: LINKTYPE.IPV6 });
    expect(seen.map(([packet, meta]) => [packet.length, meta?.protocol])).toEqual([
      [34, 0x800],
      [20, 0x800],
      [15, 0x86dd],
    ]);
  });

  test('a socket filter keeps a beginning of the packet', () => {
    const filter = { kind: 'socket_filter', run: () => 10 } as unknown as SocketFilterHook;
    const packet = { data: FRAME, timestamp: 0n, originalLength: 60, linkType: LINKTYPE.ETHERNET };
    expect(replayPacket(filter, packet)).toMatchObject({ verdict: 10, passed: true, output: FRAME.subarray(0, 10) });
  });

  test('other link types are refused by name', () => {
    const packet = { data: FRAME, timestamp: 0n, originalLength: 60, linkType: 105 };
    expect(() => replayPacket(fakeHook('xdp', [2], []), packet)).toThrow(UnsupportedError);
  });
});

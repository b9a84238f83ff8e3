/**
 * Makes examples/mixed.pcap: a few seconds of made-up traffic with every protocol that examples/pktcount.bpf.c tells apart.
 * `npx tsx tools/mixed-pcap.ts`; the same file each time.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { concat, utf8, view } from '../src/base/bytes.ts';
import { pcapHeader, pcapRecord } from '../src/sources/index.ts';

const MAC = { client: [2, 0, 0, 0, 0, 1], server: [2, 0, 0, 0, 0, 2], all: [255, 255, 255, 255, 255, 255] };
const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd };
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 };
const CLIENT = [192, 0, 2, 10];
const SERVER = [198, 51, 100, 20];
const CLIENT6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 1];
const SERVER6 = [0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), 2];

/** A structure of big-endian fields: [bytes, value] each. */
function fields(...rows: [size: 1 | 2 | 4, value: number][]): Uint8Array {
  const out = new Uint8Array(rows.reduce((n, [size]) => n + size, 0));
  const dv = view(out);
  let at = 0;
  for (const [size, value] of rows) {
    if (size === 1) dv.setUint8(at, value);
    else if (size === 2) dv.setUint16(at, value);
    else dv.setUint32(at, value);
    at += size;
  }
  return out;
}

function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const ethernet = (to: number[], from: number[], type: number, payload: Uint8Array) =>
  concat([Uint8Array.from(to), Uint8Array.from(from), fields([2, type]), payload]);

function ipv4(protocol: number, from: number[], to: number[], payload: Uint8Array, id: number): Uint8Array {
  const header = concat([
    fields([1, 0x45], [1, 0], [2, 20 + payload.length], [2, id], [2, 0x4000], [1, 64], [1, protocol], [2, 0]),
    Uint8Array.from([...from, ...to]),
  ]);
  view(header).setUint16(10, checksum(header));
  return concat([header, payload]);
}

const ipv6 = (next: number, from: number[], to: number[], payload: Uint8Array) =>
  concat([
    fields([4, 0x60000000], [2, payload.length], [1, next], [1, 64]),
    Uint8Array.from([...from, ...to]),
    payload,
  ]);

/** Checksum 0 says "not computed" in UDP over IPv4; the receiver of a capture file does not look. */
const udp = (from: number, to: number, data: Uint8Array) =>
  concat([fields([2, from], [2, to], [2, 8 + data.length], [2, 0]), data]);
const tcp = (from: number, to: number, seq: number, ack: number, flags: number, data: Uint8Array) =>
  concat([fields([2, from], [2, to], [4, seq], [4, ack], [1, 0x50], [1, flags], [2, 64240], [2, 0], [2, 0]), data]);

function icmp(type: number, sequence: number): Uint8Array {
  const echo = concat([fields([1, type], [1, 0], [2, 0], [2, 0x5ee], [2, sequence]), utf8('skep skep skep skep')]);
  view(echo).setUint16(2, checksum(echo));
  return echo;
}

const SYN = 2;
const ACK = 16;
const SYN_ACK = 18;
const PSH_ACK = 24;
const FIN_ACK = 17;
const none = new Uint8Array(0);

function conversation(): Uint8Array[] {
  const packets: Uint8Array[] = [];
  let id = 1;
  const out = (protocol: number, payload: Uint8Array) =>
    packets.push(ethernet(MAC.server, MAC.client, ETHERTYPE.ipv4, ipv4(protocol, CLIENT, SERVER, payload, id++)));
  const back = (protocol: number, payload: Uint8Array) =>
    packets.push(ethernet(MAC.client, MAC.server, ETHERTYPE.ipv4, ipv4(protocol, SERVER, CLIENT, payload, id++)));

  const arp = (operation: number, from: number[], to: number[]) =>
    concat([
      fields([2, 1], [2, ETHERTYPE.ipv4], [1, 6], [1, 4], [2, operation]),
      Uint8Array.from([...MAC.client, ...from, ...MAC.server, ...to]),
    ]);
  packets.push(ethernet(MAC.all, MAC.client, ETHERTYPE.arp, arp(1, CLIENT, SERVER)));
  packets.push(ethernet(MAC.client, MAC.server, ETHERTYPE.arp, arp(2, SERVER, CLIENT)));

  for (let n = 0; n < 4; n++) {
    out(PROTOCOL.icmp, icmp(8, n));
    back(PROTOCOL.icmp, icmp(0, n));
  }
  const name = utf8('\x07example\x03com\x00');
  const query = concat([
    fields([2, 0x1234], [2, 0x0100], [2, 1], [2, 0], [2, 0], [2, 0]),
    name,
    fields([2, 1], [2, 1]),
  ]);
  for (let n = 0; n < 3; n++) {
    out(PROTOCOL.udp, udp(40000 + n, 53, query));
    back(PROTOCOL.udp, udp(53, 40000 + n, concat([query, new Uint8Array(16)])));
  }
  const request = utf8('GET / HTTP/1.1\r\nHost: example.com\r\n\r\n');
  for (const port of [80, 443, 8080]) {
    const from = 50000 + port;
    out(PROTOCOL.tcp, tcp(from, port, 1000, 0, SYN, none));
    back(PROTOCOL.tcp, tcp(port, from, 5000, 1001, SYN_ACK, none));
    out(PROTOCOL.tcp, tcp(from, port, 1001, 5001, ACK, none));
    out(PROTOCOL.tcp, tcp(from, port, 1001, 5001, PSH_ACK, request));
    back(PROTOCOL.tcp, tcp(port, from, 5001, 1001 + request.length, PSH_ACK, new Uint8Array(1000).fill(0x2e)));
    out(PROTOCOL.tcp, tcp(from, port, 1001 + request.length, 6001, FIN_ACK, none));
  }
  const echo6 = concat([fields([1, 128], [1, 0], [2, 0], [2, 1], [2, 1]), utf8('skep')]);
  packets.push(ethernet(MAC.server, MAC.client, ETHERTYPE.ipv6, ipv6(PROTOCOL.icmpv6, CLIENT6, SERVER6, echo6)));
  packets.push(
    ethernet(MAC.server, MAC.client, ETHERTYPE.ipv6, ipv6(PROTOCOL.udp, CLIENT6, SERVER6, udp(40009, 53, query))),
  );
  // Too short for an Ethernet header: a program has to check.
  packets.push(Uint8Array.from([1, 2, 3, 4]));
  return packets;
}

const START = 1_700_000_000_000_000_000n;
const records = conversation().map((data, i) =>
  pcapRecord({ data, timestamp: START + BigInt(i) * 25_000_000n, originalLength: data.length }),
);
const file = fileURLToPath(new URL('../examples/mixed.pcap', import.meta.url));
writeFileSync(file, concat([pcapHeader(), ...records]));
console.log(`${file}: ${records.length} packets`);

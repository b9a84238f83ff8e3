/** What is in the maps of the programs before they run, and the packets that they see. */
import type { Collection } from '../../src/client/index.ts';

const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const KEYS = 64;
const TENANTS = ['tenant_a', 'tenant_b', 'tenant_c', 'tenant_d'];
const ROUTES = 256;
const HTTPS = 443;
const CLIENT_PORT = 40_000;

/** A port as it stands in a packet. */
const networkOrder = (port: number): number => ((port & 0xff) << 8) | (port >> 8);

export async function fillMaps(programs: Collection): Promise<void> {
  for (let key = 0; key < KEYS; key++) {
    await programs.map('known').update(words(key), words(key, 0));
    await programs.map('recent').update(words(key), words(key, 0));
    for (const tenant of TENANTS) await programs.map(tenant).update(words(key), words(key, 0));
  }
  for (let i = 0; i < ROUTES; i++) {
    const length = 8 + (i % 25);
    const bits = (i * 0x9e3779b1) >>> 0;
    await programs.map('routes').update(words(length, bits), words(i, 0));
    await programs.map('blocked').update(words(32, bits | 0x80), words(1));
  }
  await programs.map('chain').update(words(0), words(programs.program('tail_calls').fd));
  await programs.map('open_ports').update(words(networkOrder(HTTPS)), words(1));
  await programs.map('established').update(flowOf(FLOWS[0]!), words(0, 0));
}

interface Flow {
  readonly source: number;
  readonly port: number;
}
/** One that is established, one to an open port, one from a blocked address, one to a closed port. */
const FLOWS: readonly Flow[] = [
  { source: 0x0101a8c0, port: HTTPS },
  { source: 0x0201a8c0, port: HTTPS },
  { source: (0x9e3779b1 | 0x80) >>> 0, port: HTTPS },
  { source: 0x0301a8c0, port: 23 },
];
const TARGET = 0x0100000a;

function flowOf({ source, port }: Flow): Uint8Array {
  return words(source, TARGET, networkOrder(CLIENT_PORT) | (networkOrder(port) << 16), 6);
}

function tcpPacket(flow: Flow): Uint8Array {
  const packet = new Uint8Array(64);
  const view = new DataView(packet.buffer);
  view.setUint16(12, 0x0800);
  packet[14] = 0x45;
  packet[23] = 6;
  packet.set(flowOf(flow).subarray(0, 8), 26);
  packet.set(flowOf(flow).subarray(8, 12), 34);
  return packet;
}

/** Packets that a program is run on in turn. */
export function packetsFor(program: string): readonly Uint8Array[] {
  if (program === 'firewall') return FLOWS.map(tcpPacket);
  const packet = Uint8Array.from({ length: 1400 }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) & 0xff);
  packet.fill(0, 0, 4);
  return [packet];
}

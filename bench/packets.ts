/**
 * What the firewall of suite/programs.c costs a packet when packets are in memory already and many are run by one call:
 * an established flow, an open port, a blocked address and a closed port, in an order that no processor foresees.
 *
 *     npx tsx bench/packets.ts [-j] [--figures]
 */
import { readFileSync } from 'node:fs';
import { loadCollection } from '../src/client/index.ts';
import { Client } from '../src/kernel/client.ts';
import { Core } from '../src/kernel/core.ts';
import type { LoadedProg } from '../src/kernel/objects/prog.ts';
import { LAYOUTS } from '../src/uapi/generated/layouts.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';
import { fillMaps, packetsFor } from './suite/maps.ts';

const BATCHES = [1, 16, 256, 4096];
const PACKETS = 4096;
const PACKET_ROOM = 64;
const CONTEXT_ROOM = 32;
const ROUNDS = 200;
const { data, data_end: dataEnd } = LAYOUTS.xdp_md.fields;

/** Nanoseconds a packet, for each number of packets that one call runs. */
async function measure(): Promise<{ batch: number; ns: number }[]> {
  const core = new Core({ seed: 1 });
  const object = readFileSync(new URL('suite/programs.bpf.o', import.meta.url));
  const client = new Client(core, {});
  const programs = await loadCollection(client, new Uint8Array(object));
  await fillMaps(programs);
  const { runnable } = client.object('prog', programs.program('firewall').fd) as LoadedProg;
  const { mem } = core;
  const kinds = packetsFor('firewall');
  const packets = mem.alloc(PACKETS * PACKET_ROOM, 64);
  const contexts = mem.alloc(PACKETS * CONTEXT_ROOM, 64);
  for (let i = 0; i < PACKETS; i++) {
    const packet = kinds[(Math.imul(i, 0x9e3779b1) ^ (i << 7)) >>> 30]!;
    mem.write(packets + i * PACKET_ROOM, packet);
    mem.setU32(contexts + i * CONTEXT_ROOM + data.offset, packets + i * PACKET_ROOM);
    mem.setU32(contexts + i * CONTEXT_ROOM + dataEnd.offset, packets + i * PACKET_ROOM + packet.length);
  }
  const answers = mem.alloc(PACKETS * 4);
  const rows = BATCHES.map((batch) => ({ batch, ns: Number.POSITIVE_INFINITY }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const row of rows) {
      const began = performance.now();
      for (let first = 0; first < PACKETS; first += row.batch) {
        runnable.runBatch(contexts + first * CONTEXT_ROOM, CONTEXT_ROOM, row.batch, answers + 4 * first);
      }
      row.ns = Math.min(row.ns, ((performance.now() - began) * 1e6) / PACKETS);
    }
  }
  await programs.close();
  return rows;
}

const rows = await measure();
const body = table(
  ['packets a call', 'ns a packet'],
  rows.map(({ batch, ns }) => [`${batch}`, ns.toFixed(1)]),
);
process.stdout.write(process.argv.includes('-j') ? `${JSON.stringify(rows)}\n` : `${body}\n`);
if (process.argv.includes('--figures')) {
  const note = `The firewall of the bench on ${PACKETS} packets of 64 bytes that are in memory, of four kinds in no order.`;
  writeFigures('Packets', 'npx tsx bench/packets.ts --figures', `${note}\n\n${body}`);
}

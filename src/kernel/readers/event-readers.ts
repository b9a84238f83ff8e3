/**
 * Readers of the records that programs send: of a ring buffer, and of the perf buffers behind a perf event array.
 */

import { view } from '../../base/bytes.ts';
import { EBUSY, EINVAL } from '../../base/errno.ts';
import { type KernelMap, PerfBuffer, PerfEventArrayMap, RingBufferMap } from '../../maps/index.ts';
import type { EventReader, EventRecord } from '../../sys/index.ts';
import type { Client } from '../client.ts';
import type { LiveMap } from '../objects/map.ts';
import { PerfEvent } from '../objects/perf-event.ts';
import { Mailbox } from './mailbox.ts';

const PAGE = 4096;
/** Pages of a perf buffer: a power of two, at most 64 MiB. */
const MAX_PAGES = 1 << 14;
const DEFAULT_PAGES = 8;

/** The reader of a ring buffer map, or -errno. It holds the map until it is closed. */
export function openRingBuffer(map: LiveMap): EventReader | number {
  const ring = map.map;
  if (!(ring instanceof RingBufferMap)) return -EINVAL;
  // Records carry no CPU: the ring is one for all.
  return open(map, () => ring.drain().map((data) => ({ data, cpu: 0 })));
}

/**
 * The reader of all CPUs' perf buffers of a map, or -errno. As user space does in Linux, it puts one event per CPU into
 * the map's slots (by way of `client`'s descriptors); it takes them out again when it is closed.
 */
export function openPerfBuffer(client: Client, map: LiveMap, pages = DEFAULT_PAGES): EventReader | number {
  const array = map.map;
  if (!(array instanceof PerfEventArrayMap)) return -EINVAL;
  if (!Number.isInteger(pages) || pages < 1 || pages > MAX_PAGES || (pages & (pages - 1)) !== 0) return -EINVAL;
  if (map.reader) return -EBUSY;
  const count = Math.min(client.core.cpus, array.def.maxEntries);
  const buffers = Array.from({ length: count }, (_, cpu) => new PerfBuffer(cpu, pages * PAGE));
  for (const buffer of buffers) {
    const error = fillSlot(client, array, buffer);
    if (error < 0) return error;
  }
  const leave = () => {
    for (const { cpu } of buffers) array.deleteElem(u32(cpu));
  };
  return open(map, () => buffers.flatMap(drainPerf), leave);
}

function fillSlot(client: Client, array: KernelMap, buffer: PerfBuffer): number {
  const fd = client.fds.install(new PerfEvent({ kind: 'output', cpu: buffer.cpu }, buffer));
  if (fd < 0) return fd;
  const error = client.core.onBehalfOf(client, () => array.writeElem(u32(buffer.cpu), u32(fd), 0n));
  client.fds.close(fd); // the slot holds the event now
  return error;
}

function drainPerf(buffer: PerfBuffer): EventRecord[] {
  const { records, lost } = buffer.drain();
  const events: EventRecord[] = records.map((data) => ({ data, cpu: buffer.cpu }));
  if (lost > 0) events.push({ lost, cpu: buffer.cpu });
  return events;
}

/** A reader that holds `map` and is its only one. */
function open(map: LiveMap, take: () => EventRecord[], leave: () => void = () => {}): EventReader | number {
  if (map.reader) return -EBUSY;
  const mailbox = new Mailbox(take);
  map.reader = mailbox;
  map.hold();
  return {
    read: () => mailbox.read(),
    close: async () => {
      if (mailbox.closed) return;
      mailbox.close();
      map.reader = undefined;
      leave();
      map.drop();
    },
  };
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value, true);
  return bytes;
}

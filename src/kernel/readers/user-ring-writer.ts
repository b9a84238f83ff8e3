/** The writing end of a user ring buffer: who waits for room is woken when a program takes a record. */
import { E2BIG, EBADF, EBUSY, EINVAL } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import { UserRingBufferMap } from '../../maps/index.ts';
import type { EventWriter } from '../../sys/index.ts';
import type { LiveMap } from '../objects/map.ts';

/** The writer of a map, or -errno. It holds the map until it is closed, and is its only one. */
export function openUserRingWriter(live: LiveMap): EventWriter | number {
  const { map } = live;
  if (!(map instanceof UserRingBufferMap)) return -EINVAL;
  return live.reader ? -EBUSY : new UserRingWriter(live, map);
}

class UserRingWriter implements EventWriter {
  readonly largest: number;
  readonly #live: LiveMap;
  readonly #ring: UserRingBufferMap;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(live: LiveMap, ring: UserRingBufferMap) {
    this.#live = live.hold();
    this.#ring = ring;
    this.largest = ring.largest;
    live.reader = { wake: () => this.#wake() };
  }

  tryWrite(record: Uint8Array): boolean {
    if (this.#closed) throw new BpfError('user ring buffer', EBADF, 'the writer was closed');
    if (record.length > this.largest) {
      throw new BpfError('user ring buffer', E2BIG, `${record.length} bytes, ${this.largest} at most`);
    }
    return this.#ring.write(record);
  }

  async write(record: Uint8Array): Promise<void> {
    while (!this.tryWrite(record)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake();
    this.#live.reader = undefined;
    this.#live.drop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

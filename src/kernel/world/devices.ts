/**
 * Network devices: what XDP and tc programs attach to. The world begins with `lo`.
 */
import { EEXIST, EINVAL } from '../../base/errno.ts';
import type { NetDevice } from '../../sys/index.ts';
import type { Devices } from './world.ts';

/** IFNAMSIZ less its zero. */
const NAME_MAX = 15;

export class DeviceTable implements Devices {
  readonly #devices = new Map<number, NetDevice>();
  readonly #removed: (ifindex: number) => void;
  #next = 1;

  /** `removed` is called for each device that goes away, so that programs come off it. */
  constructor(removed: (ifindex: number) => void) {
    this.#removed = removed;
    this.add('lo');
  }

  add(name: string): NetDevice | number {
    if (name === '' || name.length > NAME_MAX || /[/\s:]/.test(name)) return -EINVAL;
    if (this.find(name)) return -EEXIST;
    const device = { ifindex: this.#next++, name };
    this.#devices.set(device.ifindex, device);
    return device;
  }

  get(ifindex: number): NetDevice | undefined {
    return this.#devices.get(ifindex);
  }

  find(name: string): NetDevice | undefined {
    for (const device of this.#devices.values()) if (device.name === name) return device;
    return undefined;
  }

  remove(ifindex: number): void {
    if (this.#devices.delete(ifindex)) this.#removed(ifindex);
  }

  [Symbol.iterator](): IterableIterator<NetDevice> {
    return this.#devices.values();
  }
}

/**
 * A MapEnv for tests: two CPUs, counted references, and the list of what was notified.
 */
import { EBADF, EINVAL } from '../../src/base/errno.ts';
import type { KernelMap, MapDef, MapEnv, MapObject } from '../../src/maps/index.ts';
import { FlatMemory } from './flat-memory.ts';

export class TestMapEnv implements MapEnv {
  readonly mem: FlatMemory;
  readonly cpus = 2;
  cpu = 0;
  readonly notified: KernelMap[] = [];
  /** What descriptors stand for; a test puts objects here. */
  readonly objects = new Map<number, MapObject>();
  /** References that maps hold, by object. */
  readonly held = new Map<MapObject, number>();
  #seed = 1;

  constructor(memorySize?: number) {
    this.mem = new FlatMemory(memorySize);
  }

  currentCpu(): number {
    return this.cpu;
  }
  random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed;
  }
  notify(map: KernelMap): void {
    this.notified.push(map);
  }
  acquire(kind: MapObject['kind'], fd: number): MapObject | number {
    const object = this.objects.get(fd);
    if (object === undefined) return -EBADF;
    if (object.kind !== kind) return -EINVAL;
    this.held.set(object, (this.held.get(object) ?? 0) + 1);
    return object;
  }
  release(object: MapObject): void {
    const count = this.held.get(object) ?? 0;
    if (count === 0) throw new Error(`${object.kind} ${object.id} was released more often than acquired`);
    if (count === 1) this.held.delete(object);
    else this.held.set(object, count - 1);
  }
}

/** A definition with what a test does not care about filled in. */
export function mapDef(
  type: number,
  keySize: number,
  valueSize: number,
  maxEntries: number,
  more: Partial<MapDef> = {},
): MapDef {
  return { type, name: 'test', keySize, valueSize, maxEntries, flags: 0, extra: 0n, ...more };
}

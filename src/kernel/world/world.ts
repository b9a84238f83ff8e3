/**
 * The world around programs: tasks, network devices, cgroups, time, chance. All that reaches a program from
 * outside passes through here, so a test can fix it and a recording can replay it.
 */
import type { Clock } from '../../helpers/index.ts';
import type { NetDevice } from '../../sys/index.ts';
import type { Tasks } from './task.ts';

export interface World {
  /** Processes and threads: `upsert`, `get`, `exit`. */
  readonly tasks: Tasks;
  /** Network devices: `lo`, and those that are added. */
  readonly devices: Devices;
  /** The cgroup (v2) tree. */
  readonly cgroups: Cgroups;
  /** What the time helpers answer. */
  readonly clock: Clock;
  /** An unsigned 32-bit random number. */
  random(): number;
}

export interface Devices extends Iterable<NetDevice> {
  /** Adds a device with the next free index; EEXIST for a taken name is answered as -17. */
  add(name: string): NetDevice | number;
  get(ifindex: number): NetDevice | undefined;
  find(name: string): NetDevice | undefined;
  /** Removes a device; what is attached to it is detached, as in Linux. */
  remove(ifindex: number): void;
}

export interface Cgroup {
  readonly id: bigint;
  /** Absolute, under the mount point: `/` is the root. */
  readonly path: string;
  readonly parent: Cgroup | null;
}

export interface Cgroups {
  readonly root: Cgroup;
  /** The cgroup at a path below /sys/fs/cgroup, made where it is not there yet. */
  add(path: string): Cgroup;
  get(path: string): Cgroup | undefined;
  byId(id: bigint): Cgroup | undefined;
}

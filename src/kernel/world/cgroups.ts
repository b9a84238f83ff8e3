/**
 * The cgroup hierarchy (version 2), as far as programs see it: paths and ids. Mounted at /sys/fs/cgroup.
 */
import type { Cgroup, Cgroups } from './world.ts';

export const CGROUP_MOUNT = '/sys/fs/cgroup';

export class CgroupTree implements Cgroups {
  readonly root: Cgroup = { id: 1n, path: '/', parent: null };
  readonly #byPath = new Map<string, Cgroup>([['/', this.root]]);
  readonly #byId = new Map<bigint, Cgroup>([[1n, this.root]]);
  #next = 2n;

  add(path: string): Cgroup {
    let at = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      const next = (at.path === '/' ? '' : at.path) + '/' + name;
      at = this.#byPath.get(next) ?? this.#make(next, at);
    }
    return at;
  }

  get(path: string): Cgroup | undefined {
    return this.#byPath.get(
      '/' +
        path
          .split('/')
          .filter((part) => part !== '')
          .join('/'),
    );
  }

  byId(id: bigint): Cgroup | undefined {
    return this.#byId.get(id);
  }

  #make(path: string, parent: Cgroup): Cgroup {
    const cgroup = { id: this.#next++, path, parent };
    this.#byPath.set(path, cgroup);
    this.#byId.set(cgroup.id, cgroup);
    return cgroup;
  }
}

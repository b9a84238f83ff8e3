/** An open cgroup directory: what PROG_ATTACH and LINK_CREATE get as target_fd. */

import type { MapObject } from '../../maps/index.ts';
import type { Cgroup } from '../world/world.ts';
import { KernelObject } from './object.ts';

export class CgroupHandle extends KernelObject implements MapObject {
  readonly kind = 'cgroup';
  readonly cgroup: Cgroup;

  /** Programs see only that a slot holds one, and ask by index. */
  readonly id = 0;
  readonly value = 1;

  constructor(cgroup: Cgroup) {
    super();
    this.cgroup = cgroup;
  }

  protected override destroy(): void {
    // A cgroup of the world stays whether or not somebody looks at it.
  }
}

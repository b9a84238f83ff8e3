/** Why a cgroup program did not get to a directory: only those of a cgroup2 file system are cgroups with programs. */
import { readFileSync, readlinkSync, statfsSync } from 'node:fs';
import type { Fd } from '../sys/index.ts';
import { attachTypeName } from '../uapi/attach-types.ts';

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const CGROUP2_MAGIC = 0x63677270;

/** For EBADF: a sentence where `target` is open and no cgroup, though the attach type wants one. */
export function whyNoCgroup(target: Fd, attachType: number): string | undefined {
  if (!/^(cgroup|lsm_cgroup)/.test(attachTypeName(attachType) ?? '')) return undefined;
  try {
    const path = readlinkSync(`/proc/self/fd/${target}`);
    if (statfsSync(path).type === CGROUP2_MAGIC) return undefined;
    const mount = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
    const where = mount === undefined ? 'none is mounted here' : `one is mounted at ${mount}`;
    return `${path} is not in a cgroup (v2) file system; ${where}`;
  } catch {
    return undefined; // not open, or a file that has gone
  }
}

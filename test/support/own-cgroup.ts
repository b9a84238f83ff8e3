/** A cgroup (v2) of the test's own, with this process in it if it wants to be. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the cgroup2 file system is; undefined where it is not. */
export function cgroupRoot(): string | undefined {
  return /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1];
}

/** The directory of the cgroup that this process is in. */
export function ownCgroup(): string {
  const root = cgroupRoot();
  if (root === undefined) throw new Error('no cgroup2 file system is mounted');
  return join(root, /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '');
}

/** Makes a cgroup and moves this process there; answers where it is and how to come back. */
export function enterCgroup(name: string): { path: string; leave: () => void } {
  const home = ownCgroup();
  const path = join(home, `${name}-${process.pid}`);
  mkdirSync(path);
  writeFileSync(join(path, 'cgroup.procs'), String(process.pid));
  return {
    path,
    leave() {
      writeFileSync(join(home, 'cgroup.procs'), String(process.pid));
      rmdirSync(path);
    },
  };
}

/** The bpf file system as clients see it: the answers of bpffs.ts as promises and exceptions. */
import { EISDIR, ENOENT, ENOTDIR } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import type { BpfFs } from '../../sys/index.ts';
import { BPFFS_MOUNT, type BpfFileSystem } from './bpffs.ts';

export function clientBpfFs(fs: BpfFileSystem): BpfFs {
  return {
    mounts: async () => [BPFFS_MOUNT],
    list: async (path) => check('readdir', path, fs.list(path)),
    mkdir: async (path) => {
      check('mkdir', path, fs.mkdir(path));
    },
    remove: async (path) => {
      const error = fs.unlink(path);
      check('remove', path, error === -EISDIR ? fs.rmdir(path) : error);
    },
    stat: async (path) => {
      const entry = fs.stat(path);
      return entry === -ENOENT || entry === -ENOTDIR ? null : check('stat', path, entry);
    },
  };
}

function check<T>(op: string, path: string, answer: T | number): T {
  if (typeof answer === 'number' && answer < 0) throw new BpfError(op, -answer, path);
  return answer as T;
}

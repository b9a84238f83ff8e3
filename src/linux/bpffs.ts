/**
 * The bpf file systems of this machine: directories and pins, looked at with ordinary file calls. They are made by the
 * calling thread, as bpf(2) is: another thread might see other mounts. Nothing here waits for a disk.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, statfsSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { EINVAL, EIO, errnoOf } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { BpfFs, BpfFsEntry, Fd } from '../sys/index.ts';
import { kindOfFd } from './fd-kind.ts';

/** BPF_FS_MAGIC of linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** `open` opens a pin (OBJ_GET) to see what it is, `close` closes it: a pin's file type says nothing. */
export function linuxBpfFs(open: (path: string) => Promise<Fd>, close: (fd: Fd) => Promise<void>): BpfFs {
  async function kindOf(path: string): Promise<BpfFsEntry['kind']> {
    let fd: Fd;
    try {
      fd = await open(path);
    } catch {
      return 'other'; // an iterator's file, or not ours to open
    }
    try {
      const kind = kindOfFd(fd);
      return kind === undefined || kind === 'btf' ? 'other' : kind;
    } finally {
      await close(fd);
    }
  }

  async function entry(path: string, name: string, directory: boolean): Promise<BpfFsEntry> {
    return { name, kind: directory ? 'directory' : await kindOf(path) };
  }

  return {
    async mounts() {
      const lines = readFileSync('/proc/mounts', 'utf8')
        .split('\n')
        .map((l) => l.split(' '));
      return [...new Set(lines.filter((f) => f[2] === 'bpf').map((f) => f[1]!.replaceAll('\\040', ' ')))];
    },
    async list(path) {
      const entries = at(path, () => readdirSync(path, { withFileTypes: true }));
      entries.sort((a, b) => (a.name < b.name ? -1 : 1));
      const found: BpfFsEntry[] = [];
      for (const e of entries) found.push(await entry(join(path, e.name), e.name, e.isDirectory()));
      return found;
    },
    async mkdir(path) {
      at(path, () => mkdirSync(path));
    },
    async remove(path) {
      // Only what lies in a bpf file system: a mistyped path must not cost somebody a file.
      const { type } = at(path, () => statfsSync(path));
      if (type !== BPF_FS_MAGIC) throw new BpfError('unlink', EINVAL, `${path} is not in a bpf file system`);
      at(path, () => (statSync(path).isDirectory() ? rmdirSync(path) : unlinkSync(path)));
    },
    async stat(path) {
      try {
        const directory = statSync(path).isDirectory();
        return await entry(path, path.slice(path.lastIndexOf('/') + 1), directory);
      } catch (e) {
        const { code } = e as NodeJS.ErrnoException;
        if (code === 'ENOENT' || code === 'ENOTDIR') return null;
        throw fileError(path, e);
      }
    },
  };
}

function at<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (e) {
    throw fileError(path, e);
  }
}

function fileError(path: string, cause: unknown): BpfError {
  if (cause instanceof BpfError) return cause;
  const { code, syscall } = cause as NodeJS.ErrnoException;
  return new BpfError(syscall ?? 'bpffs', errnoOf(code ?? '') ?? EIO, path, { cause });
}

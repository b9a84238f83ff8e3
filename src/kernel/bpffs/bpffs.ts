/**
 * The bpf file system: directories and pins below /sys/fs/bpf. A pin holds its object like a descriptor does.
 *
 * Answers are 0 or -errno, in the order in which Linux finds fault with a path.
 */
import { EACCES, EEXIST, EISDIR, ENAMETOOLONG, ENOENT, ENOSPC, ENOTDIR, ENOTEMPTY, EPERM } from '../../base/errno.ts';
import type { BpfFsEntry } from '../../sys/index.ts';
import type { KernelObject } from '../objects/object.ts';

export const BPFFS_MOUNT = '/sys/fs/bpf';
const NAME_MAX = 255;
const PATH_MAX = 4096;
/** Pins and directories of one kernel: a bound for clients that only ever add. */
const MAX_NODES = 1 << 20;

type Directory = Map<string, Node>;
type Node = Directory | KernelObject;

/** A path that was followed to its last name: what is there, if anything. */
interface Found {
  readonly parent: Directory;
  readonly name: string;
  readonly node: Node | undefined;
}

export class BpfFileSystem {
  readonly #root: Directory = new Map();
  #pins = 0;
  #directories = 0;

  /** How many objects are pinned. */
  get pins(): number {
    return this.#pins;
  }

  /** Pins `object`, taking a reference of its own. */
  pin(path: string, object: KernelObject): number {
    const found = this.#find(path, -EPERM);
    if (typeof found === 'number') return found;
    if (found.node !== undefined) return -EEXIST;
    if (isReserved(found.name)) return -EPERM;
    if (this.#pins + this.#directories >= MAX_NODES) return -ENOSPC;
    found.parent.set(found.name, object.hold());
    object.opened();
    this.#pins++;
    return 0;
  }

  /** What is pinned at a path; the reference stays the pin's. */
  get(path: string): KernelObject | number {
    const found = this.#find(path, -ENOENT);
    if (typeof found === 'number') return found;
    if (found.node === undefined) return isReserved(found.name) ? -EPERM : -ENOENT;
    return found.node instanceof Map ? -EACCES : found.node;
  }

  mkdir(path: string): number {
    const found = this.#find(path, -EPERM);
    if (typeof found === 'number') return found;
    if (found.node !== undefined) return -EEXIST;
    if (isReserved(found.name)) return -EPERM;
    if (this.#pins + this.#directories >= MAX_NODES) return -ENOSPC;
    found.parent.set(found.name, new Map());
    this.#directories++;
    return 0;
  }

  /** unlink(2) of a pin. */
  unlink(path: string): number {
    const found = this.#find(path, -ENOENT);
    if (typeof found === 'number') return found;
    if (found.node === undefined) return -ENOENT;
    if (found.node instanceof Map) return -EISDIR;
    found.parent.delete(found.name);
    this.#pins--;
    found.node.closed();
    found.node.drop();
    return 0;
  }

  rmdir(path: string): number {
    const found = this.#find(path, -ENOENT);
    if (typeof found === 'number') return found;
    if (found.node === undefined) return -ENOENT;
    if (!(found.node instanceof Map)) return -ENOTDIR;
    if (found.node.size > 0) return -ENOTEMPTY;
    if (found.node === this.#root) return -EPERM;
    found.parent.delete(found.name);
    this.#directories--;
    return 0;
  }

  /** Entries of a directory, sorted by name. */
  list(path: string): BpfFsEntry[] | number {
    const found = this.#find(path, -ENOENT);
    if (typeof found === 'number') return found;
    if (found.node === undefined) return -ENOENT;
    if (!(found.node instanceof Map)) return -ENOTDIR;
    return [...found.node]
      .map(([name, node]) => ({ name, kind: kindOf(node) }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  stat(path: string): BpfFsEntry | number {
    const found = this.#find(path, -ENOENT);
    if (typeof found === 'number') return found;
    return found.node === undefined ? -ENOENT : { name: found.name, kind: kindOf(found.node) };
  }

  /** Follows a path; `elsewhere` is the answer for paths outside of this file system. */
  #find(path: string, elsewhere: number): Found | number {
    if (path === '') return -ENOENT;
    if (path.length >= PATH_MAX) return -ENAMETOOLONG;
    if (!path.startsWith('/')) return elsewhere;
    const names: string[] = [];
    for (const part of path.split('/')) {
      if (part === '..') names.pop();
      else if (part !== '' && part !== '.') names.push(part);
      if (part.length > NAME_MAX) return -ENAMETOOLONG;
    }
    const mount = BPFFS_MOUNT.slice(1).split('/');
    if (mount.some((name, i) => names[i] !== name)) return elsewhere;
    const inside = names.slice(mount.length);
    let parent = this.#root;
    let name = mount.at(-1)!;
    let node: Node | undefined = this.#root;
    for (const next of inside) {
      if (node === undefined) return -ENOENT;
      if (!(node instanceof Map)) return -ENOTDIR;
      parent = node;
      name = next;
      node = parent.get(next);
    }
    // A trailing slash asks for a directory.
    if (path.endsWith('/') && !(node instanceof Map)) return node === undefined ? -ENOENT : -ENOTDIR;
    return { parent, name, node };
  }
}

/** Names with dots are the kernel's own. */
function isReserved(name: string): boolean {
  return name.includes('.');
}

function kindOf(node: Node): BpfFsEntry['kind'] {
  if (node instanceof Map) return 'directory';
  return node.kind === 'prog' || node.kind === 'map' || node.kind === 'link' ? node.kind : 'other';
}

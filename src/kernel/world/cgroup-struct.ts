/**
 * Cgroups in linear memory: struct cgroup in the reference kernel's layout, made when a program first asks for one.
 * Cgroups of the world never go, nor do these.
 *
 *     cgroup -> kn (kernfs_node: id)   level   ancestors[level + 1] (cgroup)   self.cgroup (itself)
 */
import type { Addr, Memory } from '../../base/memory.ts';
import type { Btf } from '../../btf/index.ts';
import { Layout } from './layout.ts';
import type { Cgroup, Cgroups } from './world.ts';

const POINTER = 8;

export class CgroupBlocks {
  readonly #mem: Memory;
  readonly #btf: () => Btf;
  readonly #cgroups: Cgroups;
  readonly #byId = new Map<bigint, Addr>();
  readonly #byAddr = new Map<Addr, Cgroup>();
  #plan: { cgroup: Layout; node: Layout } | undefined;

  constructor(mem: Memory, btf: () => Btf, cgroups: Cgroups) {
    this.#mem = mem;
    this.#btf = btf;
    this.#cgroups = cgroups;
  }

  at(addr: Addr): Cgroup | undefined {
    return this.#byAddr.get(addr);
  }

  /** The structure of the cgroup with that id; 0 where there is none, or no memory. */
  of(id: bigint): Addr {
    const known = this.#byId.get(id);
    if (known !== undefined) return known;
    const cgroup = this.#cgroups.byId(id);
    return cgroup === undefined ? 0 : this.#make(cgroup);
  }

  /** The ancestor of the cgroup at `addr` that is `level` steps below the root; 0 where it has none there. */
  ancestor(addr: Addr, level: number): Addr {
    const cgroup = this.#byAddr.get(addr);
    const ancestor = cgroup && lineOf(cgroup)[level];
    return ancestor === undefined ? 0 : this.of(ancestor.id);
  }

  #make(cgroup: Cgroup): Addr {
    const line = lineOf(cgroup);
    const { cgroup: layout, node } = (this.#plan ??= {
      cgroup: new Layout(this.#btf(), 'cgroup'),
      node: new Layout(this.#btf(), 'kernfs_node'),
    });
    const nodeOffset = layout.size + line.length * POINTER;
    const addr = this.#mem.alloc(nodeOffset + node.size, 64);
    if (addr === 0) return 0;
    this.#byId.set(cgroup.id, addr);
    this.#byAddr.set(addr, cgroup);
    const set = (base: Addr, of: Layout, path: string, value: bigint): void => {
      const member = of.member(path);
      if (member?.size === 8) this.#mem.setU64(base + member.offset, value);
      else if (member?.size === 4) this.#mem.setU32(base + member.offset, Number(value));
    };
    set(addr + nodeOffset, node, 'id', cgroup.id);
    set(addr, layout, 'kn', BigInt(addr + nodeOffset));
    set(addr, layout, 'self.cgroup', BigInt(addr));
    set(addr, layout, 'level', BigInt(line.length - 1));
    const ancestors = layout.member('ancestors')?.offset ?? layout.size;
    line.forEach((ancestor, level) => {
      this.#mem.setU64(addr + ancestors + level * POINTER, BigInt(this.of(ancestor.id)));
    });
    return addr;
  }
}

/** The cgroup and its ancestors, from the root on. */
function lineOf(cgroup: Cgroup): Cgroup[] {
  const line: Cgroup[] = [];
  for (let at: Cgroup | null = cgroup; at !== null; at = at.parent) line.unshift(at);
  return line;
}

/**
 * Maps, programs, links and cgroups as structures of the reference kernel, for programs that are given pointers to them:
 * made for one run, with the members that programs commonly read. All else is zero, and NULL pointers read as zeros.
 */
import { fixedCString } from '../../base/bytes.ts';
import type { Addr } from '../../base/memory.ts';
import type { Core } from '../core.ts';
import type { Link } from '../objects/link.ts';
import type { LiveMap } from '../objects/map.ts';
import type { LoadedProg } from '../objects/prog.ts';
import { Layout } from '../world/layout.ts';

export class Blocks {
  readonly #core: Core;
  readonly #layouts = new Map<string, Layout>();
  readonly #made: Addr[] = [];

  constructor(core: Core) {
    this.#core = core;
  }

  /** A zeroed block of `size` bytes, or 0 where memory is out. It is given back by `free`. */
  room(size: number): Addr {
    const addr = this.#core.mem.alloc(size, 16);
    if (addr !== 0) this.#made.push(addr);
    return addr;
  }

  /** Gives back all blocks that were made. */
  free(): void {
    for (const addr of this.#made) this.#core.mem.free(addr);
    this.#made.length = 0;
  }

  map({ id, def }: LiveMap): Addr {
    return this.#struct('bpf_map', {
      id,
      name: def.name,
      map_type: def.type,
      key_size: def.keySize,
      value_size: def.valueSize,
      max_entries: def.maxEntries,
      map_flags: def.flags,
      map_extra: def.extra,
    });
  }

  prog({ id, facts }: LoadedProg): Addr {
    const aux = this.#struct('bpf_prog_aux', {
      id,
      name: facts.name,
      load_time: facts.loadTime,
      attach_btf_id: facts.attachBtfId,
      verified_insns: facts.verifiedInsns,
      func_cnt: facts.subprogStarts.length,
    });
    return this.#struct('bpf_prog', {
      type: facts.type,
      expected_attach_type: facts.attachType,
      len: facts.text.size / 8,
      tag: facts.text.tag,
      aux,
    });
  }

  link(link: Link): Addr {
    return this.#struct('bpf_link', { id: link.id, type: link.target.type, prog: this.prog(link.prog) });
  }

  /** A structure with these members: numbers, addresses, bytes, or text with its final zero. 0 where memory is out. */
  #struct(name: string, members: Readonly<Record<string, number | bigint | string | Uint8Array>>): Addr {
    let layout = this.#layouts.get(name);
    if (layout === undefined) this.#layouts.set(name, (layout = new Layout(this.#core.kernelBtf, name)));
    const addr = this.room(layout.size);
    if (addr === 0) return 0;
    const { mem } = this.#core;
    for (const [path, value] of Object.entries(members)) {
      const member = layout.member(path);
      if (member === undefined) continue; // a kernel that lacks it has no program that reads it
      const at = addr + member.offset;
      if (typeof value === 'string') mem.write(at, fixedCString(value, member.size));
      else if (value instanceof Uint8Array) mem.write(at, value.subarray(0, member.size));
      else if (member.size === 8) mem.setU64(at, BigInt.asUintN(64, BigInt(value)));
      else if (member.size === 4) mem.setU32(at, Number(value) >>> 0);
      else if (member.size === 1) mem.setU8(at, Number(value));
    }
    return addr;
  }
}

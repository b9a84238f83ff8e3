/**
 * What a case needs before its program can be loaded: BTF objects, maps with their contents, and the kernel's own types.
 * A descriptor made here is closed by `close`, except those of BTF, which cases share.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex } from '../../base/bytes.ts';
import { BpfError, FormatError } from '../../base/errors.ts';
import type { Btf } from '../../btf/index.ts';
import { KernelTypes } from '../../client/index.ts';
import { Bpf, type Fd, type Kernel, type MapMemory } from '../../sys/index.ts';
import type { Attr } from '../../uapi/commands.ts';
import { BPF_MAP_TYPE_ARENA } from '../../uapi/generated/constants.ts';
import type { CaseMap } from './case.ts';

const NAME_MAX = 15;

/** Blobs of BTF, loaded once each, and the kernel's own. */
export class BtfObjects {
  readonly #bpf: Bpf;
  readonly #types: KernelTypes;
  readonly #blobs: ReadonlyMap<string, Uint8Array>;
  readonly #loaded = new Map<string, Fd>();

  /** `blobs` are at hand, by name; all others are read from files. */
  constructor(kernel: Kernel, blobs: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#bpf = new Bpf(kernel);
    this.#types = new KernelTypes(this.#bpf);
    this.#blobs = blobs;
  }

  kernel(): Promise<Btf> {
    return this.#types.btf();
  }

  /** A descriptor that stays open until `close`. */
  async load(directory: string, name: string): Promise<Fd> {
    if (!/^[0-9a-zA-Z_-]+$/.test(name)) throw new FormatError('this is no name of a BTF blob', name);
    const path = join(directory, `${name}.btf`);
    let fd = this.#loaded.get(path);
    if (fd === undefined) {
      fd = await this.#bpf.btfLoad(this.#blobs.get(name) ?? new Uint8Array(readFileSync(path)));
      this.#loaded.set(path, fd);
    }
    return fd;
  }

  async close(): Promise<void> {
    for (const fd of this.#loaded.values()) await this.#bpf.close(fd);
    this.#loaded.clear();
  }
}

/** The maps of one case, in its order. */
export class CaseMaps {
  readonly fds: Fd[] = [];
  readonly #kernel: Kernel;
  readonly #bpf: Bpf;
  readonly #btfs: BtfObjects;
  readonly #btfDirectory: string;
  readonly #all: Fd[] = [];
  readonly #memories: MapMemory[] = [];

  constructor(kernel: Kernel, btfs: BtfObjects, btfDirectory: string) {
    this.#kernel = kernel;
    this.#bpf = new Bpf(kernel);
    this.#btfs = btfs;
    this.#btfDirectory = btfDirectory;
  }

  async create(maps: readonly CaseMap[]): Promise<void> {
    for (const map of maps) {
      const fd = await this.#create(map, maps);
      this.fds.push(fd);
      for (const [key, value] of map.init ?? []) await this.#bpf.mapUpdate(fd, hex(key), hex(value));
      if (map.frozen) await this.#bpf.mapFreeze(fd);
    }
  }

  async close(): Promise<void> {
    for (const memory of this.#memories.splice(0)) await memory.close();
    for (const fd of this.#all.splice(0)) await this.#bpf.close(fd);
    this.fds.length = 0;
  }

  async #create(map: CaseMap, all: readonly CaseMap[]): Promise<Fd> {
    const template = typeof map.inner === 'number' ? all[map.inner] : map.inner;
    const inner = template === undefined ? undefined : await this.#create(template, all);
    const typed =
      map.btf === undefined || (!map.btf_key && !map.btf_value)
        ? {}
        : {
            btf_fd: await this.#btfs.load(this.#btfDirectory, map.btf),
            btf_key_type_id: map.btf_key ?? 0,
            btf_value_type_id: map.btf_value ?? 0,
          };
    const attr: Attr<'MAP_CREATE'> = {
      map_type: map.type,
      key_size: map.key_size,
      value_size: map.value_size,
      max_entries: map.max_entries,
      map_flags: map.flags,
      map_name: (map.name ?? '').replace(/[^A-Za-z0-9_.]/g, '_').slice(0, NAME_MAX),
      map_extra: BigInt(map.extra ?? 0),
      ...(inner === undefined ? {} : { inner_map_fd: inner }),
    };
    const fd = this.#keep(await this.#createTyped(attr, typed));
    // The verifier wants to know where user space has an arena: there it must be, if the case does not say.
    if (map.type === BPF_MAP_TYPE_ARENA && !map.extra) this.#memories.push(await this.#kernel.mapMemory(fd));
    return fd;
  }

  /** Types of elements are dropped where the kind of map takes none, as loaders do. */
  async #createTyped(attr: Attr<'MAP_CREATE'>, typed: Attr<'MAP_CREATE'>): Promise<Fd> {
    try {
      return await this.#bpf.mapCreate({ ...attr, ...typed });
    } catch (error) {
      if (!(error instanceof BpfError) || typed.btf_fd === undefined) throw error;
      return this.#bpf.mapCreate(attr);
    }
  }

  #keep(fd: Fd): Fd {
    this.#all.push(fd);
    return fd;
  }
}

/** Bytes of hex digits. FormatError. */
export function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new FormatError('these are no hex digits', text.slice(0, 20));
  return bytes;
}

/** The maps of an object: created, or taken from a pin or from the caller; filled and frozen. */
import { view } from '../base/bytes.ts';
import { ENOENT } from '../base/errno.ts';
import { BpfError, SkepError, UnsupportedError } from '../base/errors.ts';
import { type CollectionSpec, type MapSpec, typesForKernel } from '../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import type { Attr } from '../uapi/commands.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../uapi/generated/constants.ts';
import { about } from './about.ts';
import { applyGlobals } from './globals.ts';
import type { KernelTypes } from './kernel-types.ts';
import type { LoadOptions } from './load-options.ts';
import { BpfMap } from './map.ts';
import { describeShape, type MapShape } from './map-shape.ts';
import type { Owned } from './owned.ts';
import { kernelStruct, StructOpsMap } from './struct-ops.ts';

const BPF_F_NUMA_NODE = 1 << 2;
const NAME_MAX = 15;
/** Ring buffers are powers of two of pages; the smallest that Linux has. */
const PAGE = 4096;
const MAX_U32 = 0xffff_ffff;

/** What a program type may not be given: reused maps have to fit what the object defines. */
const COMPARED = ['type', 'keySize', 'valueSize', 'maxEntries', 'flags'] as const;

export class MapMaker {
  readonly #kernel: Kernel;
  readonly #bpf: Bpf;
  readonly #spec: CollectionSpec;
  readonly #options: LoadOptions;
  readonly #owned: Owned;
  readonly #types: KernelTypes;
  /** Descriptor of the object's BTF in the kernel. */
  readonly #btfFd: Fd | undefined;

  constructor(
    kernel: Kernel,
    spec: CollectionSpec,
    options: LoadOptions,
    owned: Owned,
    types: KernelTypes,
    btfFd: Fd | undefined,
  ) {
    this.#kernel = kernel;
    this.#bpf = new Bpf(kernel);
    this.#spec = spec;
    this.#options = options;
    this.#owned = owned;
    this.#types = types;
    this.#btfFd = btfFd;
  }

  /** All maps by name, with contents and inner maps in place. Slots that hold programs are left for later. */
  async all(): Promise<Map<string, BpfMap>> {
    for (const name of Object.keys(this.#options.maps ?? {})) {
      if (!this.#spec.maps.has(name))
        throw new SkepError('ERR_NO_SUCH_OBJECT', `the object has no map '${name}' to replace`);
    }
    const maps = new Map<string, BpfMap>();
    const contents = applyGlobals(this.#spec, this.#options.globals ?? {});
    for (const spec of this.#spec.maps.values()) {
      const { map, fresh } = await this.#one(spec);
      maps.set(spec.name, map);
      if (fresh) await this.#fill(map, spec, contents.get(spec.name));
    }
    for (const spec of this.#spec.maps.values()) {
      if (spec.slots && spec.type !== BPF_MAP_TYPE_PROG_ARRAY) {
        await fillSlots(maps.get(spec.name)!, spec, (name) => maps.get(name)?.fd);
      }
    }
    return maps;
  }

  async #one(spec: MapSpec): Promise<{ map: BpfMap; fresh: boolean }> {
    const given = this.#options.maps?.[spec.name];
    if (given) {
      if (!this.#options.mapsOfAnyShape) checkFits(spec, given.shape, 'the map given for it');
      return { map: given, fresh: false };
    }
    const pin = spec.pinByName ? `${await this.#pinDirectory()}/${spec.name}` : undefined;
    const pinned = pin === undefined ? undefined : await this.#openPin(pin);
    if (pinned && pin !== undefined) {
      checkFits(spec, pinned.shape, `the map pinned at ${pin}`);
      return { map: pinned, fresh: false };
    }
    const map = await this.#made(spec);
    this.#owned.add(() => map.close());
    if (pin !== undefined) {
      await map.pin(pin);
      // A pin that a failed load leaves behind would be found by the next one.
      this.#onFailure(() => map.unpin(pin));
    }
    return { map, fresh: true };
  }

  async #made(spec: MapSpec): Promise<BpfMap> {
    const fd = await this.#create(spec);
    const shape = this.#shape(spec);
    if (!spec.structOps) return new BpfMap(this.#kernel, fd, shape);
    const { valueSize } = kernelStruct(await this.#types.btf(), spec.structOps);
    return new StructOpsMap(this.#kernel, fd, { ...shape, valueSize }, spec.structOps.link);
  }

  readonly #undo: (() => Promise<void>)[] = [];

  #onFailure(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }

  /** Removes the pins that were made; for when loading fails after all. */
  async undo(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo().catch(() => {});
  }

  async #openPin(path: string): Promise<BpfMap | undefined> {
    try {
      const map = await BpfMap.open(this.#kernel, path, this.#spec.btf);
      this.#owned.add(() => map.close());
      return map;
    } catch (error) {
      if (error instanceof BpfError && error.errno === ENOENT) return undefined;
      throw error;
    }
  }

  async #pinDirectory(): Promise<string> {
    const directory = this.#options.pinDirectory ?? (await this.#kernel.bpffs.mounts())[0];
    if (directory === undefined) throw new UnsupportedError('pinning maps: this kernel has no bpf file system mounted');
    return directory;
  }

  async #create(spec: MapSpec): Promise<Fd> {
    const inner = spec.inner && (await this.#create(spec.inner));
    try {
      const attr = { ...this.#attr(spec, inner), ...(await this.#structOps(spec)) };
      return await this.#createWithTypes(spec, attr);
    } catch (error) {
      throw about(describeShape(this.#shape(spec)), error);
    } finally {
      // The template is a map like any other until the outer one has its shape.
      if (inner !== undefined) await this.#bpf.close(inner);
    }
  }

  /** What a structure of functions is created with: the kernel's type of its value. */
  async #structOps({ structOps }: MapSpec): Promise<Attr<'MAP_CREATE'>> {
    if (!structOps) return {};
    const { valueId, valueSize } = kernelStruct(await this.#types.btf(), structOps);
    return { value_size: valueSize, btf_vmlinux_value_type_id: valueId, btf_fd: this.#btfFd };
  }

  /** Not every map type takes types: a refusal is asked again without. */
  async #createWithTypes(spec: MapSpec, attr: Attr<'MAP_CREATE'>): Promise<Fd> {
    const { key, value } = typesForKernel(spec);
    if (this.#btfFd === undefined || (key === 0 && value === 0)) return this.#bpf.mapCreate(attr);
    const types = { btf_fd: this.#btfFd, btf_key_type_id: key, btf_value_type_id: value };
    try {
      return await this.#bpf.mapCreate({ ...attr, ...types });
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const fd = await this.#bpf.mapCreate(attr);
      this.#options.warn?.(`map '${spec.name}' is made without its types: the kernel refused them (${error.code})`);
      return fd;
    }
  }

  #attr(spec: MapSpec, inner: Fd | undefined): Attr<'MAP_CREATE'> {
    return {
      map_type: spec.type,
      key_size: spec.keySize,
      value_size: spec.valueSize,
      max_entries: this.#entries(spec),
      map_flags: spec.flags,
      map_name: spec.name.slice(0, NAME_MAX),
      map_extra: spec.extra,
      ...((spec.flags & BPF_F_NUMA_NODE) !== 0 ? { numa_node: spec.numaNode } : {}),
      ...(inner === undefined ? {} : { inner_map_fd: inner }),
    };
  }

  /** What the object says, or where that would be refused and what was meant is plain, what libbpf makes of it. */
  #entries({ type, maxEntries }: MapSpec): number {
    if (type === BPF_MAP_TYPE_PERF_EVENT_ARRAY && maxEntries === 0) return this.#kernel.possibleCpus;
    const isRing = type === BPF_MAP_TYPE_RINGBUF || type === BPF_MAP_TYPE_USER_RINGBUF;
    if (!isRing || maxEntries === 0) return maxEntries;
    let size = PAGE;
    while (size < maxEntries) size *= 2;
    return size > MAX_U32 ? maxEntries : size;
  }

  #shape(spec: MapSpec): MapShape {
    const { name, type, keySize, valueSize, flags, keyTypeId, valueTypeId } = spec;
    const maxEntries = this.#entries(spec);
    return { name, type, keySize, valueSize, maxEntries, flags, btf: this.#spec.btf, keyTypeId, valueTypeId };
  }

  async #fill(map: BpfMap, spec: MapSpec, data: Uint8Array | undefined): Promise<void> {
    if (spec.structOps) return; // its programs come first
    if (data?.some((byte) => byte !== 0)) await map.update(new Uint8Array(spec.keySize), data);
    if (spec.freeze) await map.freeze();
  }
}

/** Writes descriptors into the slots that the object initialises. */
export async function fillSlots(map: BpfMap, spec: MapSpec, fdOf: (name: string) => Fd | undefined): Promise<void> {
  for (const [index, name] of spec.slots ?? []) {
    const fd = fdOf(name);
    // A program that is not loaded leaves its slot empty: a tail call to it falls through.
    if (fd === undefined) continue;
    const key = new Uint8Array(spec.keySize);
    view(key).setUint32(0, index, true);
    const value = new Uint8Array(4);
    view(value).setUint32(0, fd, true);
    await map.update(key, value);
  }
}

function checkFits(spec: MapSpec, shape: MapShape, which: string): void {
  for (const field of COMPARED) {
    if (spec[field] === shape[field] || (field === 'maxEntries' && spec.maxEntries === 0)) continue;
    throw new SkepError(
      'ERR_MAP_MISMATCH',
      `map '${spec.name}': ${which} has ${field} ${shape[field]}, and the object wants ${spec[field]}`,
    );
  }
}

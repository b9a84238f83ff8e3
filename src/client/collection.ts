/**
 * An object file in a kernel: `loadCollection` makes its maps and programs, and a Collection holds them until `close`.
 *
 * Order: BTF, maps (filled, frozen, pinned), programs (references and CO-RE resolved), then the slots of program arrays.
 * What was made before a failure is closed again.
 */
import { BpfError, SkepError } from '../base/errors.ts';
import { type CollectionSpec, parseObject } from '../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../uapi/generated/constants.ts';
import { bytes, list } from './arguments.ts';
import { fillSlots, MapMaker } from './create-maps.ts';
import { BpfGlobal, variables } from './globals.ts';
import { KernelTypes } from './kernel-types.ts';
import type { LoadOptions } from './load-options.ts';
import { type LoadContext, loadProgram } from './load-program.ts';
import { BpfMap } from './map.ts';
import { Owned } from './owned.ts';
import type { BpfProgram } from './program.ts';
import { StructOpsMap, structOpsValue } from './struct-ops.ts';
import { USDT_SPECS_MAP, UsdtSpecs } from './usdt-specs.ts';

/**
 * What an object became in a kernel. Maps and programs are properties by their C names, in the order of the object:
 * `collection.maps.events`, `collection.programs.handle_open`, `collection.globals.lost`; `Object.values` goes through
 * them. Where the names are known, `loadCollection<'events', 'handle_open', 'lost'>(…)` has the compiler check them.
 */
export class Collection<M extends string = string, P extends string = string, G extends string = string> {
  /** What was read from the object file. */
  readonly spec: CollectionSpec;
  /** The maps by name; data maps (`.bss`, `.rodata`) among them. */
  readonly maps: Readonly<Record<M, BpfMap>>;
  /** The programs by the names of their functions. */
  readonly programs: Readonly<Record<P, BpfProgram>>;
  /** The global variables of the C source, as the programs see them now. */
  readonly globals: Readonly<Record<G, BpfGlobal>>;
  readonly #owned: Owned;

  constructor(
    spec: CollectionSpec,
    maps: ReadonlyMap<string, BpfMap>,
    programs: ReadonlyMap<string, BpfProgram>,
    owned: Owned,
  ) {
    this.spec = spec;
    this.maps = byName(maps);
    this.programs = byName(programs);
    this.globals = byName(globalsOf(spec, maps));
    this.#owned = owned;
  }

  /** The map of that name; a SkepError that lists the names where there is none. */
  map(name: string): BpfMap {
    return find('map', name, this.maps);
  }

  /** The program of that name; a SkepError that lists the names where there is none. */
  program(name: string): BpfProgram {
    return find('program', name, this.programs);
  }

  /** The global variable of that name; a SkepError that lists the names where there is none. */
  global(name: string): BpfGlobal {
    return find('global variable', name, this.globals);
  }

  /** Closes all programs and maps. What is pinned or attached lives on. */
  close(): Promise<void> {
    return this.#owned.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Loads an object file, or what was read from one, into a kernel. */
export function loadCollection<M extends string = string, P extends string = string, G extends string = string>(
  kernel: Kernel,
  object: Uint8Array | CollectionSpec,
  options: LoadOptions = {},
): Promise<Collection<M, P, G>> {
  return Owned.build(async (owned) => {
    checkArguments(object, options);
    const kconfig = options.kconfig ?? (await kernelConfig(kernel, object));
    const spec =
      object instanceof Uint8Array
        ? parseObject(object, { kconfig, ...(options.name === undefined ? {} : { name: options.name }) })
        : object;
    const btfFd = await loadTypes(kernel, spec, options, owned);
    const types = new KernelTypes(new Bpf(kernel), options.kernelBtf);
    const maker = new MapMaker(kernel, spec, options, owned, types, btfFd);
    try {
      const maps = await maker.all();
      const specs = maps.get(USDT_SPECS_MAP);
      const context: LoadContext = {
        kernel,
        spec,
        options,
        btfFd,
        types,
        specs: specs && new UsdtSpecs(specs),
        mapFd: (name) => maps.get(name)?.fd,
      };
      const programs = new Map<string, BpfProgram>();
      for (const program of chosen(spec, options.programs)) {
        const loaded = await loadProgram(context, program);
        owned.add(() => loaded.close());
        await bindConstants(kernel, spec, maps, loaded);
        programs.set(program.name, loaded);
      }
      for (const map of spec.maps.values()) {
        if (map.slots && map.type === BPF_MAP_TYPE_PROG_ARRAY) {
          await fillSlots(maps.get(map.name)!, map, (name) => programs.get(name)?.fd);
        }
        const made = maps.get(map.name);
        if (made instanceof StructOpsMap) {
          await made.fill(structOpsValue(spec, await types.btf(), map, (name) => programs.get(name)?.fd));
        }
      }
      return new Collection<M, P, G>(spec, maps, programs, owned);
    } catch (error) {
      await maker.undo();
      throw error;
    }
  });
}

/**
 * Every program holds the object's constants, used or not: they say what it is made of (`.rodata.meta`), and whoever
 * looks at the program finds them. Kernels before 5.10 cannot, and then it is left.
 */
async function bindConstants(
  kernel: Kernel,
  spec: CollectionSpec,
  maps: ReadonlyMap<string, BpfMap>,
  program: BpfProgram,
): Promise<void> {
  for (const map of spec.maps.values()) {
    const fd = map.isData && map.freeze ? maps.get(map.name)?.fd : undefined;
    if (fd === undefined) continue;
    await kernel.bpf('PROG_BIND_MAP', { prog_fd: program.fd, map_fd: fd }).catch((error: unknown) => {
      if (!(error instanceof BpfError)) throw error;
    });
  }
}

/** The kernel's configuration for `__kconfig` externs, asked for only where the object may have some. */
async function kernelConfig(kernel: Kernel, object: Uint8Array | CollectionSpec): Promise<ReadonlyMap<string, string>> {
  if (!(object instanceof Uint8Array) || parseObject(object).kconfig.length === 0) return new Map();
  const { config, release } = await kernel.systemConfig();
  const values = new Map(
    Object.entries(config).flatMap(([name, value]) => (value === null ? [] : [[name, value]])) as [string, string][],
  );
  const version = /^(\d+)\.(\d+)\.?(\d+)?/.exec(release);
  if (version) {
    const [major, minor, patch] = [version[1], version[2], version[3] ?? '0'].map(Number) as [number, number, number];
    values.set('LINUX_KERNEL_VERSION', String((major << 16) | (minor << 8) | Math.min(patch, 255)));
  }
  return values;
}

async function loadTypes(
  kernel: Kernel,
  spec: CollectionSpec,
  options: LoadOptions,
  owned: Owned,
): Promise<Fd | undefined> {
  if (!spec.btfBytes) return undefined;
  try {
    const fd = await new Bpf(kernel).btfLoad(spec.btfBytes);
    owned.add(() => kernel.closeFd(fd));
    return fd;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    options.warn?.(`the kernel refused the object's types (${error.message}); loading without them`);
    return undefined;
  }
}

function checkArguments(object: Uint8Array | CollectionSpec, options: LoadOptions): void {
  const isSpec = typeof object === 'object' && object !== null && 'programs' in object && 'maps' in object;
  if (!isSpec) bytes('an object file', object);
  if (options.programs !== undefined) list('programs', options.programs);
  for (const [name, map] of Object.entries(options.maps ?? {})) {
    if (!(map instanceof BpfMap)) throw new SkepError('ERR_ARGUMENT', `what is given for map '${name}' is no BpfMap`);
  }
}

function chosen(spec: CollectionSpec, names: readonly string[] | undefined) {
  if (!names) return [...spec.programs.values()].filter((program) => !program.optional);
  return names.map((name) => spec.programs.get(name) ?? noSuch('program', name, spec.programs.keys()));
}

function globalsOf(spec: CollectionSpec, maps: ReadonlyMap<string, BpfMap>): Map<string, BpfGlobal> {
  const globals = new Map<string, BpfGlobal>();
  for (const [name, place] of variables(spec)) {
    const map = maps.get(place.map);
    if (map) globals.set(name, new BpfGlobal(name, map, place, spec.btf!));
  }
  return globals;
}

/** A record without inherited names: a map may be called `constructor`. */
function byName<N extends string, T>(all: ReadonlyMap<string, T>): Readonly<Record<N, T>> {
  return Object.assign(Object.create(null), Object.fromEntries(all));
}

function find<T>(what: string, name: string, all: Readonly<Record<string, T>>): T {
  return all[name] ?? noSuch(what, name, Object.keys(all));
}

function noSuch(what: string, name: string, all: Iterable<string>): never {
  const known = Array.from(all, (other) => `'${other}'`).join(', ') || 'none';
  throw new SkepError('ERR_NO_SUCH_OBJECT', `the object has no ${what} '${name}'; it has ${known}`);
}

/**
 * Map definitions: the BTF-typed ones of `.maps`, whose numbers are sizes of arrays (`int (*type)[1]`), and the
 * structs of the old `maps` section.
 */
import { view } from '../base/bytes.ts';
import { ElfError } from '../base/errors.ts';
import { type Btf, type BtfType, pointedArrayCount, resolve, sizeOf, skipModifiers } from '../btf/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { type Elf, type ElfSection, STT_FUNC, STT_SECTION } from './elf/elf.ts';
import { firstAtOrAfter } from './lookup.ts';
import { place, type Source } from './source.ts';
import type { MapSpec } from './spec.ts';

/** A map and where its definition lies. */
export interface MapDefinition {
  readonly spec: MapSpec;
  readonly section: ElfSection;
  /** Byte offset of the definition in its section, and bytes. */
  readonly offset: number;
  readonly size: number;
  /** Offset in the definition at which `.values` begins, -1 where it has none. */
  readonly valuesOffset: number;
}

/** Definitions by where they lie. Two at one place: the first. */
export class DefinitionTable {
  readonly all: readonly MapDefinition[];
  readonly #byPlace = new Map<string, MapDefinition>();
  /** Of `.maps`, by offset. */
  readonly #sorted: readonly MapDefinition[];

  constructor(all: readonly MapDefinition[]) {
    this.all = all;
    this.#sorted = all.filter((d) => d.section.name === '.maps').sort((a, b) => a.offset - b.offset);
    for (const d of all) {
      const key = `${d.section.index}:${d.offset}`;
      if (!this.#byPlace.has(key)) this.#byPlace.set(key, d);
    }
  }

  /** The definition that begins at an offset of a section. */
  at(section: number, offset: number): MapDefinition | undefined {
    return this.#byPlace.get(`${section}:${offset}`);
  }

  /** The definition in `.maps` that an offset lies in. */
  around(offset: number): MapDefinition | undefined {
    const d = this.#sorted[firstAtOrAfter(this.#sorted, offset + 1) - 1];
    return d !== undefined && offset < d.offset + d.size ? d : undefined;
  }
}

const LIBBPF_PIN_NONE = 0;
const LIBBPF_PIN_BY_NAME = 1;

/** Types for which BPF_MAP_CREATE takes no BTF ids; libbpf leaves them out too. */
const WITHOUT_BTF: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  C.BPF_MAP_TYPE_CGROUP_ARRAY,
  C.BPF_MAP_TYPE_STACK_TRACE,
  C.BPF_MAP_TYPE_ARRAY_OF_MAPS,
  C.BPF_MAP_TYPE_HASH_OF_MAPS,
  C.BPF_MAP_TYPE_DEVMAP,
  C.BPF_MAP_TYPE_DEVMAP_HASH,
  C.BPF_MAP_TYPE_CPUMAP,
  C.BPF_MAP_TYPE_XSKMAP,
  C.BPF_MAP_TYPE_SOCKMAP,
  C.BPF_MAP_TYPE_SOCKHASH,
  C.BPF_MAP_TYPE_QUEUE,
  C.BPF_MAP_TYPE_STACK,
  C.BPF_MAP_TYPE_ARENA,
]);

/** The types that BPF_MAP_CREATE may be told of; 0 where it takes none, though the object has them. */
export function typesForKernel({ type, keyTypeId, valueTypeId }: MapSpec): { key: number; value: number } {
  return WITHOUT_BTF.has(type) ? { key: 0, value: 0 } : { key: keyTypeId, value: valueTypeId };
}

/** Maps of `.maps`, in the order they lie there. `btf` has its data sections filled in. */
export function btfMaps(source: Source, btf: Btf): MapDefinition[] {
  const section = source.elf.section('.maps');
  if (section === undefined) return [];
  const datasec = btf.type(btf.find('.maps', 'datasec'));
  if (datasec?.kind !== 'datasec')
    throw new ElfError("the object has maps, but its BTF has no section '.maps'", place(section, 0));
  return [...datasec.vars]
    .sort((a, b) => a.offset - b.offset)
    .map((v) => {
      const variable = btf.type(v.type);
      if (variable?.kind !== 'var') throw new ElfError("an entry of '.maps' is no variable", place(section, v.offset));
      if (v.offset + v.size > section.size) {
        throw new ElfError(`map '${variable.name}' ends past its section`, place(section, v.offset));
      }
      const read = new DefinitionReader(btf, variable.name, place(section, v.offset));
      const { spec, valuesOffset } = read.definition(variable.type, false);
      return { spec, section, offset: v.offset, size: v.size, valuesOffset };
    });
}

function emptyMap(name: string): MapSpec {
  return {
    name,
    type: 0,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    extra: 0n,
    pinByName: false,
    numaNode: 0,
    keyTypeId: 0,
    valueTypeId: 0,
    isData: false,
  };
}

class DefinitionReader {
  readonly #btf: Btf;
  readonly #name: string;
  readonly #where: string;

  constructor(btf: Btf, name: string, where: string) {
    this.#btf = btf;
    this.#name = name;
    this.#where = where;
  }

  definition(typeId: number, isInner: boolean): { spec: MapSpec; valuesOffset: number } {
    const def = resolve(this.#btf, typeId);
    if (def.kind !== 'struct') return this.#fail(`is defined by a ${def.kind}, not by a struct`);
    const spec = emptyMap(this.#name);
    let valuesOffset = -1;
    for (const m of def.members) {
      switch (m.name) {
        case 'type':
          spec.type = this.#number(m.name, m.type);
          break;
        case 'max_entries':
          spec.maxEntries = this.#number(m.name, m.type);
          break;
        case 'map_flags':
          spec.flags = this.#number(m.name, m.type);
          break;
        case 'numa_node':
          spec.numaNode = this.#number(m.name, m.type);
          break;
        case 'map_extra':
          spec.extra = this.#bigNumber(m.name, m.type);
          break;
        case 'key_size':
          spec.keySize = this.#agreedSize('key', spec.keySize, this.#number(m.name, m.type));
          break;
        case 'value_size':
          spec.valueSize = this.#agreedSize('value', spec.valueSize, this.#number(m.name, m.type));
          break;
        case 'key':
          spec.keyTypeId = this.#pointed(m.name, m.type);
          spec.keySize = this.#agreedSize('key', spec.keySize, sizeOf(this.#btf, spec.keyTypeId));
          break;
        case 'value':
          spec.valueTypeId = this.#pointed(m.name, m.type);
          spec.valueSize = this.#agreedSize('value', spec.valueSize, sizeOf(this.#btf, spec.valueTypeId));
          break;
        case 'pinning': {
          if (isInner) this.#fail("is an inner map, and those cannot have 'pinning'");
          const pinning = this.#number(m.name, m.type);
          if (pinning !== LIBBPF_PIN_NONE && pinning !== LIBBPF_PIN_BY_NAME)
            this.#fail(`has pinning ${pinning}, which is not known`);
          spec.pinByName = pinning === LIBBPF_PIN_BY_NAME;
          break;
        }
        case 'values':
          if (isInner) this.#fail("is an inner map, and those cannot have 'values'");
          valuesOffset = m.bitOffset / 8;
          this.#values(spec, m.type);
          break;
        default:
          this.#fail(`has a field '${m.name}' that is not known`);
      }
    }
    if (spec.type === 0) this.#fail('does not say its type');
    return { spec, valuesOffset };
  }

  /** `__array(values, struct inner)`: an array of pointers to a map definition or to functions. */
  #values(spec: MapSpec, typeId: number): void {
    const array = resolve(this.#btf, typeId);
    if (array.kind !== 'array') return void this.#fail("has 'values' that are no array");
    const pointer = resolve(this.#btf, array.type);
    if (pointer.kind !== 'ptr') return void this.#fail("has 'values' that are no pointers");
    spec.keySize = this.#agreedSize('key', spec.keySize, 4);
    spec.valueSize = this.#agreedSize('value', spec.valueSize, 4);
    if (spec.type === C.BPF_MAP_TYPE_PROG_ARRAY) {
      if (resolve(this.#btf, pointer.type).kind !== 'func_proto') this.#fail("has 'values' that are no functions");
      return;
    }
    if (spec.type !== C.BPF_MAP_TYPE_ARRAY_OF_MAPS && spec.type !== C.BPF_MAP_TYPE_HASH_OF_MAPS) {
      this.#fail(`is of type ${spec.type}, which cannot have 'values'`);
    }
    const inner = new DefinitionReader(this.#btf, `${this.#name}.inner`, this.#where);
    spec.inner = inner.definition(pointer.type, true).spec;
  }

  #number(field: string, typeId: number): number {
    return pointedArrayCount(this.#btf, typeId) ?? this.#fail(`has a '${field}' that is no number`);
  }

  /** `__ulong(field, N)`: an enum64 with one value; or as `#number`. */
  #bigNumber(field: string, typeId: number): bigint {
    const t = resolve(this.#btf, typeId);
    if (t.kind === 'enum' || t.kind === 'enum64') {
      const value = t.values[0]?.value;
      if (value !== undefined) return BigInt.asUintN(64, BigInt(value));
    }
    return BigInt(this.#number(field, typeId));
  }

  /** The type that a `__type(key, T)` points to. */
  #pointed(field: string, typeId: number): number {
    const ptr: BtfType | undefined = this.#btf.type(skipModifiers(this.#btf, typeId));
    return ptr?.kind === 'ptr' ? ptr.type : this.#fail(`has a '${field}' that is no pointer to a type`);
  }

  #agreedSize(what: string, before: number, size: number): number {
    if (before !== 0 && before !== size) this.#fail(`has a ${what} of ${before} and of ${size} bytes`);
    return size;
  }

  #fail(what: string): never {
    throw new ElfError(`map '${this.#name}' ${what}`, this.#where);
  }
}

/** type, key_size, value_size, max_entries, map_flags. */
const LEGACY_SIZE = 20;

/** Maps of the old `maps` section: one `struct bpf_map_def` a symbol, all of one size. */
export function legacyMaps(elf: Elf): MapDefinition[] {
  const section = elf.section('maps');
  if (section === undefined) return [];
  const symbols = elf.symbols.filter(
    (s) => s.section === section.index && s.name !== '' && s.type !== STT_SECTION && s.type !== STT_FUNC,
  );
  if (symbols.length === 0) return [];
  symbols.sort((a, b) => a.value - b.value);
  const size = Math.floor(section.data.length / symbols.length);
  return symbols.map((symbol) => {
    const at = symbol.value;
    if (size < LEGACY_SIZE || at + size > section.data.length) {
      throw new ElfError(
        `map '${symbol.name}' has a definition of ${size} bytes; it takes at least ${LEGACY_SIZE}`,
        place(section, at),
      );
    }
    if (section.data.subarray(at + LEGACY_SIZE, at + size).some((b) => b !== 0)) {
      throw new ElfError(`map '${symbol.name}' has a definition with fields that are not known`, place(section, at));
    }
    const dv = view(section.data);
    const u32 = (i: number) => dv.getUint32(at + i * 4, true);
    const spec = emptyMap(symbol.name);
    [spec.type, spec.keySize, spec.valueSize, spec.maxEntries, spec.flags] = [u32(0), u32(1), u32(2), u32(3), u32(4)];
    return { spec, section, offset: at, size, valuesOffset: -1 };
  });
}

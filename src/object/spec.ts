/**
 * What an object file asks for, as values: programs, maps, and what binds them. No kernel is needed to make one.
 */
import type { Btf } from '../btf/index.ts';

export interface CollectionSpec {
  /** By C name, in the order of the file. */
  readonly programs: Map<string, ProgramSpec>;
  /** The same; maps of data sections (`.bss`, `.rodata`) among them. */
  readonly maps: Map<string, MapSpec>;
  /** The object's BTF, if it has any; map and function type ids refer to it. */
  readonly btf: Btf | undefined;
  /** Its bytes as BTF_LOAD wants them: sizes and offsets of data sections filled in. */
  readonly btfBytes: Uint8Array | undefined;
  /** From the `license` section, '' where there is none. */
  readonly license: string;
  /** From the `version` section, 0 where there is none. */
  readonly kernelVersion: number;
  /**
   * Kernel configuration that the object reads, in the data map of `.kconfig`. Values the caller gave are written
   * there already; weak ones without a value are zero.
   */
  readonly kconfig: readonly KconfigExtern[];
}

/** `extern int CONFIG_HZ __kconfig`. */
export interface KconfigExtern {
  readonly name: string;
  readonly weak: boolean;
  readonly typeId: number;
  /** What values it takes, bytes it has, its place in the map's data. */
  readonly shape: 'bool' | 'tristate' | 'char' | 'int' | 'string';
  readonly signed: boolean;
  readonly size: number;
  readonly align: number;
  readonly offset: number;
}

export interface ProgramSpec {
  /** The C function's name. */
  readonly name: string;
  /** SEC("…") as written. */
  readonly section: string;
  /** BPF_PROG_TYPE_* that the section says; 0 where it says nothing known. */
  type: number;
  /** BPF_* of enum bpf_attach_type that the section says. */
  attachType: number;
  /** BPF_F_*, as BPF_F_SLEEPABLE for sections that end in `.s`. */
  flags: number;
  /** What follows the first slash of the section: the function, tracepoint or cgroup hook to attach to; '' if nothing. */
  attachTo: string;
  /** Whether the section's name begins with `?`: not loaded unless asked for. */
  readonly optional: boolean;
  /** The program with every subprogram it calls appended, in link order; calls are resolved. */
  readonly insns: Uint8Array;
  /** Map and extern references that still need a descriptor. */
  readonly references: readonly Reference[];
  /** 8 bytes a record: insn_off (slots), type_id. Empty without BTF.ext. */
  readonly funcInfo: Uint8Array;
  /** 16 bytes a record: insn_off (slots), file_name_off, line_off, line_col. */
  readonly lineInfo: Uint8Array;
  /** CO-RE relocations, not applied yet: apply with `relocateCore(spec, objectBtf, targetBtf)`. */
  readonly coreRelocations: readonly CoreRelocation[];
}

/** A place in the instructions that refers to something by name. */
export interface Reference {
  /** Slot of the ld_imm64 or call. */
  readonly pc: number;
  /**
   * `map`, `map-value`: imm of the first slot wants the descriptor; src_reg and the offset are in place.
   * `kfunc`: a call (src_reg 2); imm wants the BTF id of the function, off the index into fd_array.
   * `ksym`: src_reg 3: imm wants the BTF id, the next imm the BTF descriptor; src_reg 0: the address, in both halves.
   * A weak symbol that the kernel lacks: 0 in src_reg and both immediates; a call of it must never run.
   */
  readonly kind: 'map' | 'map-value' | 'kfunc' | 'ksym';
  /** Map name, or the symbol's. */
  readonly name: string;
  /** Byte offset into the value, for map-value. */
  readonly off: number;
  readonly weak: boolean;
}

/** One record of BTF.ext's CO-RE section, with its access string read. */
export interface CoreRelocation {
  readonly pc: number;
  /** bpf_core_relo_kind, 0 to 12. */
  readonly kind: number;
  /** Root type in the object's BTF. */
  readonly typeId: number;
  /** `0:1:2` as written. */
  readonly access: string;
}

export interface MapSpec {
  /** The C variable's name; that of a data map begins with the object's. */
  readonly name: string;
  /** BPF_MAP_TYPE_*. */
  type: number;
  /** Bytes. */
  keySize: number;
  /** Bytes; of one CPU where there is a value for each. */
  valueSize: number;
  /** How many elements; bytes for ring buffers. */
  maxEntries: number;
  /** BPF_F_*. */
  flags: number;
  /** map_extra: what it means depends on the type. */
  extra: bigint;
  /** LIBBPF_PIN_BY_NAME. */
  pinByName: boolean;
  /** Where its memory is to be, with BPF_F_NUMA_NODE in `flags`. */
  numaNode: number;
  /** Id of the key's type in the object's BTF, 0 where it says none; `typesForKernel` has what MAP_CREATE takes. */
  keyTypeId: number;
  /** The same of the value. */
  valueTypeId: number;
  /** Template of a map of maps. */
  inner?: MapSpec;
  /** Initial contents: data sections (.rodata, .data, .bss), one element at key 0. */
  readonly data?: Uint8Array;
  /** To be frozen after its contents are written (.rodata). */
  readonly freeze?: boolean;
  /** Initial slots of prog arrays and maps of maps (`.values = { [0] = &x }`): index -> program or map name. */
  readonly slots?: ReadonlyMap<number, string>;
  /** Whether it comes from a data section rather than a map definition. */
  readonly isData: boolean;
  /** BPF_MAP_TYPE_STRUCT_OPS: what `data` is, laid out as in the object's BTF. */
  readonly structOps?: StructOps;
}

/** A variable of `.struct_ops`: a kernel structure whose members are programs. */
export interface StructOps {
  /** The kernel's structure, and its id in the object's BTF. */
  readonly typeName: string;
  readonly typeId: number;
  /** Member name -> program name. */
  readonly members: ReadonlyMap<string, string>;
  /** Whether it is attached by a link (`.struct_ops.link`). */
  readonly link: boolean;
  readonly optional: boolean;
}

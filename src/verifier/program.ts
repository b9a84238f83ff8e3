/**
 * What goes into the verifier and what comes out: values, no kernel objects.
 */
import type { Btf } from '../btf/index.ts';

export interface VerifierInput {
  /** Bytecode as BPF_PROG_LOAD gives it: map references still hold descriptors or fd_array indexes. */
  readonly insns: Uint8Array;
  readonly name: string;
  readonly progType: number;
  readonly attachType: number;
  /** prog_flags. */
  readonly flags: number;
  readonly gplCompatible: boolean;
  /** The map that a descriptor stands for; undefined: not a map. */
  mapByFd(fd: number): VerifierMap | undefined;
  /** Whether a descriptor is one of anything. Not given: yes. */
  isOpen?(fd: number): boolean;
  /** fd_array of the attr. */
  readonly fdArray?: readonly number[];
  /** Whether a descriptor is a BTF object (fd_array may hold them). */
  btfByFd?(fd: number): Btf | undefined;
  /** The program's own BTF, with its func_info (8 bytes a record) and line_info (16 bytes a record). */
  readonly btf?: Btf;
  readonly funcInfo?: Uint8Array;
  readonly lineInfo?: Uint8Array;
  /** BTF of the kernel: types of helpers' pointers, attach targets, kfuncs. Called at most once, when it is needed. */
  kernelBtf(): Btf;
  /** Tracing, LSM, struct_ops, EXT: the BTF id it attaches to, and the program for EXT. */
  readonly attachBtfId?: number;
  readonly attachProg?: VerifierTarget;
  /** What the caller may do; default all. */
  readonly capabilities?: { bpf: boolean; perfmon: boolean; netAdmin: boolean; sysAdmin: boolean };
  /** CPUs that the kernel may ever have: what bpf_get_smp_processor_id answers stays below. Default 2. */
  readonly cpus?: number;
  /** 0 no log, bit 0 level 1, bit 1 level 2, bit 2 statistics. */
  readonly logLevel: number;
}

export interface VerifierTarget {
  readonly progType: number;
  readonly attachType: number;
  readonly btf: Btf;
}

export interface VerifierMap {
  /** Unique among live maps; stands for identity. */
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly frozen: boolean;
  readonly btf?: Btf;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  /** Arenas: where user space sees them; 0 where that is not known. */
  readonly userAddress?: bigint;
  /** The template of a map of maps. */
  readonly inner?: VerifierMap;
  /** Contents of a frozen read-only array, which are constants; undefined elsewhere. */
  readonly constants?: () => Uint8Array;
}

export interface VerifierStats {
  processed: number;
  maxStatesPerInsn: number;
  totalStates: number;
  peakStates: number;
  /** Longest stack of each subprogram chain, bytes, as the level-4 log shows it: "stack depth 8+0". */
  stackDepth: number[];
}

export type VerifierResult =
  | { readonly ok: true; readonly log: string; readonly stats: VerifierStats; readonly program: VerifiedProgram }
  | {
      readonly ok: false;
      /** Positive. */
      readonly errno: number;
      readonly log: string;
      readonly stats: VerifierStats;
      /** The instruction it was looking at. */
      readonly pc: number;
    };

/** An accepted program after the rewrites: what `dump xlated` shows and what the engine runs. */
export interface VerifiedProgram {
  /**
   * Map references: src_reg BPF_PSEUDO_MAP_FD or BPF_PSEUDO_MAP_VALUE, imm = index into usedMaps, the next slot's imm
   * = offset into the value. The kernel puts addresses there to run, ids to show.
   */
  readonly insns: Uint8Array;
  /** Every map it references, in the order Linux lists them (first use). */
  readonly usedMaps: readonly VerifierMap[];
  readonly subprogs: readonly { start: number; name: string }[];
  /** As the input's, with positions in the rewritten code. */
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
  /** Loads through BTF pointers that may fault. */
  readonly faultable: ReadonlySet<number>;
  /** Helper calls that always see the same map: slot -> index into usedMaps. */
  readonly callMaps: ReadonlyMap<number, number>;
  /** kfunc call slots -> name. */
  readonly kfuncs: ReadonlyMap<number, string>;
  /** Loads, stores and atomic operations through pointers into the arena. */
  readonly arenaAccesses: ReadonlySet<number>;
  /** The end of what it reaches of read-only and of writable buffers: an iterator's keys and values. Bytes. */
  readonly bufferAccess: { readonly readOnly: number; readonly writable: number };
  /** First slot of the exception callback, 0 where there is none. */
  readonly exceptionCallback: number;
  /** The narrowed attach type where Linux narrows it, else the input's. */
  readonly attachType: number;
  /** No run executes more instructions than these; missing where that is not known. */
  readonly longestRun?: number | undefined;
}

/**
 * What a kernel offers, found by asking: the smallest program or map of each kind, and whether it is taken.
 *
 * Nothing is guessed from version numbers: distributions port features back, and configurations leave them out.
 */
import { view } from '../base/bytes.ts';
import { EINVAL, ENOTSUPP } from '../base/errno.ts';
import { BpfError, UnsupportedError, VerifierError } from '../base/errors.ts';
import { BtfBuilder } from '../btf/index.ts';
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import type { Attr } from '../uapi/commands.ts';
import * as C from '../uapi/generated/constants.ts';

/** MOV r0, 0; EXIT. */
const TRIVIAL = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
const PAGE = 4096;
const BPF_F_NO_PREALLOC = 1;
const BPF_F_MMAPABLE = 1 << 10;
const BPF_F_SLEEPABLE = 1 << 4;

/** What can be said of helpers in a program type. */
export type HelperSupport = 'yes' | 'no' | 'unknown';

export class Features {
  readonly #bpf: Bpf;
  /** Interface that programs and maps are to be offloaded to; 0 for the kernel itself. */
  readonly #ifindex: number;

  constructor(kernel: Kernel, ifindex = 0) {
    this.#bpf = new Bpf(kernel);
    this.#ifindex = ifindex;
  }

  /** Whether programs of that type (BPF_PROG_TYPE_*) load. */
  async progType(type: number): Promise<boolean> {
    const answer = await this.#tryLoad(type, TRIVIAL);
    if (answer.loaded) return true;
    // These cannot be loaded without a place to attach to; that the kernel asks for one shows that it has the type.
    switch (type) {
      case C.BPF_PROG_TYPE_TRACING:
      case C.BPF_PROG_TYPE_LSM:
        return answer.log.includes('attach_btf_id 1 is not a function');
      case C.BPF_PROG_TYPE_EXT:
        return answer.log.includes('Cannot replace kernel functions');
      case C.BPF_PROG_TYPE_STRUCT_OPS:
        return answer.errno === ENOTSUPP;
      default:
        return false;
    }
  }

  /** Whether maps of that type (BPF_MAP_TYPE_*) can be made. */
  async mapType(type: number): Promise<boolean> {
    const made: Fd[] = [];
    try {
      made.push(await this.#bpf.mapCreate(await this.#smallestMap(type, made)));
      return true;
    } catch (error) {
      if (error instanceof UnsupportedError) return false;
      if (!(error instanceof BpfError)) throw error;
      return type === C.BPF_MAP_TYPE_STRUCT_OPS && error.errno === ENOTSUPP;
    } finally {
      for (const fd of made) await this.#bpf.close(fd);
    }
  }

  /** Whether programs of a type may call a helper. `unknown` for types that do not load without a place to attach to. */
  async helper(progType: number, helper: number): Promise<HelperSupport> {
    if (!canProbeHelpers(progType)) return 'unknown';
    const insns = new Uint8Array(16);
    insns[0] = 0x85; // CALL
    view(insns).setInt32(4, helper, true);
    insns[8] = 0x95; // EXIT
    const answer = await this.#tryLoad(progType, insns);
    if (answer.loaded) return 'yes';
    // Any other complaint is about the arguments: the helper itself was fine.
    return /invalid func |unknown func |program of this type cannot use helper /.test(answer.log)
      ? 'no'
      : yesIfLogged(answer);
  }

  /** Whether a socket filter with these instructions loads: for properties of the verifier and the instruction set. */
  async program(insns: Uint8Array): Promise<boolean> {
    return (await this.#tryLoad(C.BPF_PROG_TYPE_SOCKET_FILTER, insns)).loaded;
  }

  async #tryLoad(type: number, insns: Uint8Array): Promise<{ loaded: boolean; errno: number; log: string }> {
    try {
      const { fd } = await this.#bpf.progLoad({
        prog_type: type,
        insns,
        license: 'GPL',
        log_level: 1,
        prog_ifindex: this.#ifindex,
        ...LOAD_DETAILS[type],
      });
      await this.#bpf.close(fd);
      return { loaded: true, errno: 0, log: '' };
    } catch (error) {
      if (error instanceof UnsupportedError) return { loaded: false, errno: EINVAL, log: '' };
      if (!(error instanceof BpfError)) throw error;
      return { loaded: false, errno: error.errno, log: error instanceof VerifierError ? error.log : '' };
    }
  }

  async #smallestMap(type: number, made: Fd[]): Promise<Attr<'MAP_CREATE'>> {
    const base = { map_type: type, key_size: 4, value_size: 4, max_entries: 1, map_ifindex: this.#ifindex };
    const details = MAP_DETAILS[type] ?? {};
    if (type === C.BPF_MAP_TYPE_HASH_OF_MAPS || type === C.BPF_MAP_TYPE_ARRAY_OF_MAPS) {
      const inner = { ...base, map_type: C.BPF_MAP_TYPE_HASH };
      const inner_map_fd = await this.#bpf.mapCreate(inner);
      made.push(inner_map_fd);
      return { ...base, inner_map_fd };
    }
    if (!LOCAL_STORAGE.has(type)) return { ...base, ...details };
    const { bytes, key, value } = storageTypes();
    const btf_fd = await this.#bpf.btfLoad(bytes);
    made.push(btf_fd);
    return {
      ...base,
      value_size: 8,
      max_entries: 0,
      map_flags: BPF_F_NO_PREALLOC,
      btf_fd,
      btf_key_type_id: key,
      btf_value_type_id: value,
    };
  }
}

/** Features of a kernel, or of the hardware behind one of its interfaces. */
export function probeFeatures(kernel: Kernel, ifindex = 0): Features {
  return new Features(kernel, ifindex);
}

/** Whether it can be told which helpers programs of the type may call. */
export function canProbeHelpers(progType: number): boolean {
  return ![C.BPF_PROG_TYPE_TRACING, C.BPF_PROG_TYPE_EXT, C.BPF_PROG_TYPE_LSM, C.BPF_PROG_TYPE_STRUCT_OPS].includes(
    progType as never,
  );
}

function yesIfLogged(answer: { errno: number; log: string }): HelperSupport {
  // Without a word from the verifier the type itself was refused.
  return answer.log !== '' || answer.errno !== EINVAL ? 'yes' : 'no';
}

/** What a trivial program needs besides its type. */
const LOAD_DETAILS: Readonly<Record<number, Partial<Attr<'PROG_LOAD'>>>> = {
  [C.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: { expected_attach_type: C.BPF_CGROUP_INET4_CONNECT },
  [C.BPF_PROG_TYPE_CGROUP_SOCKOPT]: { expected_attach_type: C.BPF_CGROUP_GETSOCKOPT },
  [C.BPF_PROG_TYPE_SK_LOOKUP]: { expected_attach_type: C.BPF_SK_LOOKUP },
  [C.BPF_PROG_TYPE_NETFILTER]: { expected_attach_type: C.BPF_NETFILTER },
  [C.BPF_PROG_TYPE_SYSCALL]: { prog_flags: BPF_F_SLEEPABLE },
  [C.BPF_PROG_TYPE_TRACING]: { expected_attach_type: C.BPF_TRACE_FENTRY, attach_btf_id: 1 },
  [C.BPF_PROG_TYPE_LSM]: { expected_attach_type: C.BPF_LSM_MAC, attach_btf_id: 1 },
  [C.BPF_PROG_TYPE_EXT]: { attach_btf_id: 1 },
  [C.BPF_PROG_TYPE_STRUCT_OPS]: { attach_btf_id: 1 },
};

const LOCAL_STORAGE: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_SK_STORAGE,
  C.BPF_MAP_TYPE_INODE_STORAGE,
  C.BPF_MAP_TYPE_TASK_STORAGE,
  C.BPF_MAP_TYPE_CGRP_STORAGE,
]);

const CGROUP_STORAGE = { key_size: 16, value_size: 8, max_entries: 0 };
const RING = { key_size: 0, value_size: 0, max_entries: PAGE };

/** Where a map type wants other sizes than 4, 4 and 1. */
const MAP_DETAILS: Readonly<Record<number, Partial<Attr<'MAP_CREATE'>>>> = {
  [C.BPF_MAP_TYPE_STACK_TRACE]: { value_size: 8 },
  [C.BPF_MAP_TYPE_LPM_TRIE]: { key_size: 8, value_size: 8, map_flags: BPF_F_NO_PREALLOC },
  [C.BPF_MAP_TYPE_CGROUP_STORAGE]: CGROUP_STORAGE,
  [C.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE]: CGROUP_STORAGE,
  [C.BPF_MAP_TYPE_QUEUE]: { key_size: 0 },
  [C.BPF_MAP_TYPE_STACK]: { key_size: 0 },
  [C.BPF_MAP_TYPE_STRUCT_OPS]: { btf_vmlinux_value_type_id: 1 },
  [C.BPF_MAP_TYPE_RINGBUF]: RING,
  [C.BPF_MAP_TYPE_USER_RINGBUF]: RING,
  [C.BPF_MAP_TYPE_BLOOM_FILTER]: { key_size: 0 },
  [C.BPF_MAP_TYPE_ARENA]: { key_size: 0, value_size: 0, map_flags: BPF_F_MMAPABLE },
};

/** Types for local storage maps, which have to have some: an int, and a structure of 8 bytes. */
function storageTypes(): { bytes: Uint8Array; key: number; value: number } {
  const builder = new BtfBuilder();
  const key = builder.int('int', 4, 'signed');
  const value = builder.struct('val', 8, [
    ['a', key, 0],
    ['b', key, 4],
  ]);
  return { bytes: builder.build(), key, value };
}

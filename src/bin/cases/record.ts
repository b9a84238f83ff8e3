/**
 * Makes cases out of object files: the loader loads each program alone into a kernel that writes down what it is asked
 * for, and then the kernel behind it answers the case as it would any other.
 */
import { createHash } from 'node:crypto';
import { toHex, view } from '../../base/bytes.ts';
import { ENOENT, EPERM } from '../../base/errno.ts';
import { BpfError, SkepError } from '../../base/errors.ts';
import type { Btf } from '../../btf/index.ts';
import { KernelTypes, loadCollection } from '../../client/index.ts';
import { BPF_PSEUDO_BTF_ID, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE } from '../../isa/index.ts';
import { parseObject } from '../../object/index.ts';
import { Bpf, type Fd, type Kernel } from '../../sys/index.ts';
import type { Attr, CommandName } from '../../uapi/commands.ts';
import * as C from '../../uapi/generated/constants.ts';
import type { CaseMap, CaseReloc, Log2Case, ProgramCase } from './case.ts';
import type { CaseHost } from './host.ts';
import { BtfObjects } from './objects.ts';
import { answerProgram, level2Log } from './program.ts';

/** A program with what the kernel said; its BTF by name, as files of cases want it beside them. */
export interface Recorded {
  case: ProgramCase;
  log2: Log2Case;
  blobs: ReadonlyMap<string, Uint8Array>;
}

/** A program that makes no case, and why. */
export interface NotRecorded {
  name: string;
  reason: string;
}

const SLOT = 8;
/** Higher than any descriptor of a kernel. */
const FIRST_FD = 1 << 24;
const LD_IMM64 = 0x18;
const CALL = 0x85;
/** What is kept of a level-2 log: its beginning. */
const LOG2_KEPT = 60_000;
/** Their values are descriptors, which mean nothing in a file. */
const HOLDS_DESCRIPTORS: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_PROG_ARRAY,
  C.BPF_MAP_TYPE_ARRAY_OF_MAPS,
  C.BPF_MAP_TYPE_HASH_OF_MAPS,
]);

/** Every program of an object file in turn, `name` being the file's. Throws what `parseObject` throws. */
export async function* recordObject(
  host: CaseHost,
  name: string,
  bytes: Uint8Array,
): AsyncGenerator<Recorded | NotRecorded> {
  const types = new KernelTypes(new Bpf(host.kernel));
  for (const program of parseObject(bytes, { name }).programs.values()) {
    const id = `${name}/${program.name}`;
    try {
      const kernelBtf = await types.btf();
      const asked = await Request.of(host.kernel, kernelBtf, bytes, name, program.name);
      const bare = asked.asCase(id, program.name, kernelBtf);
      yield await answered(host, bare, asked.blobs);
    } catch (error) {
      if (!(error instanceof SkepError)) throw error;
      yield { name: id, reason: error.message };
    }
  }
}

async function answered(host: CaseHost, bare: ProgramCase, blobs: ReadonlyMap<string, Uint8Array>): Promise<Recorded> {
  const btfs = new BtfObjects(host.kernel, blobs);
  try {
    const { accept, errno, msg, processed, log1 } = await answerProgram(host, btfs, '', bare);
    const { log } = await level2Log(host, btfs, '', bare);
    const env = errno === EPERM && log1 === '' ? { env: 'EPERM before the verifier' } : {};
    return {
      case: { ...bare, accept, errno, msg, processed, ...env },
      log2: { id: bare.id, log2: log.slice(0, LOG2_KEPT) },
      blobs,
    };
  } finally {
    await btfs.close();
  }
}

/** Ends loading where the program is asked for: all that a case needs is known then. */
class Enough extends SkepError {
  constructor() {
    super('ERR_RECORDED', 'the program is written down and not loaded');
  }
}

/** Where pins are looked for. None is found, and none is made. */
const NO_PINS = '/';

/**
 * What a loader asks of a kernel up to its first program. Objects are promised and never made: their descriptors are
 * numbers of our own, so that also maps which the kernel refuses, and the program does not use, are no hindrance.
 */
class Request {
  readonly blobs = new Map<string, Uint8Array>();
  readonly #maps = new Map<Fd, CaseMap>();
  readonly #btfs = new Map<Fd, string>();
  #fds = FIRST_FD;
  #program: Attr<'PROG_LOAD'> | undefined;

  static async of(kernel: Kernel, kernelBtf: Btf, object: Uint8Array, name: string, program: string): Promise<Request> {
    const request = new Request();
    try {
      await loadCollection(request.#before(kernel), object, {
        name,
        programs: [program],
        kernelBtf,
        pinDirectory: NO_PINS,
      });
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
    return request;
  }

  /** The kernel, with these answers in place of its own. */
  #before(kernel: Kernel): Kernel {
    const bpf = (command: CommandName, attr: unknown) =>
      this.#answer(command, attr) ?? kernel.bpf(command, attr as never);
    const closeFd = async (fd: Fd) => (fd >= FIRST_FD ? undefined : kernel.closeFd(fd));
    return new Proxy(kernel, {
      get(target, key) {
        if (key === 'bpf') return bpf;
        if (key === 'closeFd') return closeFd;
        // The short way to elements leads past all this.
        if (key === 'elements') return undefined;
        const member: unknown = Reflect.get(target, key, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  #answer(command: CommandName, attr: unknown): Promise<{ ret: number }> | undefined {
    switch (command) {
      case 'PROG_LOAD':
        this.#program = attr as Attr<'PROG_LOAD'>;
        return Promise.reject(new Enough());
      case 'OBJ_GET':
        return Promise.reject(new BpfError('BPF_OBJ_GET', ENOENT));
      case 'BTF_LOAD':
      case 'MAP_CREATE':
      case 'MAP_UPDATE_ELEM':
      case 'MAP_FREEZE':
      case 'OBJ_PIN':
        this.#fds++;
        this.#note(command, attr, this.#fds);
        return Promise.resolve({ ret: this.#fds });
      default:
        return undefined;
    }
  }

  #note(command: CommandName, attr: unknown, ret: number): void {
    if (command === 'BTF_LOAD') {
      const { btf } = attr as Attr<'BTF_LOAD'>;
      const name = createHash('sha256').update(btf!).digest('hex').slice(0, 32);
      this.blobs.set(name, btf!);
      this.#btfs.set(ret, name);
    } else if (command === 'MAP_CREATE') this.#maps.set(ret, this.#mapOf(attr as Attr<'MAP_CREATE'>));
    else if (command === 'MAP_FREEZE') {
      const map = this.#maps.get((attr as Attr<'MAP_FREEZE'>).map_fd ?? -1);
      if (map) map.frozen = true;
    } else if (command === 'MAP_UPDATE_ELEM') {
      const { map_fd, key, value } = attr as Attr<'MAP_UPDATE_ELEM'>;
      const map = this.#maps.get(map_fd ?? -1);
      if (map && !HOLDS_DESCRIPTORS.has(map.type)) {
        map.init = [...(map.init ?? []), [toHex(key ?? new Uint8Array(0)), toHex(value ?? new Uint8Array(0))]];
      }
    }
  }

  #mapOf(attr: Attr<'MAP_CREATE'>): CaseMap {
    const btf = attr.btf_fd === undefined ? undefined : this.#btfs.get(attr.btf_fd);
    const inner = attr.inner_map_fd === undefined ? undefined : this.#maps.get(attr.inner_map_fd);
    return {
      type: attr.map_type ?? 0,
      key_size: attr.key_size ?? 0,
      value_size: attr.value_size ?? 0,
      max_entries: attr.max_entries ?? 0,
      flags: attr.map_flags ?? 0,
      name: attr.map_name ?? '',
      extra: Number(attr.map_extra ?? 0n),
      ...(inner === undefined ? {} : { inner }),
      ...(btf === undefined ? {} : { btf, btf_key: attr.btf_key_type_id ?? 0, btf_value: attr.btf_value_type_id ?? 0 }),
    };
  }

  /** The program asked for, with names and indexes where it has ids and descriptors, and no answer yet. */
  asCase(id: string, name: string, kernel: Btf): ProgramCase {
    const attr = this.#program;
    if (attr === undefined) throw new SkepError('ERR_NO_PROGRAM', `the loader did not ask for '${name}'`);
    const insns = attr.insns!.slice();
    const maps: CaseMap[] = [];
    const relocs = this.#named(insns, maps, kernel);
    const target = attr.attach_btf_id ? kernel.type(attr.attach_btf_id)?.name : undefined;
    const btf = attr.prog_btf_fd === undefined ? undefined : this.#btfs.get(attr.prog_btf_fd);
    return {
      id,
      name,
      prog_type: attr.prog_type ?? 0,
      attach_type: attr.expected_attach_type ?? 0,
      ...(target === undefined ? {} : { attach_btf: target }),
      flags: attr.prog_flags ?? 0,
      license: attr.license ?? '',
      insns: toHex(insns),
      relocs,
      maps,
      ...(btf === undefined ? {} : { prog_btf: btf, func_info: toHex(attr.func_info ?? new Uint8Array(0)) }),
      accept: false,
      errno: 0,
      msg: '',
    };
  }

  /** Takes ids and descriptors out of the instructions and says what they were; fills `maps` with those used. */
  #named(insns: Uint8Array, maps: CaseMap[], kernel: Btf): CaseReloc[] {
    const relocs: CaseReloc[] = [];
    const dv = view(insns);
    for (let at = 0; at + SLOT <= insns.length; at += SLOT) {
      const insn = at / SLOT;
      const opcode = insns[at];
      const pseudo = insns[at + 1]! >> 4;
      const imm = dv.getInt32(at + 4, true);
      const reloc = opcode === LD_IMM64 ? this.#address(pseudo, imm, maps, kernel) : call(opcode, pseudo, imm, kernel);
      if (reloc) {
        if (reloc.kind === 'map_value') reloc.off = dv.getInt32(at + SLOT + 4, true);
        relocs.push({ insn, ...reloc });
        dv.setInt32(at + 4, reloc.map ?? 0, true);
      }
      if (opcode === LD_IMM64) at += SLOT;
    }
    return relocs;
  }

  #address(pseudo: number, imm: number, maps: CaseMap[], kernel: Btf): Omit<CaseReloc, 'insn'> | undefined {
    if (pseudo === BPF_PSEUDO_BTF_ID) return { kind: 'ksym_btf', name: kernel.type(imm)?.name ?? '' };
    if (pseudo !== BPF_PSEUDO_MAP_FD && pseudo !== BPF_PSEUDO_MAP_VALUE) return undefined;
    const map = this.#maps.get(imm);
    if (map === undefined) return undefined;
    if (!maps.includes(map)) maps.push(map);
    return { kind: pseudo === BPF_PSEUDO_MAP_FD ? 'map' : 'map_value', map: maps.indexOf(map) };
  }
}

function call(
  opcode: number | undefined,
  pseudo: number,
  imm: number,
  kernel: Btf,
): Omit<CaseReloc, 'insn'> | undefined {
  if (opcode !== CALL || pseudo !== BPF_PSEUDO_KFUNC_CALL) return undefined;
  return { kind: 'kfunc', name: kernel.type(imm)?.name ?? '' };
}

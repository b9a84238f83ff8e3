/**
 * BPF_PROG_LOAD: checks what the caller gave, has it verified, and makes it a program.
 *
 *     attr -> verify() -> VerifiedProgram -> map indexes to addresses -> Engine.load -> LoadedProg -> descriptor
 */
import { view } from '../../base/bytes.ts';
import { E2BIG, EACCES, EFAULT, EINVAL, EMFILE, ENOSPC, EOPNOTSUPP, EPERM } from '../../base/errno.ts';
import { BpfError, UnsupportedError } from '../../base/errors.ts';
import type { Attr } from '../../uapi/commands.ts';
import * as flag from '../../uapi/flags.ts';
import {
  BPF_FUNC_get_current_task,
  BPF_FUNC_get_current_task_btf,
  BPF_FUNC_task_pt_regs,
  BPF_PROG_TYPE_EXT,
  BPF_PROG_TYPE_LSM,
  BPF_PROG_TYPE_STRUCT_OPS,
  BPF_PROG_TYPE_TRACING,
  BPF_PROG_TYPE_UNSPEC,
} from '../../uapi/generated/constants.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { VerifierInput, VerifierResult, VerifierTarget } from '../../verifier/index.ts';
import type { Client } from '../client.ts';
import { FIRST_FD } from '../fds.ts';
import { mayLoadWith, settledAttachType } from '../load/attach-types.ts';
import { callsAny } from '../load/helper-calls.ts';
import { LOG_LEVELS, type WrittenLog, writeLog } from '../load/log.ts';
import { makeProgram, type ProgramOrigin } from '../load/make-program.ts';
import { readRecords } from '../load/records.ts';
import { verifierMap } from '../load/verifier-map.ts';
import type { BtfObject } from '../objects/btf.ts';
import { type Answer, type Handler, isObjectName } from './handler.ts';

const KNOWN_FLAGS =
  flag.BPF_F_STRICT_ALIGNMENT |
  flag.BPF_F_ANY_ALIGNMENT |
  flag.BPF_F_TEST_RND_HI32 |
  flag.BPF_F_TEST_STATE_FREQ |
  flag.BPF_F_SLEEPABLE |
  flag.BPF_F_XDP_HAS_FRAGS |
  flag.BPF_F_XDP_DEV_BOUND_ONLY |
  flag.BPF_F_TEST_REG_INVARIANTS;
/** BPF_COMPLEXITY_LIMIT_INSNS: what a program may have, and the verifier may look at. */
const MAX_INSNS = 1_000_000;
const SLOT_SIZE = 8;
/** Last of enum bpf_prog_type that Linux 6.18 has. */
const LAST_PROG_TYPE = 32;

const GPL_COMPATIBLE: ReadonlySet<string> = new Set([
  'GPL',
  'GPL v2',
  'GPL and additional rights',
  'Dual BSD/GPL',
  'Dual MIT/GPL',
  'Dual MPL/GPL',
]);

type Load = Attr<'PROG_LOAD'>;

export const progLoad: Handler<'PROG_LOAD'> = (client, attr) => {
  const error = checkAttr(attr);
  if (error !== 0) return error;
  if (!client.may('PROG_LOAD', attr)) return -EPERM;
  const info = programInfo(client, attr);
  if (typeof info === 'number') return info;
  if (client.fds.full) return -EMFILE;

  const target = attachTarget(client, attr);
  if (typeof target === 'number') return target;
  const input = verifierInput(client, attr, info, target);
  // Tasks get their blocks while programs run, which cannot wait for the layout of task_struct.
  if (callsAny(input.insns, TASK_HELPERS)) client.core.kernelBtf;
  const result = client.core.verify(input);
  const log = answerLog(attr, result);
  // A log that did not fit is what the caller hears of first, whatever the verdict.
  if (log.cut) return { ret: -ENOSPC, ...log.fields };
  if (!result.ok) return { ret: -result.errno, ...log.fields };
  const origin: ProgramOrigin = {
    bytecode: input.insns,
    type: input.progType,
    flags: input.flags,
    name: input.name,
    gplCompatible: input.gplCompatible,
    attachBtfId: attr.attach_btf_id ?? 0,
    btf: info.btf,
    uid: client.uid,
  };
  return { ret: install(client, origin, result), ...log.fields };
};

function install(client: Client, origin: ProgramOrigin, result: VerifierResult & { ok: true }): number {
  try {
    const prog = makeProgram(client.core, origin, result);
    return typeof prog === 'number' ? prog : client.fds.install(prog);
  } catch (error) {
    if (error instanceof BpfError) return -error.errno; // the engine has no room
    throw error;
  }
}

/** What can be told without looking at the instructions, in the order of Linux. */
function checkAttr(attr: Load): number {
  const flags = attr.prog_flags ?? 0;
  if (attr.signature) throw new UnsupportedError('signed programs', { since: '6.18' });
  if (attr.core_relo_cnt) {
    throw new UnsupportedError('CO-RE relocation by the kernel', { since: '5.17', hint: 'the loader applies them' });
  }
  if ((flags & ~KNOWN_FLAGS) !== 0) return -EINVAL;
  if (attr.license === undefined) return -EFAULT;
  const count = (attr.insns?.length ?? 0) / SLOT_SIZE;
  if (count === 0 || count > MAX_INSNS) return -E2BIG;
  if (!Number.isInteger(count)) return -EINVAL;
  const type = attr.prog_type ?? BPF_PROG_TYPE_UNSPEC;
  if (!mayLoadWith(type, settledAttachType(type, attr.expected_attach_type ?? 0))) return -EINVAL;
  if (type <= BPF_PROG_TYPE_UNSPEC || type > LAST_PROG_TYPE) return -EINVAL;
  if (attr.prog_ifindex) return -EOPNOTSUPP; // no device here runs programs
  if (!isObjectName(attr.prog_name ?? '')) return -EINVAL;
  const level = attr.log_level ?? 0;
  if ((level & ~(LOG_LEVELS | flag.BPF_LOG_FIXED)) !== 0 || (level === 0 && (attr.log_buf ?? 0) > 0)) return -EINVAL;
  return 0;
}

/** Helpers that answer a task, or work on one. */
const TASK_HELPERS: ReadonlySet<number> = new Set([
  BPF_FUNC_get_current_task,
  BPF_FUNC_get_current_task_btf,
  BPF_FUNC_task_pt_regs,
]);
interface ProgramInfo {
  readonly btf: BtfObject | undefined;
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
}

/** The program's BTF and its records; -errno. BTF without records is not looked at, as in Linux. */
function programInfo(client: Client, attr: Load): ProgramInfo | number {
  const functions = attr.func_info_cnt ?? 0;
  const lines = attr.line_info_cnt ?? 0;
  if (functions === 0 && lines === 0) {
    return { btf: undefined, funcInfo: new Uint8Array(0), lineInfo: new Uint8Array(0) };
  }
  const btf = client.object('btf', attr.prog_btf_fd ?? 0);
  if (typeof btf === 'number') return btf;
  if (btf.isKernel) return -EACCES;
  const { size: funcSize } = LAYOUTS.bpf_func_info;
  const { size: lineSize } = LAYOUTS.bpf_line_info;
  const funcInfo = readRecords(attr.func_info, functions, attr.func_info_rec_size ?? 0, funcSize);
  if (typeof funcInfo === 'number') return funcInfo;
  const lineInfo = readRecords(attr.line_info, lines, attr.line_info_rec_size ?? 0, lineSize);
  if (typeof lineInfo === 'number') return lineInfo;
  return { btf, funcInfo, lineInfo };
}

/** Types that attach to something in a program's or the kernel's BTF. */
const HAS_TARGET: ReadonlySet<number> = new Set([
  BPF_PROG_TYPE_TRACING,
  BPF_PROG_TYPE_LSM,
  BPF_PROG_TYPE_STRUCT_OPS,
  BPF_PROG_TYPE_EXT,
]);
const LAST_BTF_ID = 0xf_ffff;

/** The program that this one attaches to; undefined where it is the kernel or nothing. */
function attachTarget(client: Client, attr: Load): VerifierTarget | undefined | number {
  const { attach_prog_fd: fd = 0, attach_btf_id: id = 0, prog_type: type = 0 } = attr;
  if (id > LAST_BTF_ID || (id !== 0 && !HAS_TARGET.has(type))) return -EINVAL;
  if (fd === 0) return undefined;
  if (type !== BPF_PROG_TYPE_TRACING && type !== BPF_PROG_TYPE_EXT) return -EINVAL;
  const prog = client.object('prog', fd);
  if (typeof prog === 'number') return prog;
  if (prog.btf === undefined) return -EINVAL;
  return { progType: prog.facts.type, attachType: prog.facts.attachType, btf: prog.btf.btf };
}

function verifierInput(
  client: Client,
  attr: Load,
  info: ProgramInfo,
  target: VerifierTarget | undefined,
): VerifierInput {
  const { core } = client;
  const fdArray = attr.fd_array === undefined ? undefined : descriptors(attr.fd_array);
  return {
    insns: attr.insns!.slice(), // the caller may change its bytes afterwards
    name: (attr.prog_name ?? '').slice(0, flag.BPF_OBJ_NAME_LEN - 1),
    progType: attr.prog_type ?? 0,
    attachType: settledAttachType(attr.prog_type ?? 0, attr.expected_attach_type ?? 0),
    flags: attr.prog_flags ?? 0,
    gplCompatible: GPL_COMPATIBLE.has(attr.license ?? ''),
    mapByFd(fd) {
      const map = client.object('map', fd);
      return typeof map === 'number' ? undefined : verifierMap(core, map);
    },
    isOpen: (fd) => (fd >= 0 && fd < FIRST_FD) || client.fds.get(fd) !== undefined,
    ...(fdArray === undefined ? {} : { fdArray }),
    btfByFd(fd) {
      const btf = client.object('btf', fd);
      return typeof btf === 'number' ? undefined : btf.btf;
    },
    ...(info.btf === undefined ? {} : { btf: info.btf.btf }),
    funcInfo: info.funcInfo,
    lineInfo: info.lineInfo,
    kernelBtf: () => core.kernelBtf,
    ...(attr.attach_btf_id ? { attachBtfId: attr.attach_btf_id } : {}),
    capabilities: {
      bpf: client.has('CAP_BPF'),
      perfmon: client.has('CAP_PERFMON'),
      netAdmin: client.has('CAP_NET_ADMIN'),
      sysAdmin: client.has('CAP_SYS_ADMIN'),
    },
    ...(target === undefined ? {} : { attachProg: target }),
    logLevel: (attr.log_level ?? 0) & LOG_LEVELS,
  };
}

function descriptors(bytes: Uint8Array): number[] {
  const records = view(bytes);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => records.getInt32(4 * i, true));
}

function answerLog(
  attr: Load,
  result: VerifierResult,
): { cut: boolean; fields: Partial<Answer<'PROG_LOAD'>> & object } {
  const level = attr.log_level ?? 0;
  const room = attr.log_buf ?? 0;
  if (level === 0) return { cut: false, fields: {} };
  if (room === 0) return { cut: false, fields: { log_true_size: result.log.length + 1 } };
  const log: WrittenLog = writeLog(result.log, level, room);
  return { cut: log.cut, fields: { log_buf: log.buffer, log_true_size: log.trueSize } };
}

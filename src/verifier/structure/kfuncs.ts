/**
 * Kernel functions that the program calls: their prototypes from the kernel's BTF, their flags from the table. Linux:
 * add_kfunc_call().
 */
import type { KfuncFlag, KfuncRow } from '../../uapi/kfuncs.ts';
import { KFUNCS } from '../../uapi/kfuncs.ts';
import type { Env, Errno } from '../env.ts';

export interface KfuncParam {
  readonly name: string;
  /** Type id in the kernel's BTF. */
  readonly type: number;
}

export interface Kfunc {
  readonly name: string;
  /** Id of the function in the kernel's BTF. */
  readonly id: number;
  readonly params: readonly KfuncParam[];
  readonly ret: number;
  /** Undefined for a function that no program may call. */
  readonly row: KfuncRow | undefined;
}

const ROWS = KFUNCS as Readonly<Record<string, KfuncRow | undefined>>;

export const hasFlag = (k: Kfunc, flag: KfuncFlag): boolean => k.row?.flags.includes(flag) ?? false;

/** Notes the function that the call at `pc` names; a call of nothing (0) is left for the walk. */
export function addKfunc(env: Env, pc: number): void {
  const { insns } = env;
  const id = insns.imm[pc]!;
  if (!env.input.gplCompatible) {
    env.reject('EINVAL', 'cannot call kernel function from non-GPL compatible program');
  }
  env.kfuncNames.set(pc, '');
  if (id === 0 && insns.off[pc] === 0) return;
  if (insns.off[pc] !== 0) refuseModule(env, insns.off[pc]!);
  const btf = env.kernelBtf;
  const func = btf.type(id);
  if (func?.kind !== 'func') env.reject('EINVAL', `kernel btf_id ${id} is not a function`);
  const proto = btf.type(func.type);
  if (proto?.kind !== 'func_proto') {
    env.reject('EINVAL', `kernel function btf_id ${id} does not have a valid func_proto`);
  }
  if (func.name.startsWith('bpf_xdp_metadata_rx_')) {
    env.reject('EINVAL', 'metadata kfuncs require device-bound program');
  }
  env.kfuncNames.set(pc, func.name);
  env.kfuncs.set(id, { name: func.name, id, params: proto.params, ret: proto.ret, row: ROWS[func.name] });
}

/** The function that the call at `pc` names. */
export const kfuncAt = (env: Env, pc: number): Kfunc | undefined => env.kfuncs.get(env.insns.imm[pc]!);

/** `off` says in which module: by its place among the descriptors that came with the program. There are no modules here. */
function refuseModule(env: Env, off: number): never {
  const { fdArray } = env.input;
  let errno: Errno = 'EINVAL';
  if (off < 0) {
    env.write('negative offset disallowed for kernel module function call\n');
  } else if (!fdArray) {
    errno = 'EPROTO';
    env.write('kfunc offset > 0 without fd_array is invalid\n');
  } else {
    const fd = fdArray[off] ?? 0;
    if (env.input.btfByFd?.(fd)) {
      env.write('BTF fd for kfunc is not a module BTF\n');
    } else {
      errno = env.fdError(fd);
      env.write('invalid module BTF fd specified\n');
    }
  }
  env.reject(errno, 'failed to find BTF for kernel function');
}

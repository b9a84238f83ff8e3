/**
 * func_info and line_info: which BTF function each function of the program is. Linux: check_btf_func(), check_btf_line().
 */
import { view } from '../../base/bytes.ts';
import { resolve } from '../../btf/index.ts';
import { BTF_FUNC_GLOBAL } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';

const FUNC_RECORD = 8;
const LINE_RECORD = 16;

export function checkBtfInfo(env: Env): void {
  const { btf, funcInfo, lineInfo } = env.input;
  if (btf && funcInfo && funcInfo.length > 0) checkFunctions(env, funcInfo);
  else checkEnds(env, 'not allowed in subprogs without BTF', () => false);
  if (!btf) return;
  if (lineInfo && lineInfo.length > 0) checkLines(env, lineInfo);
}

function checkFunctions(env: Env, funcInfo: Uint8Array): void {
  const btf = env.input.btf!;
  const count = Math.floor(funcInfo.length / FUNC_RECORD);
  if (count !== env.subprogs.length) {
    env.reject('EINVAL', "number of funcs in func_info doesn't match number of subprogs");
  }
  const dv = view(funcInfo);
  for (let k = 0; k < count; k++) {
    const insn = dv.getUint32(k * FUNC_RECORD, true);
    const id = dv.getUint32(k * FUNC_RECORD + 4, true);
    const type = btf.type(id);
    if (type?.kind !== 'func') env.reject('EINVAL', `invalid type id ${id} in func info`);
    const sub = env.subprogs[k]!;
    if (insn !== sub.start) env.reject('EINVAL', "func_info BTF section doesn't match subprog layout in BPF program");
    sub.name = type.name;
    sub.isGlobal = k > 0 && type.linkage === BTF_FUNC_GLOBAL;
    env.funcTypeIds[k] = id;
  }
  checkEnds(env, "only allowed in functions that return 'int'.", (k) => subprogReturnsInt(env, k));
}

/** Packet loads and tail calls may end a function before its end: it must be known what it answers then. */
function checkEnds(env: Env, refusal: string, mayEnd: (index: number) => boolean): void {
  for (const [k, sub] of env.subprogs.entries()) {
    if (k === 0 || !(sub.hasLdAbs || sub.hasTailCall) || mayEnd(k)) continue;
    env.reject('EINVAL', `${sub.hasLdAbs ? 'LD_ABS' : 'tail_call'} is ${refusal}`);
  }
}

/** Whether BTF says that a function answers an int. */
function subprogReturnsInt(env: Env, index: number): boolean {
  const { btf } = env.input;
  const func = env.funcType(index);
  if (!btf || func?.kind !== 'func') return false;
  const proto = btf.type(func.type);
  if (proto?.kind !== 'func_proto') return false;
  const { kind } = resolve(btf, proto.ret);
  return kind === 'int' || kind === 'enum' || kind === 'enum64';
}

function checkLines(env: Env, lineInfo: Uint8Array): void {
  const dv = view(lineInfo);
  const count = Math.floor(lineInfo.length / LINE_RECORD);
  let last = -1;
  for (let k = 0; k < count; k++) {
    const insn = dv.getUint32(k * LINE_RECORD, true);
    if (insn <= last && k > 0) {
      env.reject(
        'EINVAL',
        `Invalid line_info[${k}].insn_off:${insn} (prev_offset:${last} prog->len:${env.insns.length})`,
      );
    }
    if (insn >= env.insns.length) {
      env.reject(
        'EINVAL',
        `Invalid line_info[${k}].insn_off:${insn} (prev_offset:${last} prog->len:${env.insns.length})`,
      );
    }
    last = insn;
  }
}

/**
 * func_info and line_info: which BTF function each function of the program is. Linux: check_btf_func(), check_btf_line().
 */
import { view } from '../../base/bytes.ts';
import type { Env } from '../env.ts';

const FUNC_RECORD = 8;
const LINE_RECORD = 16;
const LINKAGE_GLOBAL = 1;

export function checkBtfInfo(env: Env): void {
  const { btf, funcInfo, lineInfo } = env.input;
  if (!btf) return;
  if (funcInfo && funcInfo.length > 0) checkFunctions(env, funcInfo);
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
    sub.isGlobal = k > 0 && type.linkage === LINKAGE_GLOBAL;
    env.funcTypeIds[k] = id;
  }
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

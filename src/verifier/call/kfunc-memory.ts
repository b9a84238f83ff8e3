/**
 * Memory handed to a kernel function: it may read and write it. Linux: check_mem_reg(), check_kfunc_mem_size_reg().
 */
import { markNotNull } from '../branch/null-check.ts';
import type { Env } from '../env.ts';
import { checkHelperMemory, checkSize } from './arg/memory.ts';
import { CallMeta } from './meta.ts';

/** `check` sees the pointer in r(regno) as if it were known not to be NULL. */
function asNotNull(env: Env, regno: number, check: () => void): void {
  const reg = env.reg(regno);
  if (!reg.mayBeNull) {
    check();
    return;
  }
  const saved = env.temp[4]!;
  saved.copyFrom(reg);
  markNotNull(env, reg);
  check();
  env.reg(regno).copyFrom(saved);
}

export function checkReadWrite(env: Env, regno: number, size: number): void {
  if (env.reg(regno).isNull) return;
  asNotNull(env, regno, () => {
    checkHelperMemory(env, regno, size, false, true, new CallMeta());
    checkHelperMemory(env, regno, size, true, true, new CallMeta());
  });
}

/** r(regno) is the size of the memory behind the register before it. */
export function checkMemorySize(env: Env, regno: number): void {
  asNotNull(env, regno - 1, () => {
    checkSize(env, regno, false, true, new CallMeta());
    checkSize(env, regno, true, true, new CallMeta());
  });
}

/**
 * What is called must still be there.
 *
 * A function whose address is taken and that nothing ever walked into is dead code: it is gone when its address is
 * looked up. Where another function moved to its place, that one's address is taken, which does no harm, since nobody
 * calls it. Where none did, Linux takes this for a mistake of its own and refuses the program.
 *
 * A program left with one function has no addresses to look up. Linux: jit_subprogs().
 */
import { BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, CALL, type Insns, LD_IMM64 } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import type { Moved } from './dead-code.ts';

/** By how much the program grows where Linux builds a call of bpf_loop in. */
const LOOP_GROWTH = 18;

/** Instructions of the function that makes what was thrown the program's answer. */
const THROW_GROWTH = 2;

/**
 * The position that Linux names counts what it has built in before it by then: here loops only, not the other helpers
 * and the accesses to the context.
 */
export function checkFunctionsLeft(env: Env, { insns, subprogs, to }: Moved): void {
  checkKernelFunctions(env, insns);
  // What ends a program that throws and does not say how is a function, too, behind all others.
  const added = env.throws && !env.exceptionCallback;
  if (subprogs.length <= 1 && !added) return;
  const isLoop = (callback: number, pc: number, before: number) => callback > 0 && to[pc]! >= 0 && to[pc]! < before;
  for (let pc = 0; pc < insns.length; pc++) {
    if (insns.code[pc] !== LD_IMM64) continue;
    const target = pc + 1 + insns.imm[pc]!;
    if (insns.src[pc] === BPF_PSEUDO_FUNC && !subprogs.some(({ start }) => start === target)) {
      const growth = added && target >= insns.length ? THROW_GROWTH : 0;
      const loops = env.aux.loopCallback.filter((callback, from) => isLoop(callback, from, target)).length;
      env.reject(
        'EFAULT',
        `verifier bug: No program to jit at insn ${target + growth + LOOP_GROWTH * loops} (subprog < 0)`,
      );
    }
    pc++;
  }
}

/** Loaders leave calls of nothing for functions that the kernel lacks: programs ask whether it has them before. */
function checkKernelFunctions(env: Env, { code, src, imm }: Insns): void {
  if (!code.some((op, pc) => op === CALL && src[pc] === BPF_PSEUDO_KFUNC_CALL && imm[pc] === 0)) return;
  env.reject('EINVAL', 'invalid kernel function call not eliminated in verifier pass');
}

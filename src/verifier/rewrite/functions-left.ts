/**
 * A function whose address is taken and that nothing ever walked into is dead code: it is gone when its address is
 * looked up. Where another function moved up to its place, that one's address is taken, which does no harm, since nobody
 * calls it. Where none did, Linux takes this for a mistake of its own and refuses the program.
 *
 * A program left with one function has no addresses to look up. Linux: jit_subprogs().
 */
import { BPF_PSEUDO_FUNC, LD_IMM64 } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import type { Moved } from './dead-code.ts';

/** By how much the program grows where Linux builds a call of bpf_loop in. */
const LOOP_GROWTH = 18;

/**
 * The position that Linux names is where the program ends, with what it has built in by then: here loops only, not the
 * other helpers and the accesses to the context.
 */
export function checkFunctionsLeft(env: Env, { insns, subprogs, to }: Moved): void {
  if (subprogs.length <= 1) return;
  const { loopCallback } = env.aux;
  const grown = LOOP_GROWTH * loopCallback.filter((callback, pc) => callback > 0 && to[pc]! >= 0).length;
  for (let pc = 0; pc < insns.length; pc++) {
    if (insns.code[pc] !== LD_IMM64) continue;
    const target = pc + 1 + insns.imm[pc]!;
    if (insns.src[pc] === BPF_PSEUDO_FUNC && !subprogs.some(({ start }) => start === target)) {
      env.reject('EFAULT', `verifier bug: No program to jit at insn ${target + grown} (subprog < 0)`);
    }
    pc++;
  }
}

/**
 * After acceptance: the program as it is run and as `dump xlated` shows it.
 */
import { encode, Insns } from '../../isa/index.ts';
import type { Env } from '../env.ts';
import type { VerifiedProgram } from '../program.ts';
import { ARENA, BASE_MASK } from '../state/types.ts';
import { removeDeadCode } from './dead-code.ts';
import { checkFunctionsLeft } from './functions-left.ts';
import { checkTailCalls } from './tail-calls.ts';

export function rewrite(env: Env): VerifiedProgram {
  const { insns, aux } = env;
  const out = new Insns(insns.length);
  out.code.set(insns.code);
  out.dst.set(insns.dst);
  out.src.set(insns.src);
  out.off.set(insns.off);
  out.imm.set(insns.imm);
  for (let pc = 0; pc < insns.length; pc++) {
    const map = aux.mapIndex[pc]!;
    if (!map) continue;
    out.src[pc] = insns.src[pc] === 5 ? 1 : insns.src[pc] === 6 ? 2 : insns.src[pc]!;
    out.imm[pc] = map - 1;
  }
  const moved = removeDeadCode(env, out);
  checkTailCalls(env);
  checkFunctionsLeft(env, moved);
  const callMaps = new Map<number, number>();
  for (let pc = 0; pc < insns.length; pc++) {
    const map = aux.callMap[pc]!;
    // Templates of inner maps are not among the used maps.
    if (map > 0 && map <= env.usedMaps.length && moved.to[pc]! >= 0) callMaps.set(moved.to[pc]!, map - 1);
  }
  const kfuncs = new Map<number, string>();
  for (const [pc, name] of env.kfuncNames) if (moved.to[pc]! >= 0) kfuncs.set(moved.to[pc]!, name);
  const faultable = new Set<number>();
  for (const pc of env.faultable) if (moved.to[pc]! >= 0) faultable.add(moved.to[pc]!);
  const arenaAccesses = new Set<number>();
  if (env.arena) {
    for (let pc = 0; pc < insns.length; pc++)
      if ((aux.ptrType[pc]! & BASE_MASK) === ARENA && moved.to[pc]! >= 0) arenaAccesses.add(moved.to[pc]!);
  }
  return {
    insns: encode(moved.insns),
    usedMaps: env.usedMaps,
    subprogs: moved.subprogs,
    funcInfo: moved.funcInfo,
    lineInfo: moved.lineInfo,
    faultable,
    callMaps,
    kfuncs,
    arenaAccesses,
    bufferAccess: { readOnly: env.bufferAccess.rdonly, writable: env.bufferAccess.rdwr },
    exceptionCallback: env.exceptionCallback && moved.to[env.subprogs[env.exceptionCallback]!.start]!,
    attachType: env.attachType,
    longestRun: longestRun(env),
  };
}

/**
 * A run goes through states that were walked, and through none of them twice: loops that would come back to one are refused, but those of
 * iterators, callbacks and may_goto, where a checkpoint is forced. Global functions are walked once, however often they are called.
 */
function longestRun(env: Env): number | undefined {
  const comesBack = env.aux.forceCheckpoint.includes(1);
  return comesBack || env.subprogs.some((sub) => sub.isGlobal && sub.called) ? undefined : env.processed;
}

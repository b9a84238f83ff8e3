/**
 * The verifier's passes, in order. Start reading here.
 *
 * structure: is it a program at all, what are its functions, where does control go. Then the walk: every path, main
 * program first, then each global function by itself. Then stack depth over calls, and the rewrites.
 */
import { errnoOf } from '../base/errno.ts';
import { decode } from '../isa/index.ts';
import { BPF_F_SLEEPABLE, BPF_LOG_LEVEL1, BPF_LOG_LEVEL2, BPF_LOG_STATS } from '../uapi/flags.ts';
import * as c from '../uapi/generated/constants.ts';
import { asReplaced } from './attach/extension.ts';
import { checkSleepable } from './attach/sleepable.ts';
import { checkTarget } from './attach/target.ts';
import { setGlobalArgs } from './call/global.ts';
import { prepareArgs } from './call/global-args.ts';
import { Env, Rejection } from './env.ts';
import { Liveness } from './explore/stack-liveness.ts';
import { Walk } from './explore/walk.ts';
import type { VerifiedProgram, VerifierInput, VerifierResult, VerifierStats } from './program.ts';
import { rewrite } from './rewrite/index.ts';
import { StatePool } from './state/pool.ts';
import { PTR_CTX, PTR_STACK } from './state/types.ts';
import { checkBtfInfo } from './structure/btf-info.ts';
import { checkCfg } from './structure/cfg.ts';
import { computeLiveRegs, Flow, findLoops } from './structure/flow.ts';
import { addKfunc } from './structure/kfuncs.ts';
import { resolveImmediates } from './structure/ld-imm64.ts';
import { checkStackDepth } from './structure/stack-depth.ts';
import { checkSubprogs, findSubprogs, type Subprog } from './structure/subprogs.ts';

const LEVELS = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;

/**
 * Verdict, log and, where accepted, the program as it is to be run. Never throws for a bad program. Who verifies many
 * programs gives the same `pool` each time: memory for states that was taken for one serves the next.
 */
export function verify(input: VerifierInput, pool = new StatePool()): VerifierResult {
  // Level 1 shows a path only where it failed: nothing is written until it is known that one will.
  const quietFirst = (input.logLevel & LEVELS) === BPF_LOG_LEVEL1;
  if (!quietFirst) return run(input, input.logLevel, pool);
  const start = performance.now();
  const result = run(input, 0, pool);
  if (!result.ok) return run(input, input.logLevel, pool);
  return { ...result, log: statsText(result.stats, input.logLevel, performance.now() - start) };
}

function run(input: VerifierInput, logLevel: number, pool: StatePool): VerifierResult {
  const start = performance.now();
  const insns = decode(input.insns);
  const env = new Env(asReplaced(input), insns, logLevel, pool);
  pool.begin((bytes) => env.charge(bytes));
  env.isExtension = input.progType === c.BPF_PROG_TYPE_EXT;
  let program: VerifiedProgram;
  try {
    structure(env);
    walkAll(env);
    checkStackDepth(env);
    program = rewrite(env);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    const stats = statsOf(env);
    env.write(statsText(stats, logLevel, performance.now() - start));
    return { ok: false, errno: errnoOf(error.errno) ?? 22, log: env.log.text(), stats, pc: env.pc };
  } finally {
    pool.end();
  }
  const stats = statsOf(env);
  env.write(statsText(stats, logLevel, performance.now() - start));
  return { ok: true, log: env.log.text(), stats, program };
}

function structure(env: Env): void {
  findSubprogs(env, (pc) => addKfunc(env, pc));
  checkSubprogs(env);
  checkBtfInfo(env);
  resolveImmediates(env);
  checkCfg(env);
  checkSleepable(env);
  checkTarget(env);
  const flow = new Flow(env);
  findLoops(env, flow);
  env.liveness = new Liveness(env, flow);
  computeLiveRegs(env, flow);
}

function walkAll(env: Env): void {
  const walk = new Walk(env);
  walkFunction(env, walk, 0);
  // Global functions that something called, until none is left that was not verified.
  for (let again = true; again; ) {
    again = false;
    for (const [k, sub] of env.subprogs.entries()) {
      if (k === 0 || !sub.isGlobal || !sub.called || sub.verified) continue;
      walkFunction(env, walk, k);
      sub.verified = true;
      again = true;
      if (env.log.on) env.write(`Func#${k} ('${sub.name}') is safe for any args that match its prototype\n`);
    }
  }
}

function walkFunction(env: Env, walk: Walk, index: number): void {
  const { cur } = env;
  const sub = env.subprogs[index]!;
  cur.reset(index);
  cur.inSleepable = (env.input.flags & BPF_F_SLEEPABLE) !== 0;
  const fp = cur.frame.regs[10]!;
  fp.markPointer(PTR_STACK);
  if (index > 0 || env.isExtension) {
    if (env.log.on) env.write(`Validating ${sub.name}() func#${index}...\n`);
    prepareArgs(env, index);
    if (sub.isExceptionCallback) enterExceptionCallback(env, sub);
    setGlobalArgs(env, sub);
  } else {
    // What BTF says about the main function's signature is only noted.
    const func = env.log.kept && env.input.btf && env.funcTypeId(0) ? env.funcType(0) : undefined;
    if (func?.kind === 'func' && func.linkage === c.BTF_FUNC_GLOBAL) noteArgs(env);
    cur.frame.regs[1]!.markPointer(PTR_CTX);
  }
  env.pc = sub.start;
  env.prevPc = -1;
  cur.firstIdx = sub.start;
  cur.lastIdx = -1;
  env.pending = [];
  env.checkpoints = [];
  env.liveness.leave();
  env.scratchAll();
  walk.run();
  if (!env.log.level2) env.log.truncate(0);
}

function enterExceptionCallback(env: Env, sub: Subprog): void {
  env.frame.inExceptionCallback = true;
  if (sub.args!.length !== 1 || sub.args![0]!.kind !== 'scalar') {
    env.reject('EINVAL', 'exception cb only supports single integer argument');
  }
}

/** Why the main function could not be a global one is only told, and only where its BTF says that it is one. */
function noteArgs(env: Env): void {
  const func = env.funcType(0);
  if (func?.kind === 'func' && func.linkage !== c.BTF_FUNC_GLOBAL) return;
  try {
    prepareArgs(env, 0);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
  }
}

function statsOf(env: Env): VerifierStats {
  return {
    processed: env.processed,
    maxStatesPerInsn: env.maxStatesPerInsn,
    totalStates: env.totalStates,
    peakStates: env.peakStates,
    stackDepth: env.subprogs.map((sub) => sub.stackDepth),
  };
}

function statsText(s: VerifierStats, logLevel: number, ms: number): string {
  const cost =
    (logLevel & BPF_LOG_STATS) === 0
      ? ''
      : `verification time ${Math.round(ms * 1000)} usec\nstack depth ${s.stackDepth.join('+')}\n`;
  return `${cost}processed ${s.processed} insns (limit 1000000) max_states_per_insn ${s.maxStatesPerInsn} total_states ${s.totalStates} peak_states ${s.peakStates} mark_read 0\n`;
}

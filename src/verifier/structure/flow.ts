/**
 * Facts about the flow graph that are computed before the walk: order of instructions, loops, and which registers
 * some path still reads (6.18 computes these up front; states forget dead registers before they are compared).
 */
import {
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_IND,
  BPF_JA,
  BPF_JCOND,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MOV,
  BPF_NEG,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  BPF_X,
  classOf,
  isGoto,
  isJmp,
  jumpDistance,
  LD_IMM64,
  modeOf,
  opOf,
  sourceOf,
} from '../../isa/index.ts';
import { helperFor, isKfuncAllowed } from '../call/allowed.ts';
import { callEffects } from '../call/effects.ts';
import type { Env } from '../env.ts';
import { kfuncAt } from './kfuncs.ts';
import { isHelperCall, isKfuncCall } from './subprogs.ts';

/** Those from which control goes to an instruction: `before[firstBefore[pc]]` up to `before[firstBefore[pc + 1] - 1]`. */
interface Predecessors {
  readonly firstBefore: Int32Array;
  readonly before: Int32Array;
}

/** Successors of an instruction inside its function, two entries a slot; -1 for none. The one that follows comes first. */
export class Flow {
  readonly next: Int32Array;
  readonly jump: Int32Array;
  /** Instructions of each function, successors first. */
  readonly postorder: Int32Array[];
  /** Where an instruction stands in the order of its function. */
  readonly place: Int32Array;
  /** Whether any jump goes back: without one there is no loop. */
  readonly goesBack: boolean;
  #predecessors: Predecessors | undefined = undefined;

  constructor(env: Env) {
    const { insns } = env;
    this.next = new Int32Array(insns.length).fill(-1);
    this.jump = new Int32Array(insns.length).fill(-1);
    this.place = new Int32Array(insns.length);
    let goesBack = false;
    for (let pc = 0; pc < insns.length; pc++) {
      const code = insns.code[pc]!;
      if (code === LD_IMM64) {
        this.next[pc] = pc + 2;
        pc++;
        continue;
      }
      if (!isJmp(code) || opOf(code) === BPF_CALL) {
        this.next[pc] = pc + 1;
        continue;
      }
      if (opOf(code) === BPF_EXIT) continue;
      if (!isGoto(code)) this.next[pc] = pc + 1;
      const to = pc + 1 + jumpDistance(code, insns.off[pc]!, insns.imm[pc]!);
      this.jump[pc] = to;
      if (to <= pc) goesBack = true;
    }
    this.goesBack = goesBack;
    const stack = new Int32Array(insns.length);
    const marks = new Uint8Array(insns.length);
    this.postorder = env.subprogs.map((s) => this.#order(s.start, stack, marks));
  }

  get predecessors(): Predecessors {
    return (this.#predecessors ??= this.#findPredecessors());
  }

  /** `stack`, `marks`: room for the work, `marks` with zeros for this function. */
  #order(start: number, stack: Int32Array, marks: Uint8Array): Int32Array {
    const { next, jump, place } = this;
    let count = 0;
    let depth = 0;
    // Places first: how many there are is known at the end.
    const visit = (to: number): void => {
      if (to < 0 || marks[to] !== 0) return;
      marks[to] = SEEN;
      stack[depth++] = to;
    };
    visit(start);
    let lowest = start;
    let highest = start;
    while (depth > 0) {
      const top = stack[depth - 1]!;
      if (marks[top] === SEEN) {
        marks[top] = EXPANDED;
        if (top < lowest) lowest = top;
        if (top > highest) highest = top;
        visit(next[top]!);
        visit(jump[top]!);
      } else {
        depth--;
        place[top] = count++;
        marks[top] = PLACED;
      }
    }
    const order = new Int32Array(count);
    for (let pc = lowest; pc <= highest; pc++) if (marks[pc] === PLACED) order[place[pc]!] = pc;
    return order;
  }

  #findPredecessors(): Predecessors {
    const { next, jump } = this;
    const firstBefore = new Int32Array(next.length + 2);
    const reached = this.postorder;
    for (const order of reached) {
      for (const pc of order) {
        firstBefore[next[pc]! + 2]!++;
        firstBefore[jump[pc]! + 2]!++;
      }
    }
    // Those without a successor were counted in front of the first.
    firstBefore[1] = 0;
    for (let pc = 2; pc < firstBefore.length; pc++) firstBefore[pc]! += firstBefore[pc - 1]!;
    const before = new Int32Array(firstBefore.at(-1)!);
    for (const order of reached) {
      for (const pc of order) {
        if (next[pc]! >= 0) before[firstBefore[next[pc]! + 1]!++] = pc;
        if (jump[pc]! >= 0) before[firstBefore[jump[pc]! + 1]!++] = pc;
      }
    }
    return { firstBefore, before };
  }
}

// How far the search has come with an instruction.
const SEEN = 1;
const EXPANDED = 2;
const PLACED = 3;

/** Numbers the strongly connected components that are loops (Tarjan). A call that repeats a callback is none by itself. */
export function findLoops(env: Env, flow: Flow): void {
  if (!flow.goesBack) return;
  const { insns, aux } = env;
  const count = insns.length;
  const NONE = 0x7fff_ffff;
  const pre = new Int32Array(count);
  const low = new Int32Array(count);
  const stack: number[] = [];
  const path: number[] = [];
  let nextPre = 1;
  let nextScc = 1;
  for (let root = 0; root < count; root++) {
    if (insns.code[root] === 0 || pre[root]) continue;
    path.push(root);
    while (path.length > 0) {
      const at = path.at(-1)!;
      if (pre[at] === 0) {
        pre[at] = nextPre;
        low[at] = nextPre++;
        stack.push(at);
      }
      let descend = -1;
      for (let k = 0; k < 2 && descend < 0; k++) {
        const to = k === 0 ? flow.next[at]! : flow.jump[at]!;
        if (to < 0) continue;
        if (pre[to] === 0) descend = to;
        else if (low[to]! < low[at]!) low[at] = low[to]!;
      }
      if (descend >= 0) {
        path.push(descend);
        continue;
      }
      path.pop();
      if (low[at] !== pre[at]) continue;
      const selfLoop = flow.jump[at] === at || flow.next[at] === at;
      const isLoop = stack.at(-1) !== at || selfLoop;
      for (;;) {
        const member = stack.pop()!;
        low[member] = NONE;
        if (isLoop) aux.scc[member] = nextScc;
        if (member === at) break;
      }
      if (isLoop) nextScc++;
    }
  }
}

/** r0..r5 */
const CALLER_SAVED = 0x3f;

/** Fills `aux.liveRegs`, and at level 2 prints the table. */
export function computeLiveRegs(env: Env, flow: Flow): void {
  const { insns, aux } = env;
  const live = aux.liveRegs;
  const uses = new Uint16Array(insns.length);
  const defs = new Uint16Array(insns.length);
  for (let pc = 0; pc < insns.length; pc++) {
    const packed = usesAndDefs(env, pc);
    uses[pc] = packed & 0xffff;
    defs[pc] = packed >>> 16;
    if (insns.code[pc] === LD_IMM64) pc++;
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const order of flow.postorder) {
      for (const pc of order) {
        let out = 0;
        const next = flow.next[pc]!;
        const jump = flow.jump[pc]!;
        if (next >= 0) out |= live[next]!;
        if (jump >= 0) out |= live[jump]!;
        const before = (out & ~defs[pc]!) | uses[pc]!;
        if (before === live[pc]) continue;
        live[pc] = before;
        changed = flow.goesBack;
      }
    }
  }
  if (env.log.level2) printLiveRegs(env);
}

function printLiveRegs(env: Env): void {
  const { insns, aux } = env;
  env.write('Live regs before insn:\n');
  for (let pc = 0; pc < insns.length; pc++) {
    let regs = '';
    for (let r = 0; r < 10; r++) regs += aux.liveRegs[pc]! & (1 << r) ? r : '.';
    const scc = aux.scc[pc] ? `${`${aux.scc[pc]}`.padStart(3)} ` : '    ';
    env.write(`${scc}${`${pc}`.padStart(3)}: ${regs} ${env.insnText(pc)}`);
    if (insns.code[pc] === LD_IMM64) pc++;
  }
}

/** Argument registers that a call reads: all five where Linux cannot tell, as for helpers that this program may not call. */
function argumentCount(env: Env, pc: number): number {
  const helper = isHelperCall(env, pc) ? helperFor(env, env.insns.imm[pc]!) : undefined;
  if (!helper) {
    const kfunc = isKfuncCall(env, pc) ? kfuncAt(env, pc) : undefined;
    return kfunc && !isKfuncAllowed(env, kfunc) ? 5 : callEffects(env, pc).args;
  }
  return helper.allowed ? helper.args.length : 5;
}

const pack = (use: number, def: number): number => (use & 0xffff) | (def << 16);

/** Registers read in the low 16 bits, written in the high. */
function usesAndDefs(env: Env, pc: number): number {
  const { insns } = env;
  const code = insns.code[pc]!;
  const dst = 1 << insns.dst[pc]!;
  const src = 1 << insns.src[pc]!;
  switch (classOf(code)) {
    case BPF_LD:
      // Linux takes packet loads to read every register.
      if (modeOf(code) === BPF_ABS || modeOf(code) === BPF_IND) return pack(0xffff, 0);
      return pack(0, dst);
    case BPF_LDX:
      return pack(src, dst);
    case BPF_ST:
      return pack(dst, 0);
    case BPF_STX: {
      if (modeOf(code) !== BPF_ATOMIC) return pack(dst | src, 0);
      const imm = insns.imm[pc]!;
      if (imm === BPF_CMPXCHG) return pack(1 | dst | src, 1);
      if (imm === BPF_LOAD_ACQ) return pack(src, dst);
      if (imm === BPF_STORE_REL) return pack(dst | src, 0);
      return pack(dst | src, imm & BPF_FETCH ? src : 0);
    }
    case BPF_ALU:
    case BPF_ALU64:
      switch (opOf(code)) {
        case BPF_END:
        case BPF_NEG:
          return pack(dst, dst);
        case BPF_MOV:
          return pack(sourceOf(code) === BPF_X ? src : 0, dst);
        default:
          return pack(dst | (sourceOf(code) === BPF_X ? src : 0), dst);
      }
    default:
      switch (opOf(code)) {
        case BPF_JA:
        case BPF_JCOND:
          return 0;
        case BPF_EXIT:
          return 1;
        case BPF_CALL: {
          const args = argumentCount(env, pc);
          return pack(((1 << args) - 1) << 1, CALLER_SAVED);
        }
        default:
          return pack(dst | (sourceOf(code) === BPF_X ? src : 0), 0);
      }
  }
}

/** Runs raw bytecode on an engine of its own: what instruction tests and property tests need, and nothing of a kernel. */
import { decode } from '../../src/isa/index.ts';
import {
  type Callable,
  type Code,
  Engine,
  type EngineOptions,
  type FaultInfo,
  LinearMemory,
} from '../../src/vm/index.ts';

export interface RunOptions extends EngineOptions {
  /** First slots of the functions; default: found by following calls and references. */
  readonly subprogs?: readonly number[];
  readonly helpers?: ReadonlyMap<number, Callable>;
}

export interface Outcome {
  readonly r0: bigint;
  /** What the memory behind r1 holds afterwards. */
  readonly memory: Uint8Array;
  readonly fault: FaultInfo | null;
}

/** First slots of a program's functions, as calls and references to functions tell them. */
export function subprogsOf(bytes: Uint8Array): number[] {
  const insns = decode(bytes);
  const starts = new Set([0]);
  for (let pc = 0; pc < insns.length; pc++) {
    const reference = insns.code[pc] === 0x18 ? insns.src[pc] === 4 : insns.code[pc] === 0x85 && insns.src[pc] === 1;
    const start = pc + 1 + insns.imm[pc]!;
    if (reference && start > 0 && start < insns.length) starts.add(start);
    if (insns.code[pc] === 0x18) pc++;
  }
  return [...starts].sort((a, b) => a - b);
}

/** The program that `bytes` holds. */
export function codeOf(bytes: Uint8Array, subprogs: readonly number[] = subprogsOf(bytes)): Code {
  return { insns: decode(bytes), subprogs };
}

/**
 * Runs `bytes` with r1 = address of a copy of `memory` and r2 = its size. The engine passes one argument, so a
 * prologue of one instruction sets r2.
 */
export function runBytes(bytes: Uint8Array, memory: Uint8Array, options: RunOptions = {}): Outcome {
  const mem = new LinearMemory({ limit: 1 << 22 });
  const engine = new Engine(mem, { helpers: options.helpers ?? new Map() });
  const addr = mem.alloc(memory.length);
  mem.write(addr, memory);
  engine.regions = [{ start: addr, size: memory.length, writable: true }];
  const whole = new Uint8Array(bytes.length + 8);
  whole.set([0xb7, 2, 0, 0]);
  new DataView(whole.buffer).setInt32(4, memory.length, true);
  whole.set(bytes, 8);
  const subprogs = options.subprogs ?? subprogsOf(bytes);
  const program = engine.load(
    codeOf(
      whole,
      subprogs.map((start, i) => (i === 0 ? 0 : start + 1)),
    ),
    options,
  );
  const lo = program.run(addr);
  const r0 = BigInt.asUintN(64, (BigInt(engine.retHi) << 32n) | BigInt(lo));
  const outcome = { r0, memory: mem.read(addr, memory.length), fault: engine.fault };
  program.dispose();
  return outcome;
}

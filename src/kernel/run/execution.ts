/**
 * Running programs: whose task it is, on which CPU, with what context; and what helpers ask of the kernel meanwhile.
 *
 * One program runs at a time. A run inside a run (a callback of user memory that fires a hook) saves and restores
 * what is current; a program that would interrupt itself is left out and counted, as Linux does.
 */

import { EINVAL } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import type { Addr, Memory } from '../../base/memory.ts';
import type { HelperEnv, ObjectStore, Packet, RunState } from '../../helpers/index.ts';
import { type KernelMap, PerfEventArrayMap } from '../../maps/index.ts';
import type { CallbackArgs, Engine } from '../../vm/index.ts';
import type { MapRegistry } from '../objects/map.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { TracePipe } from '../readers/trace-pipe.ts';
import type { CgroupBlocks } from '../world/cgroup-struct.ts';
import type { WorldTask } from '../world/task.ts';
import type { World } from '../world/world.ts';

/** What surrounds one run. */
export interface Scope {
  readonly task: WorldTask;
  /** Default: the task's. */
  readonly cpu?: number;
  readonly cookie?: bigint;
  /** Address of the probed function, for bpf_get_func_ip. */
  readonly funcIp?: bigint;
  readonly packet?: Packet;
  readonly sequence?: RunState['sequence'];
  /** What bpf_get_retval finds and bpf_set_retval leaves, from one program of a cgroup to the next. */
  readonly verdict?: { retval: number };
}

/** What the execution needs of its kernel. */
export interface ExecutionEnv {
  readonly mem: Memory;
  readonly world: World;
  readonly cpus: number;
  readonly maps: MapRegistry;
  readonly objects: ObjectStore;
  readonly cgroupBlocks: CgroupBlocks;
  readonly trace: TracePipe;
  /** There once the kernel is complete. */
  readonly hooks: { symbolAt(addr: bigint): string | undefined };
  warn(message: string): void;
}

export class Execution implements HelperEnv {
  readonly mem: Memory;
  readonly cpus: number;
  readonly objects: ObjectStore;
  readonly run: RunState = {
    ctx: 0,
    progType: 0,
    attachType: 0,
    cookie: 0n,
    funcIp: 0n,
    packet: null,
    redirect: null,
    sequence: null,
    retval: 0,
  };
  /** The first thing that a program needed and did not find here, since this was last set to undefined. */
  unsupported: UnsupportedError | undefined;
  /** Somebody holds a BPF_ENABLE_STATS descriptor. */
  statistics = 0;
  /** Set once, when the kernel has made its engine: engine and helpers need each other. */
  engine!: Engine;
  readonly #env: ExecutionEnv;
  #task: WorldTask;
  #cpu = 0;
  /** Runs that have begun and not ended. */
  #depth = 0;

  constructor(env: ExecutionEnv) {
    this.#env = env;
    this.mem = env.mem;
    this.cpus = env.cpus;
    this.objects = env.objects;
    this.#task = env.world.tasks.swapper;
  }

  /**
   * Runs a program, `times` times in a row: the low half of the last r0, unsigned. 0 where it was already running.
   */
  start(prog: LoadedProg, ctx: Addr, scope: Scope, times = 1): number {
    if (prog.running) {
      prog.recursionMisses++;
      return 0;
    }
    const { run } = this;
    // By hand, field by field: this stands between every event and its program.
    const { ctx: outerCtx, progType, attachType, cookie, funcIp, packet, redirect, sequence, retval } = run;
    const task = this.#task;
    const cpu = this.#cpu;
    run.ctx = ctx;
    run.progType = prog.type;
    run.attachType = prog.attachType;
    run.cookie = scope.cookie ?? 0n;
    run.funcIp = scope.funcIp ?? 0n;
    run.packet = scope.packet ?? null;
    run.redirect = null;
    run.sequence = scope.sequence ?? null;
    run.retval = scope.verdict?.retval ?? 0;
    this.#task = scope.task;
    this.#moveTo((scope.cpu ?? scope.task.cpu) % this.cpus);
    prog.running = true;
    this.#depth++;
    const began = this.statistics > 0 ? this.clock.monotonic() : 0n;
    try {
      const answer = times === 1 ? prog.runnable.run(ctx) : prog.runnable.runBatch(ctx, 0, times);
      const { fault } = this.engine;
      // A verified program does not trap; if one does, what it traced goes on all the same.
      if (fault) this.#env.warn(`program ${prog.id} (${prog.facts.name}) was stopped at ${fault.pc}: ${fault.kind}`);
      return answer;
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      // What it traces goes on all the same; who runs it to see what it does is told.
      this.unsupported ??= error;
      this.#env.warn(`program ${prog.id} (${prog.facts.name}) was stopped: ${error.message}`);
      return 0;
    } finally {
      if (this.statistics > 0) {
        prog.runCount += BigInt(times);
        prog.runTimeNs += this.clock.monotonic() - began;
      }
      prog.running = false;
      if (scope.verdict) scope.verdict.retval = run.retval;
      if (--this.#depth === 0) this.objects.reclaim();
      run.ctx = outerCtx;
      run.progType = progType;
      run.attachType = attachType;
      run.cookie = cookie;
      run.funcIp = funcIp;
      run.packet = packet;
      run.redirect = redirect;
      run.sequence = sequence;
      run.retval = retval;
      this.#task = task;
      this.#moveTo(cpu);
    }
  }

  // What helpers ask.

  get clock(): World['clock'] {
    return this.#env.world.clock;
  }
  random(): number {
    return this.#env.world.random();
  }
  currentCpu(): number {
    return this.#cpu;
  }
  /** Compiled programs read the CPU from the engine. */
  #moveTo(cpu: number): void {
    if (cpu === this.#cpu) return;
    this.#cpu = cpu;
    this.engine.cpu = cpu;
  }
  currentTask(): WorldTask {
    return this.#task;
  }

  taskAt(addr: Addr): WorldTask | undefined {
    return this.#env.world.tasks.at(addr);
  }

  taskOf(pid: number): WorldTask | undefined {
    return this.#env.world.tasks.get(pid);
  }
  holdTask(addr: Addr): boolean {
    return this.#env.world.tasks.hold(addr);
  }
  releaseTask(addr: Addr): void {
    this.#env.world.tasks.release(addr);
  }

  cgroupOf(id: bigint): Addr {
    return this.#env.cgroupBlocks.of(id);
  }
  cgroupAt(addr: Addr): bigint | undefined {
    return this.#env.cgroupBlocks.at(addr)?.id;
  }
  cgroupAncestor(addr: Addr, level: number): Addr {
    return this.#env.cgroupBlocks.ancestor(addr, level);
  }

  kernelSymbol(addr: bigint): string | undefined {
    return this.#env.hooks.symbolAt(addr);
  }

  /** Runs `fire` later, as swapper on the CPU of now. */
  schedule(delayNs: bigint, fire: () => void): () => void {
    const cpu = this.#cpu;
    const timer = setTimeout(() => this.#aside(cpu, fire), Number(delayNs / 1_000_000n));
    return () => clearTimeout(timer);
  }

  #aside(cpu: number, work: () => void): void {
    const task = this.#task;
    const before = this.#cpu;
    this.#task = this.#env.world.tasks.swapper;
    this.#moveTo(cpu);
    try {
      work();
    } finally {
      this.#task = task;
      this.#moveTo(before);
    }
  }

  mapAt(addr: Addr): KernelMap {
    return this.#env.maps.byAddr.get(addr)!.map; // the verifier has proven it
  }

  get retHi(): number {
    return this.engine.retHi;
  }
  set retHi(value: number) {
    this.engine.retHi = value;
  }

  callback(fn: number, ...args: CallbackArgs): number {
    return this.engine.callback(fn, ...args);
  }

  trace(text: string): void {
    const { comm, pid } = this.#task;
    const origin = { comm, pid, cpu: this.#cpu, time: this.clock.monotonic(), progType: this.run.progType };
    this.#env.trace.write(origin, text);
  }

  perfOutput(map: KernelMap, index: number, data: Uint8Array): number {
    return map instanceof PerfEventArrayMap ? map.output(index, data) : -EINVAL;
  }

  stackTrace(user: boolean, skip: number, out: BigUint64Array): number {
    // No unwinder here: the innermost frame is what is known, the probed function's address.
    if (user || this.run.funcIp === 0n || skip > 0 || out.length === 0) return 0;
    out[0] = this.run.funcIp;
    return 1;
  }
}

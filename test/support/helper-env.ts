/**
 * A HelperEnv for tests: what a kernel answers is a field that the test sets.
 */
import type { Clock, HelperEnv, HelperName, RunState, Task } from '../../src/helpers/index.ts';
import { HELPERS, ObjectStore } from '../../src/helpers/index.ts';
import { createMap, type KernelMap, type MapDef, PerfEventArrayMap } from '../../src/maps/index.ts';
import type { FlatMemory } from './flat-memory.ts';
import { TestMapEnv } from './map-env.ts';

/** A task whose user memory is one stretch of bytes at `userBase`. */
export class TestTask implements Task {
  addr = 0x2000;
  pid = 1234;
  tgid = 1200;
  comm = 'test';
  uid = 1000;
  gid = 100;
  cgroupId = 77n;
  cgroupAncestors: bigint[] = [1n, 77n];
  userBase = 0x7fff_0000_0000n;
  user: Uint8Array = new Uint8Array();

  readUser(addr: bigint, size: number): Uint8Array | null {
    const at = Number(addr - this.userBase);
    return at < 0 || at + size > this.user.length ? null : this.user.slice(at, at + size);
  }
  writeUser(addr: bigint, bytes: Uint8Array): boolean {
    const at = Number(addr - this.userBase);
    if (at < 0 || at + bytes.length > this.user.length) return false;
    this.user.set(bytes, at);
    return true;
  }
  pidsIn(dev: bigint, ino: bigint): { pid: number; tgid: number } | undefined {
    return dev === 4n && ino === 5n ? { pid: 11, tgid: 12 } : undefined;
  }
}

export class TestHelperEnv implements HelperEnv {
  readonly maps = new TestMapEnv();
  readonly mem: FlatMemory = this.maps.mem;
  readonly cpus = this.maps.cpus;
  readonly objects = new ObjectStore(this.mem, this.cpus, () => {});
  readonly lines: string[] = [];
  readonly task = new TestTask();
  retHi = 0;
  now = 5_000_000_123n;
  readonly clock: Clock = { monotonic: () => this.now, boot: () => this.now + 1n, tai: () => this.now + 2n };
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
  /** What `callback` calls: r1 to r4, the low halves. */
  onCallback: (fn: number, r1: number, r2: number, r3: number, r4: number) => number = () => 0;
  /** Addresses of the stack, innermost first. */
  kernelStack: bigint[] = [];
  userStack: bigint[] = [];
  readonly timers: { delayNs: bigint; fire: () => void }[] = [];
  readonly #maps = new Map<number, KernelMap>();

  /** A map that programs of this environment can hold. */
  createMap(def: MapDef): KernelMap {
    const map = createMap(def, this.maps);
    if (typeof map === 'number') throw new Error(`creating a map answers ${map}`);
    this.#maps.set(map.addr, map);
    return map;
  }
  mapAt(addr: number): KernelMap {
    const map = this.#maps.get(addr);
    if (map === undefined) throw new Error(`no map at 0x${addr.toString(16)}`);
    return map;
  }

  /** Calls a helper. A bigint is a 64-bit argument, a number a 32-bit one; answers r0 as a signed 64-bit number. */
  call(name: HelperName, ...args: (number | bigint)[]): bigint {
    const helper = HELPERS[name];
    if (helper === undefined) throw new Error(`no helper ${name}`);
    const letters = args.map((arg) => (typeof arg === 'bigint' ? 'L' : 'i')).join('');
    if (letters !== helper.args) throw new Error(`${name} takes '${helper.args}', not '${letters}'`);
    const lanes = args.flatMap((arg) =>
      typeof arg === 'number' ? [arg | 0] : [Number(BigInt.asIntN(32, arg)), Number(BigInt.asIntN(32, arg >> 32n))],
    );
    this.retHi = 0;
    const answer = helper.bind(this)(...lanes);
    if (helper.ret === 'void') return 0n;
    if (helper.ret === 'int') return BigInt(answer | 0);
    if (helper.ret === 'ptr') return BigInt(answer >>> 0);
    return BigInt.asIntN(64, (BigInt(this.retHi) << 32n) | BigInt(answer >>> 0));
  }

  /** Bytes in linear memory. */
  put(bytes: Uint8Array | string, zero = true): number {
    const raw = typeof bytes === 'string' ? new TextEncoder().encode(zero ? `${bytes}\0` : bytes) : bytes;
    const addr = this.mem.alloc(Math.max(raw.length, 8));
    this.mem.write(addr, raw);
    return addr;
  }

  callback(
    fn: number,
    r1lo: number,
    _r1hi: number,
    r2lo: number,
    _r2hi: number,
    r3lo: number,
    _r3hi: number,
    r4lo: number,
  ): number {
    return this.onCallback(fn, r1lo, r2lo, r3lo, r4lo);
  }
  random(): number {
    return this.maps.random();
  }
  currentCpu(): number {
    return this.maps.cpu;
  }
  currentTask(): TestTask {
    return this.task;
  }
  taskAt(addr: number): TestTask | undefined {
    return addr === this.task.addr ? this.task : undefined;
  }
  taskOf(pid: number): TestTask | undefined {
    return pid === this.task.pid ? this.task : undefined;
  }
  holdTask(addr: number): boolean {
    return addr === this.task.addr;
  }
  releaseTask(): void {}
  cgroupOf(): number {
    return 0;
  }
  cgroupAt(): bigint | undefined {
    return undefined;
  }
  cgroupAncestor(): number {
    return 0;
  }
  kernelSymbol(addr: bigint): string | undefined {
    return addr === 0xffffffff81000000n ? '_stext+0x0/0x10' : undefined;
  }
  schedule(delayNs: bigint, fire: () => void): () => void {
    const timer = { delayNs, fire };
    this.timers.push(timer);
    return () => {
      const at = this.timers.indexOf(timer);
      if (at >= 0) this.timers.splice(at, 1);
    };
  }
  trace(text: string): void {
    this.lines.push(text);
  }
  perfOutput(map: KernelMap, index: number, data: Uint8Array): number {
    if (!(map instanceof PerfEventArrayMap)) throw new Error('not a perf event array');
    return map.output(index, data);
  }
  stackTrace(user: boolean, skip: number, out: BigUint64Array): number {
    const stack = (user ? this.userStack : this.kernelStack).slice(skip, skip + out.length);
    out.set(stack);
    return stack.length;
  }
}

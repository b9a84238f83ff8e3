/**
 * bpf(2) of this machine, for oracle tests of maps and helpers: the few commands they need, in bytes, with `-errno` for answers.
 *
 * `MachineBpf.open()` answers why there is none where there is none, for a skipped test to say.
 */
import { cString, view } from '../../src/base/bytes.ts';

const NR_BPF = 321;
const NR_MMAP = 9;
const NR_MUNMAP = 11;
const NR_CLOSE = 3;
const ATTR_SIZE = 152;
const ARENA_SIZE = 1 << 20;
const LOG_SIZE = 1 << 16;

export interface MachineMapDef {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags?: number;
  innerFd?: number;
  extra?: bigint;
}

export interface MachineRun {
  errno: number;
  retval: number;
  data: Uint8Array;
}

type Syscall = (nr: number, ...args: (number | bigint)[]) => number;

export class MachineBpf {
  readonly #syscall: Syscall;
  readonly #base: bigint;
  readonly #memory: Uint8Array;
  readonly #dv: DataView;
  readonly #fds: number[] = [];
  #at = ATTR_SIZE;

  private constructor(syscall: Syscall, base: bigint, memory: Uint8Array) {
    this.#syscall = syscall;
    this.#base = base;
    this.#memory = memory;
    this.#dv = view(memory);
  }

  static async open(): Promise<MachineBpf | string> {
    if (process.platform !== 'linux' || process.arch !== 'x64') return 'bpf(2) is asked on x86-64 Linux only';
    const koffi = await import('koffi').then(
      (m) => m.default,
      () => null,
    );
    if (koffi === null) return 'koffi is not installed';
    const libc = koffi.load(null);
    const raw = libc.func('syscall', 'int64', ['int64', 'int64', 'int64', 'int64', 'int64', 'int64', 'int64']);
    const syscall: Syscall = (nr, ...args) => {
      const answer = Number(raw(nr, ...args, ...new Array(6 - args.length).fill(0)));
      return answer === -1 ? -koffi.errno() : answer;
    };
    const base = syscall(NR_MMAP, 0, ARENA_SIZE, 3, 0x22, -1, 0);
    if (base < 0) return `mmap answers ${base}`;
    const machine = new MachineBpf(syscall, BigInt(base), new Uint8Array(koffi.view(BigInt(base), ARENA_SIZE)));
    const fd = machine.create({ type: 2, keySize: 4, valueSize: 4, maxEntries: 1 });
    if (fd < 0) return `BPF_MAP_CREATE answers ${fd}`;
    machine.closeFd(fd);
    return machine;
  }

  /** Closes every descriptor it made. It answers nothing after. */
  close(): void {
    for (const fd of this.#fds.splice(0)) this.#syscall(NR_CLOSE, fd);
    this.#syscall(NR_MUNMAP, this.#base, ARENA_SIZE);
  }

  closeFd(fd: number): void {
    const at = this.#fds.indexOf(fd);
    if (at >= 0) this.#fds.splice(at, 1);
    this.#syscall(NR_CLOSE, fd);
  }

  /** A descriptor, or -errno. */
  create(def: MachineMapDef): number {
    this.#begin();
    this.#u32(0, def.type);
    this.#u32(4, def.keySize);
    this.#u32(8, def.valueSize);
    this.#u32(12, def.maxEntries);
    this.#u32(16, def.flags ?? 0);
    this.#u32(20, def.innerFd ?? 0);
    this.#u64(64, def.extra ?? 0n);
    return this.#keep(this.#bpf(0));
  }

  update(fd: number, key: Uint8Array, value: Uint8Array, flags = 0n): number {
    this.#elem(fd, key, this.#put(value), flags);
    return this.#bpf(2);
  }

  lookup(fd: number, key: Uint8Array, valueSize: number, flags = 0n): Uint8Array | number {
    return this.#read(1, fd, key, valueSize, flags);
  }

  lookupAndDelete(fd: number, key: Uint8Array, valueSize: number, flags = 0n): Uint8Array | number {
    return this.#read(21, fd, key, valueSize, flags);
  }

  delete(fd: number, key: Uint8Array): number {
    this.#elem(fd, key, 0n, 0n);
    return this.#bpf(3);
  }

  freeze(fd: number): number {
    this.#begin();
    this.#u32(0, fd);
    return this.#bpf(22);
  }

  nextKey(fd: number, key: Uint8Array | null, keySize: number): Uint8Array | number {
    return this.#read(4, fd, key, keySize, 0n);
  }

  /** A descriptor, or -errno and the log. `insns` names maps by descriptor already. */
  load(progType: number, insns: Uint8Array, attachType = 0): { fd: number; log: string } {
    this.#begin();
    const log = this.#room(LOG_SIZE);
    this.#u32(0, progType);
    this.#u32(4, insns.length / 8);
    this.#u64(8, this.#put(insns));
    this.#u64(16, this.#put(new TextEncoder().encode('GPL\0')));
    this.#u32(24, 1);
    this.#u32(28, LOG_SIZE);
    this.#u64(32, log);
    this.#u32(68, attachType);
    const fd = this.#keep(this.#bpf(5));
    return { fd, log: cString(this.#take(log, LOG_SIZE)) };
  }

  /** BPF_PROG_TEST_RUN once. */
  run(fd: number, data: Uint8Array, outSize = data.length + 512, ctx?: Uint8Array): MachineRun {
    this.#begin();
    const out = this.#room(outSize);
    this.#u32(0, fd);
    this.#u32(8, data.length);
    this.#u32(12, data.length === 0 ? 0 : outSize);
    this.#u64(16, data.length === 0 ? 0n : this.#put(data));
    this.#u64(24, data.length === 0 ? 0n : out);
    if (ctx !== undefined) {
      this.#u32(40, ctx.length);
      this.#u64(48, this.#put(ctx));
    }
    const errno = this.#bpf(10);
    const size = Math.min(this.#dv.getUint32(12, true), outSize);
    return { errno, retval: this.#dv.getUint32(4, true), data: this.#take(out, size) };
  }

  #read(command: number, fd: number, key: Uint8Array | null, size: number, flags: bigint): Uint8Array | number {
    this.#begin();
    const out = this.#room(Math.max(size, 8));
    this.#elem(fd, key, out, flags, false);
    const answer = this.#bpf(command);
    return answer === 0 ? this.#take(out, size) : answer;
  }

  #elem(fd: number, key: Uint8Array | null, valueAddr: bigint, flags: bigint, begin = true): void {
    if (begin) {
      const at = this.#at;
      this.#memory.fill(0, 0, ATTR_SIZE);
      this.#at = at;
    }
    this.#u32(0, fd);
    this.#u64(8, key === null || key.length === 0 ? 0n : this.#put(key));
    this.#u64(16, valueAddr);
    this.#u64(24, flags);
  }

  #begin(): void {
    this.#memory.fill(0, 0, ATTR_SIZE);
    this.#at = ATTR_SIZE;
  }
  #bpf(command: number): number {
    const answer = this.#syscall(NR_BPF, command, this.#base, ATTR_SIZE);
    this.#at = ATTR_SIZE;
    return answer;
  }
  #keep(fd: number): number {
    if (fd >= 0) this.#fds.push(fd);
    return fd;
  }
  #u32(at: number, value: number): void {
    this.#dv.setUint32(at, value, true);
  }
  #u64(at: number, value: bigint): void {
    this.#dv.setBigUint64(at, value, true);
  }
  #room(size: number): bigint {
    const at = (this.#at + 15) & ~15;
    if (at + size > ARENA_SIZE) throw new Error('the arena of the oracle is too small');
    this.#at = at + size;
    this.#memory.fill(0, at, at + size);
    return this.#base + BigInt(at);
  }
  #put(bytes: Uint8Array): bigint {
    const addr = this.#room(Math.max(bytes.length, 1));
    this.#memory.set(bytes, Number(addr - this.#base));
    return addr;
  }
  #take(addr: bigint, size: number): Uint8Array {
    const at = Number(addr - this.#base);
    return this.#memory.slice(at, at + size);
  }
}

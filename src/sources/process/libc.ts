/**
 * The C library of this process, as far as tracing needs it: over koffi, an optional dependency.
 *
 * Calls answer their result, or `-errno`. Addresses are numbers: user space ends below 2^48. Memory that a call reads
 * or writes lives in an `Arena`, whose addresses are known and do not move.
 */
import { UnsupportedError } from '../../base/errors.ts';
import { type Koffi, loadKoffi, onReadable } from '../../native/index.ts';

type Call = (...args: (number | bigint)[]) => number;
type PoolCall = (...args: (number | bigint)[]) => Promise<number>;

/** Functions that are used: name, result, arguments. A `long` that does not fit a number does not occur in them. */
const PROTOTYPES = {
  ioctl: ['int', ['int', 'unsigned long', 'uint64']],
  poll: ['int', ['uint64', 'unsigned long', 'int']],
  mmap: ['int64', ['uint64', 'size_t', 'int', 'int', 'int', 'int64']],
  munmap: ['int', ['uint64', 'size_t']],
  dup2: ['int', ['int', 'int']],
  fcntl: ['int', ['int', 'int', 'long']],
  memfd_create: ['int', ['uint64', 'unsigned int']],
  socketpair: ['int', ['int', 'int', 'int', 'uint64']],
  sendmsg: ['int64', ['int', 'uint64', 'int']],
  recvmsg: ['int64', ['int', 'uint64', 'int']],
  send: ['int64', ['int', 'uint64', 'size_t', 'int']],
  recv: ['int64', ['int', 'uint64', 'size_t', 'int']],
  process_vm_readv: ['int64', ['int', 'uint64', 'unsigned long', 'uint64', 'unsigned long', 'unsigned long']],
  process_vm_writev: ['int64', ['int', 'uint64', 'unsigned long', 'uint64', 'unsigned long', 'unsigned long']],
  prctl: ['int', ['int', 'unsigned long', 'unsigned long', 'unsigned long', 'unsigned long']],
  ptrace: ['long', ['int', 'int', 'uint64', 'uint64']],
  waitpid: ['int', ['int', 'uint64', 'int']],
  getpid: ['int', []],
  gettid: ['int', []],
  /** Ends the process at once, all its threads: exit_group(2). */
  _exit: ['void', ['int']],
  /** seccomp(2), which has no function of its own: `syscall(NR_seccomp, op, flags, addr)`. */
  syscall: ['long', ['long', 'long', 'long', 'uint64']],
  posix_spawn: ['int', ['uint64', 'uint64', 'uint64', 'uint64', 'uint64', 'uint64']],
  posix_spawnattr_init: ['int', ['uint64']],
  posix_spawnattr_setflags: ['int', ['uint64', 'short']],
  posix_spawnattr_setsigmask: ['int', ['uint64', 'uint64']],
  posix_spawnattr_setsigdefault: ['int', ['uint64', 'uint64']],
} as const;
export type LibcName = keyof typeof PROTOTYPES;

export type Libc = { readonly [N in LibcName]: Call } & {
  /** A block of `size` bytes at a fixed address: private and zeroed, or the shared content of the file `fd`. */
  arena(size: number, fd?: number): Arena;
  /** Calls back whenever `fd` is readable or hung up, from the event loop; answers how to stop. */
  onReadable(fd: number, callback: () => void): () => void;
  /** Calls a function on the one thread of libuv's pool: see launcher.ts. Functions with an errno answer `-errno`. */
  onPoolThread(name: LibcName, ...args: (number | bigint)[]): Promise<number>;
};

/** UnsupportedError where this is not Linux on x86-64 or arm64, or koffi is not there. */
export function loadLibc(): Libc {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new UnsupportedError(`tracing processes on ${process.platform} ${process.arch}`, {
      hint: 'it needs Linux on x86-64 or arm64',
    });
  }
  return bind(loadKoffi());
}

/** Why processes cannot be traced here, or null where they can be. */
export function whyNoTracing(): string | null {
  try {
    loadLibc();
    return null;
  } catch (e) {
    return (e as Error).message;
  }
}

function bind(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const calls: Partial<Record<LibcName, Call>> = {};
  const poolCalls = new Map<LibcName, PoolCall>();
  const errnoLocation = library.func('__errno_location', 'uint64', []);

  for (const name of Object.keys(PROTOTYPES) as LibcName[]) {
    const [result, args] = PROTOTYPES[name];
    let bound: ReturnType<typeof library.func> | undefined;
    const target = () => (bound ??= library.func(name, result, [...args])); // bound when first used
    calls[name] = (...values) => {
      const r = Number((bound ?? target())(...values));
      return r === -1 ? -koffi.errno() : r;
    };
    poolCalls.set(name, async (...values) => {
      const r = await asynchronous(target(), values);
      if (r !== -1) return r;
      const at = await asynchronous(errnoLocation, []); // errno belongs to the thread: ask that thread where it is
      return -(koffi.decode(BigInt(at), 'int') as number);
    });
  }

  return {
    ...(calls as Record<LibcName, Call>),
    arena: (size, fd) => new Arena(koffi, calls.mmap!, size, fd),
    onReadable: (fd, callback) => onReadable(koffi, fd, callback),
    onPoolThread: (name, ...values) => poolCalls.get(name)!(...values),
  };
}

function asynchronous(
  f: { async: (...args: (number | bigint | ((e: unknown, r: unknown) => void))[]) => void },
  values: (number | bigint)[],
): Promise<number> {
  return new Promise((resolve, reject) => f.async(...values, (e, r) => (e ? reject(e) : resolve(Number(r)))));
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Memory of this process at an address that calls can be given. Lives until the process ends: it is never unmapped. */
export class Arena {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private used = 0;

  constructor(koffi: Koffi, mmap: Call, size: number, fd = -1) {
    const address = mmap(0, size, PROT_READ_WRITE, fd < 0 ? MAP_PRIVATE_ANONYMOUS : MAP_SHARED, fd, 0);
    if (address < 0) throw new UnsupportedError(`mapping ${size} bytes`, { hint: 'the system is out of memory' });
    this.address = address;
    const memory = koffi.view(BigInt(address), size);
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
  }

  /** Offset of `size` bytes nobody else has, aligned to 16. The caller gave the arena its size, so it fits. */
  take(size: number): number {
    const at = this.used;
    this.used = (at + size + 15) & ~15;
    if (this.used > this.bytes.length) throw new RangeError(`an arena of ${this.bytes.length} bytes is full`);
    return at;
  }

  /** Address of the byte at an offset. */
  at(offset: number): number {
    return this.address + offset;
  }

  /** Offset of a copy of `text` as a C string. */
  cString(text: string): number {
    const b = Buffer.from(text + '\0');
    const at = this.take(b.length);
    this.bytes.set(b, at);
    return at;
  }

  /** Offset of a NULL-terminated array of pointers to C strings: an argv or an environment. */
  cStrings(texts: readonly string[]): number {
    const at = this.take(8 * (texts.length + 1));
    texts.forEach((text, i) => {
      this.view.setBigUint64(at + 8 * i, BigInt(this.at(this.cString(text))), true);
    });
    return at;
  }
}

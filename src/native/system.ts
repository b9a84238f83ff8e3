/**
 * System calls of this process, by number, over koffi.
 *
 * Calls answer their result or `-errno`, never an exception. Addresses are numbers: user space ends below 2^48.
 */
import { UnsupportedError } from '../base/errors.ts';
import { loadKoffi, onReadable } from './koffi.ts';
import { Mapping } from './mapping.ts';

/** Numbers of system calls: <asm/unistd.h>. */
const NUMBERS = {
  x64: {
    read: 0,
    close: 3,
    mmap: 9,
    munmap: 11,
    ioctl: 16,
    socket: 41,
    sendto: 44,
    recvfrom: 45,
    bind: 49,
    getsockopt: 55,
    setsockopt: 54,
    perf_event_open: 298,
    prlimit64: 302,
    bpf: 321,
  },
  arm64: {
    read: 63,
    close: 57,
    mmap: 222,
    munmap: 215,
    ioctl: 29,
    socket: 198,
    sendto: 206,
    recvfrom: 207,
    bind: 200,
    getsockopt: 209,
    setsockopt: 208,
    perf_event_open: 241,
    prlimit64: 261,
    bpf: 280,
  },
} as const;
export type SystemCall = keyof (typeof NUMBERS)['x64'];

export interface System {
  /** Bytes of a page of memory. */
  readonly pageSize: number;
  call(name: SystemCall, ...args: number[]): number;
  /** bpf(2) with the attr at an address: the same call, without what arguments of any number cost. */
  bpf(command: number, attr: number, size: number): number;
  /** Where `bytes` begin. Good while `bytes` is reachable: keep it in a variable until the call has returned. */
  addressOf(bytes: Uint8Array): number;
  /** mmap(2), shared; answers -errno where it fails. `at` is an address to map at, where the kind of memory wants one. */
  map(fd: number, length: number, offset: number, writable: boolean, at?: number): Mapping | number;
  /** Calls back whenever `fd` is readable or hung up, from the event loop; answers how to stop. */
  onReadable(fd: number, callback: () => void): () => void;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
/** MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS, MAP_NORESERVE: zeros that take memory only where they are written. */
const MAP_BLANK = 0x2 | 0x10 | 0x20 | 0x4000;

/** UnsupportedError where this is not Linux on x86-64 or arm64, or koffi is not there. */
export function loadSystem(): System {
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new UnsupportedError(`the Linux kernel on ${process.platform} ${process.arch}`, {
      hint: 'it needs Linux on x86-64 or arm64; the embedded kernel runs here',
    });
  }
  const numbers = NUMBERS[process.arch];
  const koffi = loadKoffi();
  const syscall = koffi.load(null).func('syscall', 'int64', new Array(7).fill('int64'));
  const bpf = koffi.load(null).func('syscall', 'int', ['int', 'int', 'uintptr_t', 'int']);
  const bpfNumber = numbers.bpf;
  const call = (name: SystemCall, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0): number => {
    const r = Number(syscall(numbers[name], a, b, c, d, e, f));
    return r === -1 ? -koffi.errno() : r;
  };
  return {
    pageSize: koffi.load(null).func('getpagesize', 'int', [])() as number,
    call,
    bpf(command, attr, size) {
      const r = bpf(bpfNumber, command, attr, size) as number;
      return r === -1 ? -koffi.errno() : r;
    },
    addressOf: (bytes) => Number(koffi.address(bytes)),
    map(fd, length, offset, writable, where = 0) {
      const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
      const at = call('mmap', where, length, protection, MAP_SHARED, fd, offset);
      if (at < 0) return at;
      return new Mapping(koffi.view(BigInt(at), length), {
        unmap: () => call('munmap', at, length),
        blank: () => call('mmap', at, length, PROT_READ | PROT_WRITE, MAP_BLANK, -1, 0),
      });
    },
    onReadable: (fd, callback) => onReadable(koffi, fd, callback),
  };
}

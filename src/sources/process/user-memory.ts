/**
 * The memory of a traced thread, by process_vm_readv(2): it goes by thread, so an execve(2) or a shared address space
 * after vfork(2) needs no care, as a descriptor of /proc/PID/mem would.
 *
 * Read only while that thread waits for us: `stillWaits` is asked after every access, because a killed thread's id may
 * have gone to another.
 */
import type { Arena, Libc } from './libc.ts';

/** Largest piece that one call moves: keeps a hostile size from taking memory before the bytes are known to exist. */
const CHUNK = 1 << 16;
const USER_END = 1n << 56n;

export class UserMemory {
  private readonly libc: Libc;
  private readonly stillWaits: (tid: number) => boolean;
  private readonly arena: Arena;
  private readonly data: number;

  constructor(libc: Libc, stillWaits: (tid: number) => boolean) {
    this.libc = libc;
    this.stillWaits = stillWaits;
    this.arena = libc.arena(CHUNK + 64);
    this.arena.take(32); // the local iovec at 0, the remote one at 16
    this.data = this.arena.take(CHUNK);
  }

  /** A copy of `size` bytes, or null where not all of them can be read. */
  read(tid: number, addr: bigint, size: number): Uint8Array | null {
    if (!inUserSpace(addr, size)) return null;
    const pieces: Uint8Array[] = [];
    for (let done = 0; done < size; ) {
      const n = Math.min(CHUNK, size - done);
      this.ranges(addr + BigInt(done), n);
      if (this.libc.process_vm_readv(tid, this.arena.at(0), 1, this.arena.at(16), 1, 0) !== n) return null;
      pieces.push(this.arena.bytes.slice(this.data, this.data + n));
      done += n;
    }
    if (!this.stillWaits(tid)) return null;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** False where not all bytes could be written; those before the one that could not are then written. */
  write(tid: number, addr: bigint, bytes: Uint8Array): boolean {
    if (!this.stillWaits(tid) || !inUserSpace(addr, bytes.length)) return false;
    for (let done = 0; done < bytes.length; ) {
      const n = Math.min(CHUNK, bytes.length - done);
      this.arena.bytes.set(bytes.subarray(done, done + n), this.data);
      this.ranges(addr + BigInt(done), n);
      if (this.libc.process_vm_writev(tid, this.arena.at(0), 1, this.arena.at(16), 1, 0) !== n) return false;
      done += n;
    }
    return true;
  }

  private ranges(remote: bigint, size: number): void {
    const { view } = this.arena;
    view.setBigUint64(0, BigInt(this.arena.at(this.data)), true);
    view.setBigUint64(8, BigInt(size), true);
    view.setBigUint64(16, remote, true);
    view.setBigUint64(24, BigInt(size), true);
  }
}

function inUserSpace(addr: bigint, size: number): boolean {
  return addr > 0n && size >= 0 && addr + BigInt(size) <= USER_END;
}

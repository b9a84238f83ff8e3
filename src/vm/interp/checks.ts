/** What checked mode asks before it goes on: is this access inside a region, is there fuel left. Both throw RunFault. */
import { FUEL, fuelCost, RunFault } from '../control.ts';
import type { Host } from '../host.ts';
import type { InterpreterProgram } from './program.ts';

/** What adding the signed `off` to a 64-bit number with low half `lo` adds to its high half. */
export function carry(lo: number, off: number): number {
  return (off >> 31) + ((lo + off) >>> 0 < off >>> 0 ? 1 : 0);
}

/** Whether `size` bytes at `hi:addr` may be used. `hi` counts modulo 2^32, `p` is the interpreter's. */
export function checkAccess(
  host: Host,
  program: InterpreterProgram,
  addr: number,
  hi: number,
  size: number,
  write: boolean,
  p: number,
): void {
  if ((hi | 0) === 0) {
    const end = addr + size;
    if (addr >= program.stack && end <= program.stack + program.stackSize) return;
    for (const region of host.regions) {
      if (addr >= region.start && end <= region.start + region.size && (region.writable || !write)) return;
    }
  }
  throw new RunFault('access', p >> 2);
}

/** One back edge or call, over `words` words of the program. */
export function burnFuel(host: Host, p: number, words: number): void {
  const left = host.mem.u32(host.control + FUEL);
  const cost = fuelCost(words >> 2);
  if (left < cost) throw new RunFault('fuel', p >> 2);
  host.mem.setU32(host.control + FUEL, left - cost);
}

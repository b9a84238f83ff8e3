/** The two loads that may find nothing: from the packet behind the context, and through a pointer that may be stale. */
import { byteSize } from '../../isa/index.ts';
import type { Host } from '../host.ts';
import { carry } from './checks.ts';

/** LD_ABS and LD_IND into r0; false where the bytes are not in the packet, and the function ends with 0. */
export function loadPacket(host: Host, regs: Int32Array, offset: number, size: number): boolean {
  const value = host.packetLoad.call(regs[12]!, offset, size);
  if (host.retHi !== 0) return false;
  regs[0] = value;
  regs[1] = 0;
  return true;
}

/** dst = what the load `opcode` reads at src + off, or 0 where that is not in the kernel's memory. `d` and `s` are lanes. */
export function probe(host: Host, regs: Int32Array, d: number, s: number, off: number, opcode: number): void {
  const addr = (regs[s]! + off) >>> 0;
  const hi = (regs[s + 1]! + carry(regs[s]!, off)) | 0;
  const { mem } = host;
  if (hi === 0 && mem.isValid(addr, byteSize(opcode))) {
    load(mem.view, regs, d, addr, opcode);
    return;
  }
  regs[d] = 0;
  regs[d + 1] = 0;
}

/** dst = what the load `opcode` reads at `addr`. */
export function load(dv: DataView, regs: Int32Array, d: number, addr: number, opcode: number): void {
  let lo = 0;
  let high = 0;
  switch (opcode) {
    case 0x61:
      lo = dv.getUint32(addr, true);
      break;
    case 0x69:
      lo = dv.getUint16(addr, true);
      break;
    case 0x71:
      lo = dv.getUint8(addr);
      break;
    case 0x79:
      lo = dv.getInt32(addr, true);
      high = dv.getInt32(addr + 4, true);
      break;
    case 0x81:
      lo = dv.getInt32(addr, true);
      high = lo >> 31;
      break;
    case 0x89:
      lo = dv.getInt16(addr, true);
      high = lo >> 31;
      break;
    case 0x91:
      lo = dv.getInt8(addr);
      high = lo >> 31;
      break;
  }
  regs[d] = lo;
  regs[d + 1] = high;
}

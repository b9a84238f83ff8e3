/**
 * Registers and other arguments of a probe, as a program finds them in linear memory.
 */
import type { Addr, Memory } from '../../base/memory.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { KernelArg, PtRegs } from './hook.ts';

export const PT_REGS_SIZE = LAYOUTS.pt_regs.size;
const OFFSETS: Readonly<Record<keyof PtRegs, number>> = {
  r15: LAYOUTS.pt_regs.fields.r15.offset,
  r14: LAYOUTS.pt_regs.fields.r14.offset,
  r13: LAYOUTS.pt_regs.fields.r13.offset,
  r12: LAYOUTS.pt_regs.fields.r12.offset,
  bp: LAYOUTS.pt_regs.fields.bp.offset,
  bx: LAYOUTS.pt_regs.fields.bx.offset,
  r11: LAYOUTS.pt_regs.fields.r11.offset,
  r10: LAYOUTS.pt_regs.fields.r10.offset,
  r9: LAYOUTS.pt_regs.fields.r9.offset,
  r8: LAYOUTS.pt_regs.fields.r8.offset,
  ax: LAYOUTS.pt_regs.fields.ax.offset,
  cx: LAYOUTS.pt_regs.fields.cx.offset,
  dx: LAYOUTS.pt_regs.fields.dx.offset,
  si: LAYOUTS.pt_regs.fields.si.offset,
  di: LAYOUTS.pt_regs.fields.di.offset,
  orig_ax: LAYOUTS.pt_regs.fields.orig_ax.offset,
  ip: LAYOUTS.pt_regs.fields.ip.offset,
  cs: LAYOUTS.pt_regs.fields.cs.offset,
  flags: LAYOUTS.pt_regs.fields.flags.offset,
  sp: LAYOUTS.pt_regs.fields.sp.offset,
  ss: LAYOUTS.pt_regs.fields.ss.offset,
};

/** The registers that carry the arguments of a function. */
export const ARGUMENT_REGISTERS = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const;

/** Writes struct pt_regs at `addr`; registers left out are 0. */
export function writeRegs(mem: Memory, addr: Addr, regs: PtRegs): void {
  mem.fill(addr, PT_REGS_SIZE, 0);
  for (const name in regs) {
    const value = regs[name as keyof PtRegs];
    if (value !== undefined) mem.setU64(addr + OFFSETS[name as keyof PtRegs], BigInt.asUintN(64, value));
  }
}

/**
 * Puts arguments where a program can follow them, for the time that `use` runs: numbers as they are, the rest as the
 * address of what it stands for. Where memory is out such a pointer is NULL.
 */
export function withArgs(mem: Memory, args: readonly KernelArg[], use: (values: bigint[]) => void): void {
  const blocks: Addr[] = [];
  const place = (arg: KernelArg): bigint => {
    if (typeof arg === 'bigint') return BigInt.asUintN(64, arg);
    const block = mem.alloc('regs' in arg ? PT_REGS_SIZE : arg.bytes.length);
    blocks.push(block);
    if (block !== 0 && 'regs' in arg) writeRegs(mem, block, arg.regs);
    if (block !== 0 && 'bytes' in arg) mem.write(block, arg.bytes);
    return BigInt(block);
  };
  try {
    use(args.map(place));
  } finally {
    for (const block of blocks) mem.free(block);
  }
}

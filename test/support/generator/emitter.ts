/** Instructions one after another, with jumps that are patched when their target is known. */
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_JMP,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_ST,
  BPF_STX,
  BPF_X,
  CALL,
  EXIT,
  encode,
  Insns,
  LD_IMM64,
  sizeCode,
} from '../../../src/isa/index.ts';

export type Size = 1 | 2 | 4 | 8;

export class Emitter {
  private readonly rows: [code: number, dst: number, src: number, off: number, imm: number][] = [];

  /** Slots so far: the pc of the next instruction. */
  get pc(): number {
    return this.rows.length;
  }

  raw(code: number, dst = 0, src = 0, off = 0, imm = 0): number {
    this.rows.push([code, dst, src, off, imm]);
    return this.rows.length - 1;
  }

  aluImm(op: number, dst: number, imm: number, wide: boolean, off = 0): void {
    this.raw((wide ? BPF_ALU64 : BPF_ALU) | op, dst, 0, off, imm);
  }
  aluReg(op: number, dst: number, src: number, wide: boolean, off = 0): void {
    this.raw((wide ? BPF_ALU64 : BPF_ALU) | op | BPF_X, dst, src, off, 0);
  }
  movImm(dst: number, imm: number): void {
    this.aluImm(BPF_MOV, dst, imm, true);
  }
  movReg(dst: number, src: number): void {
    this.aluReg(BPF_MOV, dst, src, true);
  }
  /** A 64-bit immediate; `pseudo` is BPF_PSEUDO_*. */
  ldImm64(dst: number, lo: number, hi: number, pseudo = 0): number {
    const pc = this.raw(LD_IMM64, dst, pseudo, 0, lo);
    this.raw(0, 0, 0, 0, hi);
    return pc;
  }
  load(size: Size, dst: number, base: number, off: number): void {
    this.raw(BPF_LDX | BPF_MEM | sizeCode(size), dst, base, off, 0);
  }
  store(size: Size, base: number, off: number, src: number): void {
    this.raw(BPF_STX | BPF_MEM | sizeCode(size), base, src, off, 0);
  }
  storeImm(size: Size, base: number, off: number, imm: number): void {
    this.raw(BPF_ST | BPF_MEM | sizeCode(size), base, 0, off, imm);
  }
  call(helper: number): void {
    this.raw(CALL, 0, 0, 0, helper);
  }
  /** A call of a subprogram whose start is patched by `callTo`. */
  callSubprog(): number {
    return this.raw(CALL, 0, BPF_PSEUDO_CALL, 0, -1);
  }
  exit(): void {
    this.raw(EXIT);
  }
  /** A jump forward, patched by `land`. */
  jump(code = BPF_JMP, dst = 0, src = 0, imm = 0): number {
    return this.raw(code, dst, src, 0, imm);
  }
  /** Lets the jump at `pc` land on the next instruction. */
  land(pc: number): void {
    this.jumpTo(pc, this.pc);
  }
  jumpTo(pc: number, target: number): void {
    this.rows[pc]![3] = target - pc - 1;
  }
  callTo(pc: number, target: number): void {
    this.rows[pc]![4] = target - pc - 1;
  }

  bytes(): Uint8Array {
    const insns = new Insns(this.rows.length);
    this.rows.forEach(([code, dst, src, off, imm], pc) => {
      insns.code[pc] = code;
      insns.dst[pc] = dst;
      insns.src[pc] = src;
      insns.off[pc] = off;
      insns.imm[pc] = imm;
    });
    return encode(insns);
  }
}

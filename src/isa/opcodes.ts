/**
 * The numbers of the instruction set: classes, operations, sizes, modes, and what `src` and `imm` mean where they are
 * no operands. Names are those of include/uapi/linux/bpf.h and bpf_common.h; meanings are RFC 9669's.
 *
 * An opcode is one byte. Arithmetic and jumps: `operation:4 source:1 class:3`. Loads and stores: `mode:3 size:2 class:3`.
 */

// class
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ST = 0x02;
export const BPF_STX = 0x03;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_JMP32 = 0x06;
export const BPF_ALU64 = 0x07;

// source operand of arithmetic and jumps
export const BPF_K = 0x00;
export const BPF_X = 0x08;

// arithmetic
export const BPF_ADD = 0x00;
export const BPF_SUB = 0x10;
export const BPF_MUL = 0x20;
export const BPF_DIV = 0x30;
export const BPF_OR = 0x40;
export const BPF_AND = 0x50;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_NEG = 0x80;
export const BPF_MOD = 0x90;
export const BPF_XOR = 0xa0;
export const BPF_MOV = 0xb0;
export const BPF_ARSH = 0xc0;
export const BPF_END = 0xd0;

/** BPF_END in class BPF_ALU: to little endian, to big endian. In class BPF_ALU64 the swap has no direction. */
export const BPF_TO_LE = 0x00;
export const BPF_TO_BE = 0x08;

// jumps
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_JNE = 0x50;
export const BPF_JSGT = 0x60;
export const BPF_JSGE = 0x70;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JLT = 0xa0;
export const BPF_JLE = 0xb0;
export const BPF_JSLT = 0xc0;
export const BPF_JSLE = 0xd0;
/** A jump that the kernel may take or not: `may_goto` where `src` is BPF_MAY_GOTO. */
export const BPF_JCOND = 0xe0;

// size of a memory operand
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_DW = 0x18;

// mode of a load or store
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

// `imm` of BPF_STX | BPF_ATOMIC, besides BPF_ADD, BPF_AND, BPF_OR, BPF_XOR with or without BPF_FETCH
export const BPF_FETCH = 0x01;
export const BPF_XCHG = 0xe1;
export const BPF_CMPXCHG = 0xf1;
export const BPF_LOAD_ACQ = 0x100;
export const BPF_STORE_REL = 0x110;

// `src` of a 64-bit immediate load: what the immediate stands for
export const BPF_PSEUDO_MAP_FD = 1;
export const BPF_PSEUDO_MAP_VALUE = 2;
export const BPF_PSEUDO_BTF_ID = 3;
export const BPF_PSEUDO_FUNC = 4;
export const BPF_PSEUDO_MAP_IDX = 5;
export const BPF_PSEUDO_MAP_IDX_VALUE = 6;

// `src` of a call: a helper's number (0), a function of this program, a kernel function by BTF id
export const BPF_PSEUDO_CALL = 1;
export const BPF_PSEUDO_KFUNC_CALL = 2;

/** `src` of BPF_JMP | BPF_JCOND. */
export const BPF_MAY_GOTO = 0;

/** `off` of a 64-bit register move: the address crosses from one address space to another (arena). */
export const BPF_ADDR_SPACE_CAST = 1;
/** `off` of a 64-bit register move that the verifier inserts: per-CPU address of this CPU. Never in a program given to Linux. */
export const BPF_ADDR_PERCPU = -1;

/** The 64-bit immediate load's opcode: BPF_LD | BPF_IMM | BPF_DW. It takes two slots. */
export const LD_IMM64 = 0x18;
/** BPF_JMP | BPF_CALL and BPF_JMP | BPF_EXIT. */
export const CALL = 0x85;
export const EXIT = 0x95;

/** Registers r0 to r10; r10 is the frame pointer and read-only. */
export const REG_COUNT = 11;
export const FRAME_POINTER = 10;

export const classOf = (code: number): number => code & 0x07;
/** The operation of an arithmetic or jump opcode. */
export const opOf = (code: number): number => code & 0xf0;
/** BPF_X or BPF_K of an arithmetic or jump opcode. */
export const sourceOf = (code: number): number => code & 0x08;
export const sizeOf = (code: number): number => code & 0x18;
export const modeOf = (code: number): number => code & 0xe0;

/** Bytes of BPF_W, BPF_H, BPF_B, BPF_DW; `code` may be a whole load or store opcode. */
export function byteSize(code: number): 1 | 2 | 4 | 8 {
  switch (code & 0x18) {
    case BPF_W:
      return 4;
    case BPF_H:
      return 2;
    case BPF_B:
      return 1;
    default:
      return 8;
  }
}

/** The size code that `byteSize` reads, of 1, 2, 4 or 8 bytes. */
export function sizeCode(bytes: 1 | 2 | 4 | 8): number {
  return bytes === 4 ? BPF_W : bytes === 2 ? BPF_H : bytes === 1 ? BPF_B : BPF_DW;
}

/** BPF_ALU or BPF_ALU64. */
export const isAlu = (code: number): boolean => (code & 0x07) === BPF_ALU || (code & 0x07) === BPF_ALU64;
/** BPF_JMP or BPF_JMP32: jumps, calls and exit. */
export const isJmp = (code: number): boolean => (code & 0x07) === BPF_JMP || (code & 0x07) === BPF_JMP32;
/** `goto` or `gotol`. */
export const isGoto = (code: number): boolean => code === BPF_JMP || code === BPF_JMP32;
/** A jump that compares, in either width; not may_goto. */
export function isCondJump(code: number): boolean {
  if (!isJmp(code)) return false;
  const op = code & 0xf0;
  return op !== BPF_JA && op !== BPF_CALL && op !== BPF_EXIT && op < BPF_JCOND;
}
export const isMayGoto = (code: number): boolean => code === (BPF_JMP | BPF_JCOND);
export const isAtomic = (code: number): boolean => (code & 0xe7) === (BPF_STX | BPF_ATOMIC);
/** BPF_LD | BPF_ABS and BPF_LD | BPF_IND: packet loads of classic BPF. */
export const isPacketLoad = (code: number): boolean =>
  (code & 0xe7) === (BPF_LD | BPF_ABS) || (code & 0xe7) === (BPF_LD | BPF_IND);

/** Slots from the next instruction to a jump's target: `imm` for `gotol`, else `off`. */
export function jumpDistance(code: number, off: number, imm: number): number {
  return code === BPF_JMP32 ? imm : off;
}

/** Slots that the instruction takes: 2 for a 64-bit immediate load, else 1. */
export const slotsOf = (code: number): 1 | 2 => (code === LD_IMM64 ? 2 : 1);

/**
 * Whether the byte is an opcode of Linux 6.18 (`unknown opcode %02x` where not). Sizes and sources that an operation
 * does not have are no opcodes; `off`, `imm` and register fields are not looked at. callx (0x8d) is none.
 */
export function isKnownOpcode(code: number): boolean {
  return KNOWN[code & 0xff] === 1;
}

const KNOWN = knownOpcodes();

function knownOpcodes(): Uint8Array {
  const known = new Uint8Array(256);
  for (const cls of [BPF_ALU, BPF_ALU64]) {
    for (let op = BPF_ADD; op <= BPF_ARSH; op += 0x10) {
      known[cls | op | BPF_K] = 1;
      if (op !== BPF_NEG) known[cls | op | BPF_X] = 1;
    }
  }
  known[BPF_ALU | BPF_END | BPF_TO_LE] = 1;
  known[BPF_ALU | BPF_END | BPF_TO_BE] = 1;
  known[BPF_ALU64 | BPF_END] = 1;
  for (const cls of [BPF_JMP, BPF_JMP32]) {
    for (let op = BPF_JEQ; op <= BPF_JSLE; op += 0x10) {
      if (op === BPF_CALL || op === BPF_EXIT) continue;
      known[cls | op | BPF_K] = 1;
      known[cls | op | BPF_X] = 1;
    }
    known[cls | BPF_JA] = 1;
  }
  known[BPF_JMP | BPF_JCOND] = 1;
  known[CALL] = 1;
  known[EXIT] = 1;
  for (const size of [BPF_W, BPF_H, BPF_B, BPF_DW]) {
    known[BPF_LDX | BPF_MEM | size] = 1;
    known[BPF_ST | BPF_MEM | size] = 1;
    known[BPF_STX | BPF_MEM | size] = 1;
    known[BPF_STX | BPF_ATOMIC | size] = 1;
    if (size !== BPF_DW) {
      known[BPF_LDX | BPF_MEMSX | size] = 1;
      known[BPF_LD | BPF_ABS | size] = 1;
      known[BPF_LD | BPF_IND | size] = 1;
    }
  }
  known[LD_IMM64] = 1;
  return known;
}

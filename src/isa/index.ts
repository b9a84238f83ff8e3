export * from './asm/assemble.ts';
export type { AsmNames } from './asm/call.ts';
export * from './asm/to-assembly.ts';
export * from './disasm/kernel.ts';
export * from './disasm/llvm.ts';
export * from './insns.ts';
export * from './opcodes.ts';

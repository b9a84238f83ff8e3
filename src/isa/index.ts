export * from './disasm/kernel.ts';
export * from './disasm/llvm.ts';
export * from './insns.ts';
export * from './opcodes.ts';

export * from './disasm/kernel.ts';
export * from './insns.ts';
export * from './opcodes.ts';

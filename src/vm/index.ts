export * from './code.ts';
export { LinearMemory, type LinearMemoryOptions, NULL_PAGE } from './memory.ts';

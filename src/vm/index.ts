export type { Arena } from './arena.ts';
export * from './code.ts';
export { Engine, type EngineSetup } from './engine.ts';
export type { CallbackArgs } from './host.ts';
export { LinearMemory, type LinearMemoryOptions, NULL_PAGE } from './memory.ts';

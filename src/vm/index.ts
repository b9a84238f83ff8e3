export * from './code.ts';
export { Engine, type EngineSetup } from './engine.ts';
export { LinearMemory, type LinearMemoryOptions, NULL_PAGE } from './memory.ts';

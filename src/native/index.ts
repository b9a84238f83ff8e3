export * from './koffi.ts';
export { Mapping } from './mapping.ts';
export * from './system.ts';

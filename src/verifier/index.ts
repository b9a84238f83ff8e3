export * from './program.ts';
export { StatePool } from './state/pool.ts';
export { verify } from './verify.ts';

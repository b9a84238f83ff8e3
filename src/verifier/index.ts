export * from './program.ts';
export { verify } from './verify.ts';

export * from './program.ts';
export { kernelFields } from './structure/map-record.ts';
export { verify } from './verify.ts';

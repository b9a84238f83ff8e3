export * from './btf.ts';

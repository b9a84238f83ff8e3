export * from './bpf.ts';
export * from './kernel.ts';
export * from './refusal.ts';

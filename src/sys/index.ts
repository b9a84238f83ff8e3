export * from './attr.ts';
export * from './bpf.ts';
export { linkMember } from './info-bytes.ts';
export * from './kernel.ts';
export * from './refusal.ts';

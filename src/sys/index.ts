export * from './attr.ts';
export * from './bpf.ts';
export * from './decode-attr.ts';
export { linkMember } from './info-bytes.ts';
export type * from './kernel.ts';
export type * from './net.ts';
export * from './refusal.ts';
export * from './unsupported.ts';

export * from './helper.ts';

export * from './helper.ts';
export { bindHelpers, HELPERS, type HelperName } from './registry.ts';

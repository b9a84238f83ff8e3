export * from './helper.ts';
export { bindHelpers, HELPERS, type HelperName, helperId } from './registry.ts';

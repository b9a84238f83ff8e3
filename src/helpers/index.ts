export type { HelperName } from '../uapi/helpers.ts';
export * from './helper.ts';
export { bindHelpers, HELPERS } from './registry.ts';

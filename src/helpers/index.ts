export type { HelperName } from '../uapi/helpers.ts';
export * from './helper.ts';
export { bindKfuncs, KFUNCS } from './kfuncs/index.ts';
export { bindHelpers, HELPERS } from './registry.ts';

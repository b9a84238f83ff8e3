export type { HelperName } from '../uapi/helpers.ts';
export * from './helper.ts';
export { bindKfuncs, KFUNCS } from './kfuncs/index.ts';
export { bindObjects, type ObjectLayout } from './kfuncs/objects.ts';
export { bindHelpers, HELPERS } from './registry.ts';

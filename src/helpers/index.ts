export type { HelperName } from '../uapi/helpers.ts';
export * from './helper.ts';
export { bindObjects } from './kfuncs/alloc.ts';
export { bindKfuncs, KFUNCS } from './kfuncs/index.ts';
export { type ObjectLayout, ObjectStore } from './objects/store.ts';
export { bindHelpers, HELPERS } from './registry.ts';

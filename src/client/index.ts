export type { BtfValue } from '../btf/index.ts';
export {
  AttachError,
  type AttachOptions,
  type IteratorScope,
  type UprobeTarget,
  type UsdtTarget,
} from './attach-options.ts';
export { Collection, loadCollection } from './collection.ts';
export { canProbeHelpers, Features, type HelperSupport, probeFeatures } from './features.ts';
export { BpfGlobal } from './globals.ts';
export { KernelTypes } from './kernel-types.ts';
export { BpfLink } from './link.ts';
export type { LoadOptions } from './load-options.ts';
export { BpfMap } from './map.ts';
export type { MapDefinition, MapShape } from './map-shape.ts';
export { MapView } from './map-view.ts';
export {
  BpfProgram,
  type ProgramDefinition,
  type ProgramOrigin,
  type TestRunInput,
  type TestRunResult,
} from './program.ts';
export { BpfRingBuffer, type RingRecord } from './ring-buffer.ts';

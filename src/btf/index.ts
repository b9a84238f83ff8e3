export * from './btf.ts';
export { BtfBuilder } from './build.ts';
export { type BtfFault, checkBtf, inspectBtf } from './check/check.ts';
export { candidates as coreCandidates } from './core/match.ts';
export { minimalBtf } from './core/minimal.ts';
export { POISON } from './core/patch.ts';
export { type CoreOutcome, type CoreProgram, type CoreRequest, relocateCore } from './core/relocate.ts';
export { type DumpCOptions, dumpC } from './dump/c.ts';
export { dumpRaw, dumpRawJson, type RawOptions } from './dump/raw.ts';
export {
  type BtfExt,
  type CoreRecord,
  type ExtSection,
  type FuncInfo,
  type LineInfo,
  parseBtfExt,
} from './ext.ts';
export { type GraphRoot, type KernelField, type KernelFieldKind, kernelFields, MAP_FIELDS } from './kernel-fields.ts';
export { alignOf, pointedArrayCount, resolve, sizeOf, skipModifiers, skipQualifiers } from './layout.ts';
export { objectFields, objectTypesError } from './object-types.ts';
export { parseBtf, type ReadOptions } from './read.ts';
export { loadReferenceBtfBytes } from './reference/index.ts';
export { decodeValue } from './value/decode.ts';
export { encodeValue } from './value/encode.ts';
export type { BtfValue } from './value/value.ts';

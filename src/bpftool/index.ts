export type { Io } from './io.ts';
export { JsonWriter } from './json-writer.ts';
export { type BpftoolEnv, runBpftool } from './main.ts';

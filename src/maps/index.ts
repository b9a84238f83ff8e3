export { ArenaMap } from './arena.ts';
export { CgroupArrayMap } from './cgroup-array.ts';
export { LocalStorageMap } from './local-storage.ts';
export * from './map.ts';
export { PerfBuffer, PerfEventArrayMap } from './perf-event-array.ts';
export { createMap, MAP_TYPES } from './registry.ts';
export { RingBufferMap, ringOfRecord } from './ringbuf.ts';
export { MAX_STACK, StackTraceMap } from './stack-trace.ts';
export { UserRingBufferMap } from './user-ringbuf.ts';

/** Perf events that the kernel counts itself, by the names that perf(1) gives them; the index is the config of perf_event_open(2). */

/** PERF_TYPE_HARDWARE, PERF_COUNT_HW_*. */
export const HARDWARE_EVENTS = [
  'cpu-cycles',
  'instructions',
  'cache-references',
  'cache-misses',
  'branch-instructions',
  'branch-misses',
  'bus-cycles',
  'stalled-cycles-frontend',
  'stalled-cycles-backend',
  'ref-cycles',
] as const;

/** PERF_TYPE_SOFTWARE, PERF_COUNT_SW_*. */
export const SOFTWARE_EVENTS = [
  'cpu-clock',
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'minor-faults',
  'major-faults',
  'alignment-faults',
  'emulation-faults',
  'dummy',
  'bpf-output',
  'cgroup-switches',
] as const;

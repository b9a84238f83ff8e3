/** Perf events by the names that perf(1) gives them. Numbers: enum perf_type_id and the configs of perf_event_open(2). */

const TYPES = ['hardware', 'software', 'tracepoint', 'hw-cache', 'raw', 'breakpoint'];

const HARDWARE = [
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
];

const SOFTWARE = [
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
];

export function eventTypeName(type: number): string | undefined {
  return TYPES[type];
}

export function eventConfigName(type: number, config: bigint): string | undefined {
  return [HARDWARE, SOFTWARE][type]?.[Number(config)];
}

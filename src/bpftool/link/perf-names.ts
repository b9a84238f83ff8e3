/** Perf events by the names that perf(1) gives them. Numbers: enum perf_type_id and the configs of perf_event_open(2). */

import { HARDWARE_EVENTS, SOFTWARE_EVENTS } from '../../uapi/perf-events.ts';

const TYPES = ['hardware', 'software', 'tracepoint', 'hw-cache', 'raw', 'breakpoint'];

export function eventTypeName(type: number): string | undefined {
  return TYPES[type];
}

export function eventConfigName(type: number, config: bigint): string | undefined {
  return [HARDWARE_EVENTS, SOFTWARE_EVENTS][type]?.[Number(config)];
}

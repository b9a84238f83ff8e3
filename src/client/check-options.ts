/** What `attach` is told, looked at before anything is opened; and events by their names as the kernel counts them. */
import { SkepError } from '../base/errors.ts';
import type { PerfEventSpec } from '../sys/index.ts';
import { PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE } from '../uapi/generated/constants.ts';
import { HARDWARE_EVENTS, SOFTWARE_EVENTS } from '../uapi/perf-events.ts';
import { list, numberOrZero, oneOf, record, signedNumber, text, wholeNumber } from './arguments.ts';
import { AttachError, type AttachOptions, type SampledEvent } from './attach-options.ts';
import { Handle } from './handle.ts';
import type { BpfProgram } from './program.ts';

const MAX_U64 = 2n ** 64n - 1n;

/** Throws ERR_ARGUMENT for an option that is not what its type says. */
export function checkOptions(program: BpfProgram, options: AttachOptions): void {
  record('what attach takes', options);
  const { device, cgroup, direction, event, uprobe, usdt, functions, socket, map, netns, netfilter, place } = options;
  numberOrZero('flags', options.flags);
  if (typeof device === 'number') wholeNumber('device', device);
  else if (device !== undefined) text('device', device);
  if (cgroup !== undefined) text('cgroup', cgroup);
  if (netns !== undefined) text('netns', netns);
  if (direction !== undefined) oneOf('direction', direction, ['ingress', 'egress']);
  if (functions !== undefined) for (const name of list('functions', functions)) text('a function', name);
  if (socket !== undefined) wholeNumber('socket', socket);
  if (options.cookie !== undefined) checkCookie(options.cookie);
  if (map !== undefined && !(map instanceof Handle)) throw new AttachError(program, 'map is no BpfMap', 'map');
  if (event !== undefined) checkEvent(event);
  for (const [name, target] of Object.entries({ uprobe, usdt })) {
    if (target === undefined) continue;
    const { path, pid } = record(name, target) as { path?: string; pid?: number };
    if (path !== undefined) text(`${name}.path`, path);
    numberOrZero(`${name}.pid`, pid);
  }
  if (uprobe?.symbol !== undefined) text('uprobe.symbol', uprobe.symbol);
  numberOrZero('uprobe.offset', uprobe?.offset, Number.MAX_SAFE_INTEGER);
  if (netfilter !== undefined) {
    const { family, hook, priority, flags } = record('netfilter', netfilter) as NonNullable<typeof netfilter>;
    for (const [name, value] of Object.entries({ family, hook, flags: flags ?? 0 }))
      wholeNumber(`netfilter.${name}`, value);
    signedNumber('netfilter.priority', priority);
  }
  if (place !== undefined) checkPlace(place);
}

function checkCookie(cookie: unknown): void {
  if (typeof cookie === 'bigint' && cookie >= 0n && cookie <= MAX_U64) return;
  throw new SkepError('ERR_ARGUMENT', `cookie is a bigint from 0 to ${MAX_U64}, not ${String(cookie)}`);
}

function checkPlace(place: NonNullable<AttachOptions['place']>): void {
  if (typeof place !== 'object') return void oneOf('place', place, ['first', 'last']);
  const other: unknown = 'before' in place ? place.before : place.after;
  if (!(other instanceof Handle))
    throw new SkepError('ERR_ARGUMENT', 'place.before and place.after are a program or a link');
}

const KINDS = ['software', 'hardware', 'tracepoint', 'kprobe', 'kretprobe', 'uprobe', 'uretprobe', 'event'] as const;

function checkEvent(event: PerfEventSpec | SampledEvent): void {
  record('event', event);
  oneOf('event.kind', event.kind, KINDS);
  if ('pid' in event) numberOrZero('event.pid', event.pid);
  switch (event.kind) {
    case 'software':
      return void oneOf('event.name', event.name, SOFTWARE_EVENTS);
    case 'hardware':
      return void oneOf('event.name', event.name, HARDWARE_EVENTS);
    case 'tracepoint':
      text('event.category', event.category);
      return void text('event.name', event.name);
    case 'kprobe':
    case 'kretprobe':
      return void text('event.symbol', event.symbol);
    case 'uprobe':
    case 'uretprobe':
      text('event.path', event.path);
      return void wholeNumber('event.offset', event.offset, Number.MAX_SAFE_INTEGER);
    case 'event':
      wholeNumber('event.type', event.type);
      if (typeof event.config === 'bigint') return;
      throw new SkepError('ERR_ARGUMENT', `event.config is a bigint, not ${String(event.config)}`);
  }
}

/** The event as a kernel opens it. */
export function perfEventSpec(event: PerfEventSpec | SampledEvent): PerfEventSpec {
  if (event.kind !== 'software' && event.kind !== 'hardware') return event;
  const { kind, name, ...when } = event;
  const names: readonly string[] = kind === 'software' ? SOFTWARE_EVENTS : HARDWARE_EVENTS;
  const type = kind === 'software' ? PERF_TYPE_SOFTWARE : PERF_TYPE_HARDWARE;
  return { kind: 'event', type, config: BigInt(names.indexOf(name)), ...when };
}

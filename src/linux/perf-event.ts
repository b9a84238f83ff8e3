/** perf_event_open(2) for what BPF programs attach to. */
import { readFileSync } from 'node:fs';
import { view } from '../base/bytes.ts';
import { EACCES, ENOENT, EPERM } from '../base/errno.ts';
import { BpfError, UnsupportedError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import type { PerfEventSpec } from '../sys/index.ts';
import { PERF_TYPE_TRACEPOINT } from '../uapi/generated/constants.ts';
import { tracefs } from './tracefs.ts';

/** linux/perf_event.h: _IO('$', 0), _IOW('$', 8, __u32). */
export const PERF_EVENT_IOC_ENABLE = 0x2400;
const PERF_EVENT_IOC_SET_BPF = 0x40042408;
const PERF_FLAG_FD_CLOEXEC = 8;
/** PERF_ATTR_SIZE_VER8 is newer than any kernel we support needs; this size reaches config2 and is known since 3.x. */
const ATTR_SIZE = 112;
const ATTR_FREQ = 1n << 10n;
const DYNAMIC_PMU = '/sys/bus/event_source/devices';

interface PerfAttr {
  type: number;
  config: bigint;
  /** A pointer for kprobe and uprobe events. */
  config1?: bigint;
  config2?: bigint;
  sampleType?: number;
  samplePeriod?: bigint;
  freq?: boolean;
  wakeupEvents?: number;
  pid: number;
  cpu: number;
}

/** The new descriptor. `what` is for the error. */
export function openPerfEvent(system: System, attr: PerfAttr, what = 'perf_event_open'): number {
  const bytes = new Uint8Array(ATTR_SIZE);
  const dv = view(bytes);
  dv.setUint32(0, attr.type, true);
  dv.setUint32(4, ATTR_SIZE, true);
  dv.setBigUint64(8, attr.config, true);
  dv.setBigUint64(16, attr.samplePeriod ?? 0n, true);
  dv.setBigUint64(24, BigInt(attr.sampleType ?? 0), true);
  dv.setBigUint64(40, attr.freq ? ATTR_FREQ : 0n, true);
  dv.setUint32(48, attr.wakeupEvents ?? 0, true);
  dv.setBigUint64(56, attr.config1 ?? 0n, true);
  dv.setBigUint64(64, attr.config2 ?? 0n, true);
  const fd = system.call('perf_event_open', system.addressOf(bytes), attr.pid, attr.cpu, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0) throw refused(what, fd);
  return fd;
}

function refused(what: string, errno: number): BpfError {
  if (-errno === EACCES || -errno === EPERM) {
    return new BpfError(
      'perf_event_open',
      errno,
      `${what}: it takes CAP_PERFMON, or a lower sysctl kernel.perf_event_paranoid`,
    );
  }
  return new BpfError('perf_event_open', errno, what);
}

/** Opens the event that a program is to be attached to, on one CPU and all tasks where the kind allows it. */
export function openAttachable(system: System, event: PerfEventSpec): number {
  switch (event.kind) {
    case 'tracepoint': {
      const what = `tracepoint ${event.category}/${event.name}`;
      return openPerfEvent(
        system,
        { type: PERF_TYPE_TRACEPOINT, config: BigInt(tracepointId(event)), pid: -1, cpu: 0 },
        what,
      );
    }
    case 'kprobe':
    case 'kretprobe': {
      const symbol = new TextEncoder().encode(`${event.symbol}\0`);
      const config1 = BigInt(system.addressOf(symbol));
      const attr = {
        ...probe('kprobe', event.kind === 'kretprobe'),
        config1,
        config2: BigInt(event.offset ?? 0),
        pid: -1,
        cpu: 0,
      };
      const fd = openPerfEvent(system, attr, `${event.kind} ${event.symbol}`);
      keep(symbol);
      return fd;
    }
    case 'uprobe':
    case 'uretprobe': {
      const path = new TextEncoder().encode(`${event.path}\0`);
      const { type, config } = probe('uprobe', event.kind === 'uretprobe');
      const fd = openPerfEvent(
        system,
        {
          type,
          config: config | (BigInt(event.refCtrOffset ?? 0) << 32n),
          config1: BigInt(system.addressOf(path)),
          config2: BigInt(event.offset),
          pid: event.pid ?? -1,
          cpu: event.pid === undefined ? 0 : -1,
        },
        `${event.kind} ${event.path}+0x${event.offset.toString(16)}`,
      );
      keep(path);
      return fd;
    }
    case 'event':
      return openPerfEvent(
        system,
        {
          type: event.type,
          config: event.config,
          samplePeriod: BigInt(event.sampleFreq ?? event.samplePeriod ?? 1),
          freq: event.sampleFreq !== undefined,
          pid: event.pid ?? -1,
          cpu: event.cpu ?? (event.pid === undefined ? 0 : -1),
        },
        `event ${event.type}:${event.config}`,
      );
  }
}

/** The way of attaching that needs no link. */
export function attachToEvent(system: System, eventFd: number, progFd: number): void {
  const set = system.call('ioctl', eventFd, PERF_EVENT_IOC_SET_BPF, progFd);
  if (set < 0) throw new BpfError('PERF_EVENT_IOC_SET_BPF', set);
  const enabled = system.call('ioctl', eventFd, PERF_EVENT_IOC_ENABLE, 0);
  if (enabled < 0) throw new BpfError('PERF_EVENT_IOC_ENABLE', enabled);
}

/** Keeps a buffer reachable up to here, so that its address was good during the call before. */
function keep(_bytes: Uint8Array): void {}

function tracepointId({ category, name }: { category: string; name: string }): number {
  const file = `${tracefs()}/events/${category}/${name}/id`;
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') {
      throw new BpfError('perf_event_open', EACCES, `${file} can be read by root alone; run as root`, { cause });
    }
    throw new BpfError('perf_event_open', ENOENT, `there is no tracepoint ${category}/${name}`, { cause });
  }
}

/** Type and config of a kprobe or uprobe event: numbers that the kernel gives out at boot (Linux 4.17). */
function probe(kind: 'kprobe' | 'uprobe', onReturn: boolean): { type: number; config: bigint } {
  let type: number;
  try {
    type = Number(readFileSync(`${DYNAMIC_PMU}/${kind}/type`, 'utf8'));
  } catch {
    const option = `CONFIG_${kind.toUpperCase()}_EVENTS`;
    throw new UnsupportedError(`a ${kind}`, {
      since: '4.17',
      hint: `this kernel is older, or built without ${option}`,
    });
  }
  if (!onReturn) return { type, config: 0n };
  const bit = /config:(\d+)/.exec(readFileSync(`${DYNAMIC_PMU}/${kind}/format/retprobe`, 'utf8'));
  return { type, config: 1n << BigInt(bit?.[1] ?? 0) };
}

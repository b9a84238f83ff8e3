/** `struct event` of examples/opensnoop.bpf.c: 304 bytes. */
import { cString, view } from '../../base/bytes.ts';
import { FormatError } from '../../base/errors.ts';

export interface OpenEvent {
  /** Nanoseconds since boot. */
  readonly ts: bigint;
  readonly pid: number;
  readonly tid: number;
  readonly ppid: number;
  readonly uid: number;
  /** A descriptor, or -errno; 0 where only entries are seen. */
  readonly ret: number;
  /** O_*. */
  readonly flags: number;
  readonly comm: string;
  readonly path: string;
}

const COMM = 32;
const PATH = 48;
const SIZE = 304;

export function readEvent(bytes: Uint8Array): OpenEvent {
  if (bytes.length < SIZE) throw new FormatError(`an event has ${SIZE} bytes, and there are ${bytes.length}`);
  const dv = view(bytes);
  return {
    ts: dv.getBigUint64(0, true),
    pid: dv.getUint32(8, true),
    tid: dv.getUint32(12, true),
    ppid: dv.getUint32(16, true),
    uid: dv.getUint32(20, true),
    ret: dv.getInt32(24, true),
    flags: dv.getUint32(28, true),
    comm: cString(bytes, COMM, PATH),
    path: cString(bytes, PATH, SIZE),
  };
}

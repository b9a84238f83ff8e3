/**
 * Helpers that format text: bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf. What a format may hold: format/parse.ts.
 */
import { EINVAL } from '../base/errno.ts';
import type { Addr, Memory } from '../base/memory.ts';
import { parseFormat } from './format/parse.ts';
import { renderFormat } from './format/render.ts';
import { formatSource } from './format/source.ts';
import { type Helper, type HelperEnv, wide } from './helper.ts';

/** The most arguments that bpf_snprintf and bpf_trace_vprintk take. */
const MAX_ARGS = 12;
/** Room for the text of a trace line, with its final zero. */
const TRACE_ROOM = 1024;
/** bpf_snprintf reads its format up to the zero that the verifier saw; nothing longer than a page was seen. */
const LONGEST_FORMAT = 1 << 16;

/** The bytes up to the zero within `size` bytes, or null where there is none. */
export function formatAt(mem: Memory, addr: Addr, size: number): Uint8Array | null {
  let length = 0;
  while (length < size && mem.isValid(addr + length, 1)) {
    if (mem.u8(addr + length) === 0) return mem.read(addr, length);
    length++;
  }
  return null;
}

/** The rendered text, at most `room` - 1 bytes, and its full length; or -errno. */
export function print(
  env: HelperEnv,
  format: Uint8Array | null,
  args: BigUint64Array,
  room: number,
): { text: Uint8Array; length: number } | number {
  if (format === null) return -EINVAL;
  const pieces = parseFormat(format, args.length);
  return typeof pieces === 'number' ? pieces : renderFormat(pieces, args, formatSource(env), room);
}

/** The `size` / 8 arguments at `addr`, or -EINVAL. */
export function argumentsAt(mem: Memory, addr: Addr, size: number): BigUint64Array | number {
  if (size % 8 !== 0 || size > MAX_ARGS * 8 || (size !== 0 && addr === 0)) return -EINVAL;
  return BigUint64Array.from({ length: size / 8 }, (_, i) => mem.u64(addr + i * 8));
}

function trace(env: HelperEnv, format: Addr, formatSize: number, args: BigUint64Array): number {
  const printed = print(env, formatAt(env.mem, format, formatSize), args, TRACE_ROOM);
  if (typeof printed === 'number') return printed;
  env.trace(new TextDecoder().decode(printed.text));
  return printed.length;
}

/** Answers how many bytes the line has. */
export const trace_printk: Helper = {
  args: 'iiLLL',
  ret: 'int',
  bind: (env) => (format, size, a, aHi, b, bHi, c, cHi) =>
    trace(env, format! >>> 0, size! >>> 0, BigUint64Array.of(wide(a!, aHi!), wide(b!, bHi!), wide(c!, cHi!))),
};

export const trace_vprintk: Helper = {
  args: 'iiii',
  ret: 'int',
  bind: (env) => (format, formatSize, data, dataSize) => {
    const args = argumentsAt(env.mem, data! >>> 0, dataSize! >>> 0);
    return typeof args === 'number' ? args : trace(env, format! >>> 0, formatSize! >>> 0, args);
  },
};

/** Answers the bytes that the whole text takes with its zero, though only `size` of them are written. */
export const snprintf: Helper = {
  args: 'iiiii',
  ret: 'int',
  bind: (env) => (to, size, format, data, dataSize) => {
    const args = argumentsAt(env.mem, data! >>> 0, dataSize! >>> 0);
    if (typeof args === 'number') return args;
    const room = size! >>> 0;
    const printed = print(env, formatAt(env.mem, format! >>> 0, LONGEST_FORMAT), args, room);
    if (typeof printed === 'number') return printed;
    if (room > 0) {
      env.mem.write(to! >>> 0, printed.text);
      env.mem.setU8((to! >>> 0) + printed.text.length, 0);
    }
    return printed.length + 1;
  },
};

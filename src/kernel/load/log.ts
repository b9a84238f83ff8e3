/**
 * How a verifier's text gets into the caller's buffer, as in Linux 6.4 and later: a text that is too long keeps its end
 * (or, with BPF_LOG_FIXED, its beginning), always with a zero, and the load answers ENOSPC.
 */
import { concat, utf8 } from '../../base/bytes.ts';

/** Bits of log_level: levels 1 and 2, statistics, and "keep the beginning". */
export const LOG_LEVELS = 0b111;
export const LOG_FIXED = 0b1000;

export interface WrittenLog {
  readonly buffer: Uint8Array;
  /** Bytes that the whole text takes, with its zero. */
  readonly trueSize: number;
  readonly cut: boolean;
}

/** `room` is at least 1. */
export function writeLog(text: string, level: number, room: number): WrittenLog {
  const bytes = utf8(text);
  const trueSize = bytes.length + 1;
  if (trueSize <= room) return { buffer: concat([bytes, new Uint8Array(1)]), trueSize, cut: false };
  const kept = (level & LOG_FIXED) !== 0 ? bytes.subarray(0, room - 1) : bytes.subarray(bytes.length - (room - 1));
  return { buffer: concat([kept, new Uint8Array(1)]), trueSize, cut: true };
}

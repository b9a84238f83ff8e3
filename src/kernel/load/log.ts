/**
 * How a verifier's text gets into the caller's buffer, as in Linux 6.4 and later: a text that is too long keeps its end
 * (or, with BPF_LOG_FIXED, its beginning), always with a zero, and the load answers ENOSPC.
 */
import { concat, utf8 } from '../../base/bytes.ts';
import { BPF_LOG_FIXED, BPF_LOG_LEVEL1, BPF_LOG_LEVEL2, BPF_LOG_STATS } from '../../uapi/flags.ts';

/** The bits of log_level that ask for text. */
export const LOG_LEVELS = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2 | BPF_LOG_STATS;

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
  const kept = (level & BPF_LOG_FIXED) !== 0 ? bytes.subarray(0, room - 1) : bytes.subarray(bytes.length - (room - 1));
  return { buffer: concat([kept, new Uint8Array(1)]), trueSize, cut: true };
}

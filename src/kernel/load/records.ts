/** func_info and line_info as the caller gives them: records of any size that has what we know, in units of that. */

import { concat } from '../../base/bytes.ts';
import { E2BIG, EFAULT, EINVAL } from '../../base/errno.ts';

const MAX_RECORD = 252;

/** The records cut to `size` bytes each, or -errno. What is longer must be zero: it would mean something unknown. */
export function readRecords(
  bytes: Uint8Array | undefined,
  count: number,
  given: number,
  size: number,
): Uint8Array | number {
  if (count === 0) return new Uint8Array(0);
  if (given < size || given > MAX_RECORD || given % 4 !== 0) return -EINVAL;
  if (bytes === undefined || bytes.length < count * given) return -EFAULT;
  if (given === size) return bytes.slice(0, count * size);
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const record = bytes.subarray(i * given, (i + 1) * given);
    if (record.subarray(size).some((byte) => byte !== 0)) return -E2BIG;
    pieces.push(record.subarray(0, size));
  }
  return concat(pieces);
}

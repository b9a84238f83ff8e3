/** Text in a task's memory. */
import type { Task } from './helper.ts';

const PAGE = 4096n;

/**
 * The bytes at `from` up to a zero, which is not among them, or `limit` bytes where there is none; null where memory
 * ends before either. Reads no further than it must: what follows a string's end need not be mapped.
 */
export function readUserText(task: Task, from: bigint, limit: number): Uint8Array | null {
  const text = new Uint8Array(limit);
  let length = 0;
  let step = Number(PAGE);
  while (length < limit) {
    const at = from + BigInt(length);
    const size = Math.min(limit - length, step, Number(PAGE - (at % PAGE)));
    const part = task.readUser(at, size);
    if (part === null) {
      if (size === 1) return null;
      step = size >> 1;
      continue;
    }
    const end = part.indexOf(0);
    text.set(end < 0 ? part : part.subarray(0, end), length);
    length += end < 0 ? part.length : end;
    if (end >= 0) break;
  }
  return text.subarray(0, length);
}

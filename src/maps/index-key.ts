/** Keys that are numbers: the u32 of arrays, ids and descriptors, as user space passes and gets them. */
import { view } from '../base/bytes.ts';
import { ENOENT } from '../base/errno.ts';

/** The u32 that a 4-byte key is. */
export function indexOf(key: Uint8Array): number {
  return view(key).getUint32(0, true);
}

/** The 4 bytes of a u32. */
export function u32Bytes(value: number): Uint8Array {
  const out = new Uint8Array(4);
  view(out).setUint32(0, value, true);
  return out;
}

/** BPF_MAP_GET_NEXT_KEY of every type whose keys are 0 … count - 1: a key past the end counts as not there. */
export function nextIndex(key: Uint8Array | null, count: number): Uint8Array | number {
  const index = key === null ? count : indexOf(key);
  if (index === count - 1) return -ENOENT;
  return u32Bytes(index >= count ? 0 : index + 1);
}

/**
 * Bytes as values: little-endian reads and writes over Uint8Array, text and hex.
 * BPF objects and the bpf(2) ABI are little-endian on every host that skep runs on.
 */

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: false });

/** A DataView over exactly the bytes of `b`, sharing its memory. */
export function view(b: Uint8Array): DataView {
  return new DataView(b.buffer, b.byteOffset, b.byteLength);
}

/** UTF-8 bytes of `text`, without a terminating zero. */
export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

/** Text of the bytes from `at` to the first zero, or to `end` (default: the end of `b`) where there is none. */
export function cString(b: Uint8Array, at = 0, end = b.length): string {
  let stop = at;
  while (stop < end && b[stop] !== 0) stop++;
  return DECODER.decode(b.subarray(at, stop));
}

/** `text` as UTF-8 in a zero-filled field of `size` bytes, cut so that a zero always ends it. */
export function fixedCString(text: string, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(ENCODER.encode(text).subarray(0, size - 1));
  return out;
}

/** The pieces, one after another. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const p of pieces) size += p.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const p of pieces) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** Whether both hold the same bytes. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Lower-case hex digits, two a byte, no separator. */
export function toHex(b: Uint8Array): string {
  let out = '';
  for (const x of b) out += x.toString(16).padStart(2, '0');
  return out;
}

/** The bytes that hex digits spell, or undefined where `text` is not an even number of hex digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) out[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** `n` rounded up to a multiple of `to`, a power of two. Exact up to 2^53. */
export function alignUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}

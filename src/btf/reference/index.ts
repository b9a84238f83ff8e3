/**
 * The BTF of the reference kernel (uapi/reference.ts), as it ships with the package.
 *
 * All types are there, with the ids they have in that kernel: what a CO-RE program can name, what fentry, LSM, iterators
 * and struct_ops attach to, kfuncs with their tags, per-CPU variables. Functions and their prototypes are half of the size.
 *
 * Made by tools/generate/reference-btf.ts: `npm run generate -- --from /sys/kernel/btf/vmlinux` on a machine that runs the
 * reference kernel. 5.5 MB of BTF, stored by column (columns.ts) and deflated, are 1.1 MB; making them BTF again takes about
 * 100 ms, so callers keep what they get.
 */
import { concat } from '../../base/bytes.ts';
import { unpackBtf } from './unpack.ts';

/** The BTF as `parseBtf` takes it. Loads its file when it is called first. */
export async function loadReferenceBtfBytes(): Promise<Uint8Array> {
  const { PACKED_BTF } = await import('./generated/packed.ts');
  return unpackBtf(await inflate(fromBase64(PACKED_BTF)));
}

async function inflate(deflated: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const { readable, writable } = new DecompressionStream('deflate-raw');
  const writer = writable.getWriter();
  const [pieces] = await Promise.all([readAll(readable.getReader()), writer.write(deflated), writer.close()]);
  return concat(pieces);
}

async function readAll(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return pieces;
    pieces.push(value);
  }
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

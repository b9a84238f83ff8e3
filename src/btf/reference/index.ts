/**
 * The BTF of the reference kernel (uapi/reference.ts), as it ships with the package.
 *
 * All types are there: what a CO-RE program can name, what fentry, LSM, iterators and struct_ops attach to, kfuncs with
 * their tags, per-CPU variables. Only the order differs from the kernel's own: functions come last, sorted by name, so
 * type ids are not those of the running kernel. Types of one name keep their order.
 *
 * Made by tools/generate/reference-btf.ts: `npm run generate -- --from /sys/kernel/btf/vmlinux` on a machine that runs the
 * reference kernel. 5.5 MB of BTF, stored by column (columns.ts) and deflated, are 1.1 MB; making them BTF again takes about
 * 100 ms, so callers keep what they get.
 */
import { unpackBtf } from './unpack.ts';

/** The BTF as `parseBtf` takes it. Loads its file when it is called first. */
export async function loadReferenceBtfBytes(): Promise<Uint8Array> {
  const { PACKED_BTF } = await import('./generated/packed.ts');
  const deflated = fromBase64(PACKED_BTF);
  const inflating = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return unpackBtf(new Uint8Array(await new Response(inflating).arrayBuffer()));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

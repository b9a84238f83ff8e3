/** Programs and numbers for tests that ask the machine's kernel. */
import { readFileSync } from 'node:fs';
import { type Btf, parseBtf } from '../../src/btf/index.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import type { Fd, Kernel } from '../../src/sys/index.ts';
import type { Attr } from '../../src/uapi/commands.ts';

export const u32 = (...numbers: number[]): Uint8Array => new Uint8Array(Uint32Array.from(numbers).buffer);
export const u64 = (...numbers: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(numbers).buffer);
export const asU32 = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** Loads a program from text; `maps` are descriptors by the names that the text uses. */
export async function load(
  kernel: Kernel,
  prog_type: number,
  text: string,
  attr: Omit<Attr<'PROG_LOAD'>, 'prog_type' | 'insns'> = {},
  maps: Record<string, Fd> = {},
): Promise<Fd> {
  const { ret } = await kernel.bpf('PROG_LOAD', {
    prog_type,
    insns: encode(assemble(text, { maps })),
    license: 'GPL',
    log_level: 1,
    log_buf: 1 << 16,
    ...attr,
  });
  return ret;
}

/** BTF of the running kernel. */
export function runningKernelBtf(): Btf {
  return parseBtf(readFileSync('/sys/kernel/btf/vmlinux'));
}

/** Object files that commands are given: read, recognised, parsed, with what people search for said on stderr. */
import { SkepError } from '../base/errors.ts';
import { type CollectionSpec, isElf, parseObject } from '../object/index.ts';
import type { Context } from './context.ts';
import { fail, reason } from './failure.ts';

/** The file's bytes; they begin as an ELF file. */
export async function openObject(context: Context, path: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await context.io.readFile(path);
  } catch (error) {
    context.note(`libbpf: elf: failed to open ${path}: ${reason(error)}\n`);
    return fail('failed to open object file');
  }
  if (isElf(bytes)) return bytes;
  context.note(`libbpf: elf: '${path}' is not a proper ELF object\n`);
  return fail('failed to open object file');
}

export function parse(context: Context, path: string, bytes: Uint8Array): CollectionSpec {
  try {
    return parseObject(bytes, { name: path });
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    context.note(`skep: ${path}: ${error.message}\n`);
    return fail('failed to open object file');
  }
}

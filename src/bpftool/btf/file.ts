/** BTF from a file: an ELF object's .BTF section, or raw BTF as /sys/kernel/btf has it. */
import { ENOENT } from '../../base/errno.ts';
import { BpfError } from '../../base/errors.ts';
import { type Btf, parseBtf } from '../../btf/index.ts';
import { isElf, parseElf } from '../../object/index.ts';
import type { Context } from '../context.ts';

export async function readBtfFile(context: Context, path: string, base?: Btf): Promise<Btf> {
  const bytes = await context.io.readFile(path);
  const options = base ? { base } : {};
  if (!isElf(bytes)) return parseBtf(bytes, options);
  const section = parseElf(bytes).section('.BTF')?.data;
  if (!section) throw new BpfError('read', ENOENT, `${path} has no BTF`);
  return parseBtf(section, options);
}

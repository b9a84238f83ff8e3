/** src/uapi/generated/helper-ids.ts: enum bpf_func_id. */
import type { Btf } from '../../src/btf/index.ts';
import { generatedHead } from './head.ts';

export function generateHelperIds(btf: Btf): string {
  const type = btf.type(btf.find('bpf_func_id', 'enum'));
  if (type?.kind !== 'enum') throw new Error('the BTF has no enum bpf_func_id');
  let text = generatedHead('enum bpf_func_id');
  text += '\n/** Helper name -> the number that a call instruction carries. */\nexport const HELPER_IDS = {\n';
  for (const { name, value } of type.values) {
    const helper = /^BPF_FUNC_(?!unspec$)(\w+)$/.exec(name)?.[1];
    if (helper !== undefined) text += `  ${helper}: ${value},\n`;
  }
  return `${text}} as const;\n`;
}

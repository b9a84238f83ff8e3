/** src/uapi/generated/constants.ts: the enumerators of the eBPF ABI, enum by enum, in the order of the BTF. */
import type { Btf } from '../../src/btf/index.ts';
import { generatedHead } from './head.ts';

/** Enumerators that programs and tools use. The kernel's own enums of other names are left out. */
const NAMES = new RegExp(
  [
    '^(__MAX_)?BPF_',
    '^BTF_(KIND|VAR|FUNC)_',
    '^XDP_(ABORTED|DROP|PASS|TX|REDIRECT)$',
    '^SK_(DROP|PASS)$',
    '^TCX_',
    '^TCP_BPF_',
    '^NF_INET_',
    '^PERF_(TYPE|COUNT|SAMPLE|RECORD|FORMAT|CONTEXT)_',
  ].join('|'),
);

export function generateConstants(btf: Btf): string {
  let text = generatedHead('the enumerators of the eBPF ABI');
  const seen = new Set<string>();
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id)!;
    if (type.kind !== 'enum' && type.kind !== 'enum64') continue;
    let block = '';
    for (const { name, value } of type.values) {
      if (!NAMES.test(name) || seen.has(name)) continue;
      seen.add(name);
      const isSafe = BigInt.asIntN(54, BigInt(value)) === BigInt(value);
      block += `export const ${name} = ${value}${isSafe ? '' : 'n'};\n`;
    }
    if (block !== '') text += `\n// ${type.name === '' ? 'enum' : `enum ${type.name}`}\n${block}`;
  }
  return text;
}

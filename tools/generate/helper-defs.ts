/** include/bpf/bpf_helper_defs.h: the helpers as C functions, from their prototypes and numbers. */
import type { Btf } from '../../src/btf/index.ts';
import { HELPER_IDS } from '../../src/uapi/generated/helper-ids.ts';
import { HELPER_PROTOTYPES } from '../../src/uapi/helper-prototypes.ts';

export function generateHelperDefs(_btf: Btf): string {
  const ids: Readonly<Record<string, number>> = HELPER_IDS;
  const rows = Object.entries(HELPER_PROTOTYPES)
    .map(([name, [answer, parameters]]) => ({ name, answer, parameters, id: ids[name]! }))
    .sort((a, b) => a.id - b.id);
  const structs = new Set(
    rows.flatMap((r) => [...`${r.answer} ${r.parameters}`.matchAll(/struct (\w+)/g)].map((m) => m[1]!)),
  );
  return `/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* Generated from src/uapi/helper-prototypes.ts by \`npm run generate\`. The helpers of Linux 6.18, by their numbers. */
#ifndef SKEP_BPF_HELPER_DEFS_H
#define SKEP_BPF_HELPER_DEFS_H

${[...structs]
  .sort()
  .map((s) => `struct ${s};`)
  .join('\n')}

${rows.map((r) => `static ${r.answer}${r.answer.endsWith('*') ? '' : ' '}(*const bpf_${r.name})(${r.parameters}) = (void *)${r.id};`).join('\n')}

#endif
`;
}

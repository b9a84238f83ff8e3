/** What the engine needs to know of the structures that a program allocates: by their id in the program's own BTF. */
import { type Btf, objectFields } from '../../btf/index.ts';
import type { ObjectLayout } from '../../helpers/index.ts';

export function objectLayout(btf: Btf | undefined, typeId: number): ObjectLayout | undefined {
  const t = btf?.type(typeId);
  if (!btf || t?.kind !== 'struct') return undefined;
  return { size: t.size, fields: objectFields(btf, typeId) };
}

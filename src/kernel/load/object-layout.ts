/** What the engine needs to know of the structures that a program allocates: by their id in the program's own BTF. */
import { type Btf, resolve } from '../../btf/index.ts';
import type { ObjectLayout } from '../../helpers/index.ts';

const MAX_DEPTH = 8;

export function objectLayout(btf: Btf | undefined, typeId: number): ObjectLayout | undefined {
  const t = btf?.type(typeId);
  if (!btf || t?.kind !== 'struct') return undefined;
  return { size: t.size, refcount: refcountIn(btf, typeId, 0) };
}

/** Byte offset of the struct bpf_refcount in a structure. */
function refcountIn(btf: Btf, id: number, depth: number): number | undefined {
  const t = resolve(btf, id);
  if (t.kind !== 'struct' || depth > MAX_DEPTH) return undefined;
  if (t.name === 'bpf_refcount') return 0;
  for (const member of t.members) {
    const inside = refcountIn(btf, member.type, depth + 1);
    if (inside !== undefined) return member.bitOffset / 8 + inside;
  }
  return undefined;
}

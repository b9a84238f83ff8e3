/**
 * Whether a pointer into one structure is a pointer to another: the same, or one that begins there. Linux:
 * btf_struct_ids_match().
 */
import { type Btf, resolve, skipModifiers } from '../../btf/index.ts';

const MAX_DEPTH = 32;

/** `strict`: only the structure itself, from its start. */
export function structsMatch(btf: Btf, id: number, off: number, wanted: number, strict: boolean): boolean {
  let at = skipModifiers(btf, id);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (off === 0 && at === wanted) return true;
    if (strict) return false;
    const t = resolve(btf, at);
    if (t.kind !== 'struct') return false;
    const member = t.members.findLast((m) => m.bitOffset <= off * 8 && resolve(btf, m.type).kind === 'struct');
    if (!member) return false;
    off -= member.bitOffset / 8;
    const inner = resolve(btf, member.type);
    if (inner.kind !== 'struct' || off >= Math.max(inner.size, 1)) return false;
    at = skipModifiers(btf, member.type);
  }
  return false;
}

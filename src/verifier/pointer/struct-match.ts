/**
 * Whether a pointer into one structure is a pointer to another: the same, or one that begins there (of a union: the first). Linux:
 * btf_struct_ids_match().
 */
import { type Btf, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { Env } from '../env.ts';

const MAX_DEPTH = 32;
/** Bytes that are asked for where nothing is read. */
const LEAST = 1;

/** `strict`: only the structure itself, from its start. Where a pointer is in the way, the log tells so, as Linux does. */
export function structsMatch(env: Env, btf: Btf, id: number, off: number, wanted: number, strict: boolean): boolean {
  let at = skipModifiers(btf, id);
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    if (off === 0 && at === wanted) return true;
    if (strict) return false;
    const t = resolve(btf, at);
    if (t.kind !== 'struct' && t.kind !== 'union') return false;
    const place = off;
    const member = t.members.find((m) => m.bitOffset <= place * 8 && place * 8 < m.bitOffset + sizeOf(btf, m.type) * 8);
    if (!member) return false;
    const start = member.bitOffset / 8;
    if (resolve(btf, member.type).kind === 'ptr') {
      const name = t.name || '(anon)';
      env.write(
        `cannot access ptr member ${member.name} with moff ${start} in struct ${name} with off ${off} size ${LEAST}\n`,
      );
      return false;
    }
    off -= start;
    at = skipModifiers(btf, member.type);
  }
  return false;
}

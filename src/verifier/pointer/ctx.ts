/**
 * PTR_TO_CTX: what the program was called with. Only in its original form, at fields its program type has.
 */
import { argumentAccess } from '../attach/arguments.ts';
import { contextRule } from '../attach/context.ts';
import { refuseContext } from '../attach/refuse.ts';
import type { Env } from '../env.ts';
import { MAYBE_NULL, SCALAR } from '../state/types.ts';
import { checkUnmodified } from './region.ts';
import { type Access, checkNoLeak, type PointerRule } from './rule.ts';

export const ctx: PointerRule = {
  word: 'context ',
  access(env, ptr, a) {
    checkNoLeak(env, a, 'ctx');
    checkUnmodified(env, ptr, a.regno);
    checkContext(env, a);
  },
};

function checkContext(env: Env, a: Access): void {
  const rule = contextRule(env.input.progType);
  if (!rule) {
    argumentAccess(env, a);
    return;
  }
  const type = rule(env, a);
  if (type === null) refuseContext(env, a);
  if (a.write || a.valueRegno < 0) return;
  const to = env.reg(a.valueRegno);
  if (type === SCALAR) {
    to.markUnknown();
    return;
  }
  to.markPointer(type);
  if (type & MAYBE_NULL) to.id = env.newId();
}

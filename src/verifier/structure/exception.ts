/**
 * The function that ends a program which throws, as a declaration tag on the main function says.
 */
import { view } from '../../base/bytes.ts';
import type { Env } from '../env.ts';

const PREFIX = 'exception_callback:';

/** First slot of the exception callback, or 0 where there is none. */
export function findExceptionCallback(env: Env): number {
  const { btf, funcInfo } = env.input;
  if (!btf || !funcInfo || funcInfo.length < 8) return 0;
  const dv = view(funcInfo);
  const main = dv.getUint32(4, true);
  let name = '';
  for (let id = 1; id < btf.count && !name; id++) {
    const t = btf.type(id);
    if (t?.kind === 'decl_tag' && t.type === main && t.component === -1 && t.name.startsWith(PREFIX)) {
      name = t.name.slice(PREFIX.length);
    }
  }
  if (!name) return 0;
  for (let at = 8; at + 8 <= funcInfo.length; at += 8) {
    const func = btf.type(dv.getUint32(at + 4, true));
    if (func?.kind === 'func' && func.name === name) return dv.getUint32(at, true);
  }
  env.reject('ENOENT', '');
}

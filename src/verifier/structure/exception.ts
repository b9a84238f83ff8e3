/**
 * The function that ends a program which throws, as a declaration tag on the main function says.
 */
import { view } from '../../base/bytes.ts';
import { BTF_FUNC_GLOBAL } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';

const PREFIX = 'exception_callback:';

/** First slot of the exception callback, or 0 where there is none. */
export function findExceptionCallback(env: Env): number {
  const { btf, funcInfo } = env.input;
  if (!btf || !funcInfo || funcInfo.length < 8) return 0;
  const dv = view(funcInfo);
  const main = dv.getUint32(4, true);
  const names: string[] = [];
  for (const id of btf.declTags()) {
    const t = btf.type(id);
    if (t?.kind !== 'decl_tag' || t.type !== main || t.component !== -1 || !t.name.startsWith(PREFIX)) continue;
    names.push(t.name.slice(PREFIX.length));
  }
  const [name] = names;
  if (name === undefined) return 0;
  if (names.length > 1) env.reject('EEXIST', 'multiple exception callback tags for main subprog');
  const func = btf.find(name, 'func');
  const t = btf.type(func);
  if (t?.kind !== 'func') env.reject('ENOENT', `exception callback '${name}' could not be found in BTF`);
  if (t.linkage !== BTF_FUNC_GLOBAL) env.reject('EINVAL', `exception callback '${name}' must have global linkage`);
  for (let at = 8; at + 8 <= funcInfo.length; at += 8) {
    if (dv.getUint32(at + 4, true) === func) return dv.getUint32(at, true);
  }
  env.reject('EINVAL', 'exception callback type id not found in func_info');
}

/**
 * Calls of kernel functions (kfuncs). They are named, and not followed yet.
 */
import type { Env } from '../env.ts';

export function kfuncCall(env: Env): never {
  const name = env.kfuncNames.get(env.pc);
  env.unsupported(name ? `calling the kernel function ${name}` : 'calling a kernel function');
}

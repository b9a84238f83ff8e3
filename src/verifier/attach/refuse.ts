/**
 * The refusal of an access to the context.
 */
import type { Env } from '../env.ts';
import type { Access } from '../pointer/rule.ts';

export function refuseContext(env: Env, a: Access): never {
  env.write(`invalid bpf_context access off=${a.off} size=${a.size}\n`);
  env.printLine(env.pc, '; ');
  env.reject('EACCES', '');
}

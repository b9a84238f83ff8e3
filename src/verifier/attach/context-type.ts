/**
 * Whether a parameter's type says that it is the program's context. Linux: btf_is_prog_ctx_type().
 */
import { type Btf, skipQualifiers } from '../../btf/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import { PROG_TYPES } from '../../uapi/prog-types.ts';
import type { Env } from '../env.ts';

/** Names that mean the context besides the one of the table: what r1 is called in C. */
const OTHER_NAMES: Record<number, readonly string[]> = {
  [c.BPF_PROG_TYPE_KPROBE]: ['bpf_user_pt_regs_t', 'pt_regs'],
  [c.BPF_PROG_TYPE_PERF_EVENT]: ['bpf_perf_event_data', 'pt_regs', 'user_pt_regs', 'user_regs_struct'],
};

const CONTEXTS: ReadonlyMap<number, string> = new Map(
  Object.values(PROG_TYPES).map((row) => [row.id as number, row.context as string]),
);

/** `id` is the type pointed to. */
export function isContextType(env: Env, btf: Btf, id: number, _arg: number): boolean {
  const at = skipQualifiers(btf, id);
  const t = btf.type(at);
  if (!t) return false;
  const { progType } = env.input;
  const names = OTHER_NAMES[progType] ?? [CONTEXTS.get(progType) ?? ''];
  if (t.kind === 'typedef') return progType === c.BPF_PROG_TYPE_KPROBE && t.name === 'bpf_user_pt_regs_t';
  return t.kind === 'struct' && t.name !== '' && names.includes(t.name);
}

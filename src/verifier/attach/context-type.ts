/**
 * Whether a parameter's type says that it is the program's context. Linux: btf_is_prog_ctx_type().
 */
import { type Btf, type BtfType, resolve, skipQualifiers } from '../../btf/index.ts';
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
export function isContextType(env: Env, btf: Btf, id: number): boolean {
  const at = skipQualifiers(btf, id);
  const t = btf.type(at);
  if (!t) return false;
  const { progType } = env.input;
  if (t.kind === 'typedef') return progType === c.BPF_PROG_TYPE_KPROBE && t.name === 'bpf_user_pt_regs_t';
  return t.kind === 'struct' && t.name !== '' && isContextName(progType, t.name);
}

const isContextName = (progType: number, name: string): boolean =>
  (OTHER_NAMES[progType] ?? [CONTEXTS.get(progType)]).includes(name);

/** Program types whose context is an array of 64-bit numbers: a pointer to one of them is the context, too. */
const NUMBERS = new Set<number>([
  c.BPF_PROG_TYPE_RAW_TRACEPOINT,
  c.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  c.BPF_PROG_TYPE_TRACING,
  c.BPF_PROG_TYPE_LSM,
  c.BPF_PROG_TYPE_STRUCT_OPS,
]);
/** Those of which anything goes. */
const ANYTHING = new Set<number>([c.BPF_PROG_TYPE_TRACEPOINT, c.BPF_PROG_TYPE_SYSCALL, c.BPF_PROG_TYPE_EXT]);

/**
 * Rejects where parameter `arg`, a pointer to type `id`, cannot be the context that its tag says it is. Linux:
 * btf_validate_prog_ctx_type().
 */
export function checkContextTag(env: Env, btf: Btf, id: number, arg: number): void {
  const { progType } = env.input;
  const pointed = resolve(btf, id);
  if (pointed.kind === 'void' || ANYTHING.has(progType) || isContextType(env, btf, id)) return;
  const name = pointed.kind === 'struct' ? pointed.name : '';
  const isIter = progType === c.BPF_PROG_TYPE_TRACING && env.attachType === c.BPF_TRACE_ITER;
  if (isIter ? name.startsWith('bpf_iter__') : isNumbers(env, pointed, name)) return;
  const wanted = CONTEXTS.get(progType);
  if (name && isContextName(progType, name)) return;
  env.reject('EINVAL', `arg#${arg} should be ${wanted ? `\`struct ${wanted} *\`` : 'void pointer'}`);
}

function isNumbers(env: Env, pointed: BtfType, name: string): boolean {
  if (!NUMBERS.has(env.input.progType)) return false;
  if (pointed.kind === 'int') return pointed.size === 8;
  return env.attachType === c.BPF_TRACE_RAW_TP && name === 'bpf_raw_tracepoint_args';
}

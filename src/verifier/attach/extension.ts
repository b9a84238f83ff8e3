/**
 * Programs that replace a function of another program (EXT): they are what they replace, with its context and its rules,
 * and their own function must have its type. Linux: bpf_check_attach_target(), btf_check_func_type_match().
 */
import { type Btf, type BtfType, resolve } from '../../btf/index.ts';
import { BPF_PROG_TYPE_EXT, BTF_FUNC_GLOBAL } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import type { VerifierInput } from '../program.ts';

/** An extension with the type of the program that it goes into; any other program as it is. */
export function asReplaced(input: VerifierInput): VerifierInput {
  const { attachProg } = input;
  if (input.progType !== BPF_PROG_TYPE_EXT || !attachProg) return input;
  return { ...input, progType: attachProg.progType, attachType: attachProg.attachType };
}

/** Rejects where the function that is to be replaced is not there, or has another type. */
export function checkExtension(env: Env): void {
  const { attachProg, attachBtfId: id = 0, btf } = env.input;
  if (id === 0) env.reject('EINVAL', 'Tracing programs must provide btf_id');
  if (!attachProg) env.reject('EINVAL', 'Cannot replace kernel functions');
  const theirs = attachProg.btf.type(id);
  if (theirs?.kind !== 'func') env.reject('EINVAL', `attach_btf_id ${id} is not a function`);
  if (theirs.linkage !== BTF_FUNC_GLOBAL) env.reject('EINVAL', 'Cannot replace static functions');
  const ours = env.funcType(0);
  if (!btf || ours?.kind !== 'func') env.reject('EINVAL', '');
  const a = protoOf(btf, ours);
  const b = protoOf(attachProg.btf, theirs);
  if (a?.kind !== 'func_proto' || b?.kind !== 'func_proto') env.reject('EINVAL', '');
  if (a.params.length !== b.params.length) {
    env.reject(
      'EINVAL',
      `${ours.name}() has ${a.params.length} args while ${theirs.name}() has ${b.params.length} args`,
    );
  }
  const types = [[a.ret, b.ret] as const, ...a.params.map((p, k) => [p.type, b.params[k]!.type] as const)];
  for (const [k, [mine, other]] of types.entries()) {
    if (sameShape(btf, mine, attachProg.btf, other)) continue;
    const what = k === 0 ? 'Return type' : `arg${k - 1}`;
    env.reject('EINVAL', `${what} of ${ours.name}() doesn't match that of ${theirs.name}()`);
  }
}

const protoOf = (btf: Btf, func: BtfType & { kind: 'func' }): BtfType | undefined => btf.type(func.type);

/** Numbers of one size, or pointers to things of one kind, name and size. */
function sameShape(a: Btf, x: number, b: Btf, y: number): boolean {
  const s = resolve(a, x);
  const t = resolve(b, y);
  if (s.kind !== t.kind) return false;
  if (s.kind !== 'ptr') return sizeIn(s) === sizeIn(t);
  if (t.kind !== 'ptr') return false;
  const p = resolve(a, s.type);
  const q = resolve(b, t.type);
  return p.kind === q.kind && nameIn(p) === nameIn(q) && sizeIn(p) === sizeIn(q);
}

const sizeIn = (t: BtfType): number => ('size' in t ? t.size : 0);
const nameIn = (t: BtfType): string => (t.kind === 'struct' || t.kind === 'union' ? t.name : '');

/**
 * What the arguments of a function are, as its BTF and the `arg:` declaration tags on it say. Linux:
 * btf_prepare_func_args().
 */
import { BtfError } from '../../base/errors.ts';
import { type Btf, type BtfType, coreCandidates, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import { checkContextTag, isContextType } from '../attach/context-type.ts';
import type { Env } from '../env.ts';
import type { SubprogArg } from '../structure/subprogs.ts';

const MAX_ARGS = 5;
const TAGS = ['ctx', 'trusted', 'untrusted', 'nonnull', 'nullable', 'arena'] as const;
type Tag = (typeof TAGS)[number];

/** Fills `args` of a function. Rejects, with the reason in the log, where it cannot be a global function. */
export function prepareArgs(env: Env, index: number): void {
  const sub = env.subprogs[index]!;
  if (sub.args) return;
  const { btf, funcInfo } = env.input;
  const func = btf && funcInfo ? env.funcType(index) : undefined;
  if (!btf || func?.kind !== 'func') env.reject('EINVAL', '');
  const { name } = sub;
  const proto = btf.type(func.type);
  if (proto?.kind !== 'func_proto') env.reject('EINVAL', `Invalid type of function ${name}()`);
  const { params } = proto;
  if (params.length > MAX_ARGS) {
    env.reject('EINVAL', `Global function ${name}() with ${params.length} > ${MAX_ARGS} args. Buggy compiler.`);
  }
  if (!isNumber(resolve(btf, proto.ret))) {
    env.reject('EINVAL', `Global function ${name}() doesn't return scalar. Only those are supported.`);
  }
  sub.args = params.map((param, k) => argOf(env, btf, index, k, param.type));
}

const isNumber = (t: BtfType): boolean => t.kind === 'int' || t.kind === 'enum' || t.kind === 'enum64';

function argOf(env: Env, btf: Btf, index: number, k: number, id: number): SubprogArg {
  const tags = tagsOf(env, btf, index, k);
  const t = resolve(btf, id);
  if (t.kind === 'ptr') return pointerOf(env, btf, k, t.type, tags);
  if (tags.size > 0) env.reject('EINVAL', `arg#${k} has pointer tag, but is not a pointer type`);
  if (isNumber(t)) return { kind: 'scalar' };
  env.reject('EINVAL', `Arg#${k} type ${t.kind.toUpperCase()} in ${env.subprogs[index]!.name}() is not supported yet.`);
}

/** `id` is the type pointed to. */
function pointerOf(env: Env, btf: Btf, k: number, id: number, tags: ReadonlySet<Tag>): SubprogArg {
  const only = (...allowed: Tag[]) => {
    if ([...tags].some((tag) => !allowed.includes(tag))) {
      env.reject('EINVAL', `arg#${k} has invalid combination of tags`);
    }
  };
  const pointed = resolve(btf, id);
  if (tags.has('ctx') || isContextType(env, btf, id)) {
    only('ctx');
    if (tags.has('ctx')) checkContextTag(env, btf, id, k);
    return { kind: 'ctx' };
  }
  if (pointed.kind === 'struct' && (pointed.name === 'bpf_dynptr' || pointed.name === 'bpf_dynptr_kern')) {
    only();
    return { kind: 'dynptr' };
  }
  if (tags.has('trusted')) {
    only('trusted', 'nullable');
    return { kind: 'trusted', btfId: kernelType(env, btf, k, id), orNull: tags.has('nullable') };
  }
  if (tags.has('untrusted')) {
    if (tags.size > 1) env.reject('EINVAL', `arg#${k} untrusted cannot be combined with any other tags`);
    return untrustedOf(env, btf, k, id, pointed);
  }
  if (tags.has('arena')) {
    if (tags.size > 1) env.reject('EINVAL', `arg#${k} arena cannot be combined with any other tags`);
    return { kind: 'arena' };
  }
  only('nonnull');
  return { kind: 'mem', size: sizeBehind(env, btf, k, id, pointed), orNull: !tags.has('nonnull') };
}

function untrustedOf(env: Env, btf: Btf, k: number, id: number, pointed: BtfType): SubprogArg {
  if (pointed.kind === 'void' || isNumber(pointed)) return { kind: 'untrusted_mem' };
  const btfId = kernelType(env, btf, k, id);
  const t = env.kernelBtf.type(btfId)!;
  if (t.kind !== 'struct' && t.kind !== 'union') {
    // Linux looks for the kernel's name in the program's BTF.
    env.reject(
      'EINVAL',
      `arg#${k} has type ${t.kind.toUpperCase()} '(anon)', but only struct or primitive types are allowed`,
    );
  }
  return { kind: 'untrusted', btfId };
}

function sizeBehind(env: Env, btf: Btf, k: number, id: number, pointed: BtfType): number {
  try {
    return sizeOf(btf, id);
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    env.reject('EINVAL', `arg#${k} reference type('${describe(pointed)}') size cannot be determined: -22`);
  }
}

/** The kernel's type of the same name as the program's. */
function kernelType(env: Env, btf: Btf, k: number, id: number): number {
  const own = skipModifiers(btf, id);
  const t = resolve(btf, id);
  if (!('name' in t) || t.name === '') {
    const kind = t.kind === 'void' ? 'UNKNOWN' : t.kind.toUpperCase();
    env.reject('EINVAL', `arg#${k} reference type('${kind} (anon)') candidate matching error: -22`);
  }
  const what = `arg#${k} reference type('${describe(t)}')`;
  const [found, other] = coreCandidates(btf, own, env.kernelBtf);
  if (found === undefined) env.reject('ENOENT', `${what} has no matches`);
  if (other !== undefined) env.reject('ESRCH', `${what} is ambiguous`);
  return found;
}

function describe(t: BtfType): string {
  const name = 'name' in t ? t.name : '';
  switch (t.kind) {
    case 'void':
      return 'UNKNOWN ';
    case 'ptr':
      return 'PTR (anon)';
    default:
      return `${t.kind.toUpperCase()} ${name}`;
  }
}

const PREFIX = 'arg:';

/** `arg:` declaration tags of parameter `k`. */
function tagsOf(env: Env, btf: Btf, index: number, k: number): ReadonlySet<Tag> {
  const out = new Set<Tag>();
  const func = env.funcTypeId(index);
  for (const id of btf.declTags()) {
    const t = btf.type(id);
    if (t?.kind !== 'decl_tag' || t.type !== func || t.component !== k || !t.name.startsWith(PREFIX)) continue;
    const tag = TAGS.find((known) => t.name === PREFIX + known);
    if (!tag) env.reject('EOPNOTSUPP', `arg#${k} has unsupported set of tags`);
    out.add(tag);
  }
  return out;
}

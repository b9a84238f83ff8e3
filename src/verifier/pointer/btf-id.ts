/**
 * PTR_TO_BTF_ID: a pointer to a structure of the kernel, typed by BTF. Plain members read as numbers, pointer members as
 * pointers again; loads are probing, so a pointer that went stale reads zero. Linux: check_ptr_to_btf_access().
 */
import { type Btf, type BtfType, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { ArgKind, RetKind } from '../../uapi/helper-kinds.ts';
import type { KindFacts } from '../call/arg/kinds.ts';
import { kindParameter } from '../call/arg/kinds.ts';
import type { CallMeta } from '../call/meta.ts';
import type { Env } from '../env.ts';
import { tnumText } from '../log/state.ts';
import type { Reg } from '../state/reg.ts';
import {
  ALLOC,
  BTF_PTR,
  MAYBE_NULL,
  MEM,
  NON_OWN_REF,
  PERCPU,
  RCU,
  RDONLY,
  TRUSTED,
  typeName,
  UNTRUSTED,
  USER,
} from '../state/types.ts';
import { recordOf } from '../structure/map-record.ts';
import { checkKernelWrite } from './kernel-write.ts';
import { type Access, answerUnknown, type PointerRule } from './rule.ts';
import { structsMatch } from './struct-match.ts';

/** Deepest nesting of structures that is followed. */
const MAX_DEPTH = 32;

/** Whether a pointer is known to be valid for as long as the program runs. */
export function isTrusted(r: Reg): boolean {
  if (r.refId) return true;
  const unsafe = PERCPU | USER | UNTRUSTED | RCU | MAYBE_NULL;
  return (r.type & (TRUSTED | ALLOC | NON_OWN_REF)) !== 0 && (r.type & unsafe) === 0;
}

export const btfPointer: PointerRule = {
  access(env, ptr, a) {
    const { regno } = a;
    if (!env.caps.perfmon) {
      env.reject(
        'EPERM',
        `'struct ${env.btfTypeName(ptr.aux2, ptr.aux)}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`,
      );
    }
    if (!env.input.gplCompatible && ptr.aux2 === 0) {
      env.reject(
        'EINVAL',
        `Cannot access kernel 'struct ${env.btfTypeName(0, ptr.aux)}' from non-GPL compatible program`,
      );
    }
    const name = () => env.btfTypeName(ptr.aux2, ptr.aux);
    if (a.off < 0) {
      env.reject('EACCES', `R${regno} is ptr_${name()} invalid negative access: off=${a.off}`);
    }
    if (!ptr.isVarZero) {
      env.reject(
        'EACCES',
        `R${regno} is ptr_${name()} invalid variable offset: off=${a.off}, var_off=${tnumText(ptr.value, ptr.mask)}`,
      );
    }
    if (ptr.type & (USER | PERCPU)) {
      const what = ptr.type & USER ? 'user' : 'percpu';
      env.reject('EACCES', `R${regno} is ptr_${name()} access ${what} memory: off=${a.off}`);
    }
    const owned = (ptr.type & ALLOC) !== 0 && !(ptr.type & UNTRUSTED);
    if (a.write && !owned) {
      checkKernelWrite(env, ptr, a);
      return;
    }
    if (ptr.type & ALLOC) {
      accessObject(env, a, ptr);
      return;
    }
    readStruct(env, a, ptr.aux2, ptr.aux, trustOf(env, ptr));
  },
};

/** An object of the program's own: numbers, and fields that the kernel keeps, which are out of reach. */
function accessObject(env: Env, a: Access, ptr: Reg): void {
  const btf = env.btfOf(ptr.aux2);
  for (const f of recordOf(env, ptr.aux2, ptr.aux).fields) {
    if (a.off < f.offset + f.size && f.offset < a.off + a.size) {
      env.reject('EACCES', `direct access to ${f.kind} is disallowed`);
    }
  }
  const found = walk(env, btf, ptr.aux, a.off, a.size);
  if (!a.write) env.faultable.add(env.pc);
  if (found === 'memory' && !a.write && a.valueRegno >= 0) env.reg(a.valueRegno).markPointer(MEM | RDONLY | UNTRUSTED);
  else answerUnknown(env, a);
}

/** What a pointer found in a structure inherits from the pointer to that structure. */
type Trust = 'untrusted' | 'plain' | 'trusted' | 'rcu';

/** Reads a member of structure `id` into the register that is loaded. */
export function readStruct(env: Env, a: Access, btfNo: number, id: number, trust: Trust): void {
  const found = walk(env, env.btfOf(btfNo), id, a.off, a.size);
  env.faultable.add(env.pc);
  if (found === null) {
    answerUnknown(env, a);
    return;
  }
  if (a.valueRegno < 0) return;
  const to = env.reg(a.valueRegno);
  if (found === 'memory') {
    to.markPointer(MEM | RDONLY | UNTRUSTED);
    return;
  }
  to.markPointer(BTF_PTR | inherited(env.btfTypeName(btfNo, id), found, trust));
  to.aux = found.id;
  to.aux2 = btfNo;
  if (to.mayBeNull) to.id = env.newId();
}

/** The flags of a pointer that was found in structure `owner`, or in what that contains. */
function inherited(owner: string, { member, flags }: Pointed, trust: Trust): number {
  if (trust === 'untrusted') return UNTRUSTED;
  const kept = flags & ~RCU;
  if (trust === 'plain') return kept;
  const how = KEPT_ALIVE[owner]?.[member];
  if (how === 'trusted') return kept | TRUSTED;
  if (how === 'trusted_or_null') return kept | TRUSTED | MAYBE_NULL;
  // Without an RCU section it may be gone by now.
  if (trust === 'trusted') return UNTRUSTED;
  if (how === 'rcu') return flags | RCU;
  if (how === 'rcu_or_null') return (flags & ~UNTRUSTED) | RCU | MAYBE_NULL;
  return flags & RCU ? flags | MAYBE_NULL : kept;
}

/**
 * Members that are valid while their owner is: for as long as the program runs, or for the RCU section. Linux lists them
 * by hand; these are what a walk over the arguments of every tracepoint and iterator of the reference kernel shows.
 */
const KEPT_ALIVE: Readonly<
  Record<string, Readonly<Record<string, 'trusted' | 'trusted_or_null' | 'rcu' | 'rcu_or_null'>>>
> = {
  task_struct: { cpus_ptr: 'rcu', cgroups: 'rcu', real_parent: 'rcu', group_leader: 'rcu' },
  cgroup: { kn: 'rcu' },
  css_set: { dfl_cgrp: 'rcu' },
  cgroup_subsys_state: { cgroup: 'rcu' },
  mm_struct: { exe_file: 'rcu_or_null' },
  sk_buff: { sk: 'rcu_or_null' },
  request_sock: { sk: 'rcu_or_null' },
  bpf_iter_meta: { seq: 'trusted' },
  linux_binprm: { file: 'trusted' },
  file: { f_inode: 'trusted' },
  dentry: { d_inode: 'trusted_or_null' },
};

function trustOf(env: Env, ptr: Reg): Trust {
  if (ptr.type & UNTRUSTED) return 'untrusted';
  if (!isTrusted(ptr) && !(ptr.type & RCU)) return 'plain';
  // Programs that cannot sleep run in an RCU section as a whole.
  return (env.cur.activeRcu || !env.cur.inSleepable) && !ptr.mayBeNull ? 'rcu' : 'trusted';
}

interface Pointed {
  readonly id: number;
  readonly flags: number;
  readonly member: string;
}

/** What is at `off` in structure `id`: a pointer to a structure, one to anything else, or null for what is a number. */
function walk(env: Env, btf: Btf, id: number, off: number, size: number): Pointed | 'memory' | null {
  // Which member of a union is the right one, nobody knows.
  let inUnion = false;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const t = resolve(btf, id);
    if (t.kind !== 'struct' && t.kind !== 'union') {
      env.reject('EACCES', `access beyond the end of member of type ${t.kind}`);
    }
    if (off + size > t.size) {
      const end = t.members.at(-1);
      const last = end ? resolve(btf, end.type) : undefined;
      // A structure that ends in an array without a length goes on.
      if (last?.kind !== 'array' || last.count !== 0 || off < end!.bitOffset / 8) {
        env.reject('EACCES', `access beyond struct ${t.name || '(anon)'} at off ${off} size ${size}`);
      }
      const element = resolve(btf, last.type);
      const step = sizeOf(btf, last.type);
      const inside = step > 0 ? (off - end!.bitOffset / 8) % step : 0;
      if (element.kind === 'int') return null;
      if (element.kind !== 'struct' && element.kind !== 'union') {
        env.reject('EACCES', `access beyond struct ${t.name || '(anon)'} at off ${off} size ${size}`);
      }
      id = skipModifiers(btf, last.type);
      off = inside;
      continue;
    }
    if (t.kind === 'union' && t.members.length !== 1) inUnion = true;
    const next = memberAt(env, btf, t, off, size, inUnion);
    if (next === null || next === 'memory') return next;
    if ('pointed' in next) return inUnion ? { ...next.pointed, flags: next.pointed.flags | UNTRUSTED } : next.pointed;
    id = next.id;
    off = next.off;
  }
  return null;
}

type Composite = Extract<BtfType, { kind: 'struct' | 'union' }>;

function memberAt(
  env: Env,
  btf: Btf,
  t: Composite,
  off: number,
  size: number,
  inUnion: boolean,
): { id: number; off: number } | { pointed: Pointed } | 'memory' | null {
  for (const m of t.members) {
    const start = m.bitOffset / 8;
    if (m.bitfieldSize) {
      const end = Math.ceil((m.bitOffset + m.bitfieldSize) / 8);
      if (off < end && off >= Math.floor(start)) return null;
      continue;
    }
    if (off + size <= start) break;
    let id = skipModifiers(btf, m.type);
    let mt = resolve(btf, id);
    const total = sizeOf(btf, id);
    if (off >= start + total) continue;
    let at = start;
    while (mt.kind === 'array') {
      const step = sizeOf(btf, mt.type);
      if (step === 0) return null;
      at += Math.floor((off - at) / step) * step;
      id = skipModifiers(btf, mt.type);
      mt = resolve(btf, id);
    }
    if (mt.kind === 'struct' || mt.kind === 'union') {
      return { id, off: off - at };
    }
    if (mt.kind === 'ptr') {
      if (size !== 8 || off !== at) {
        env.reject(
          'EACCES',
          `cannot access ptr member ${m.name} with moff ${at} in struct ${t.name || '(anon)'} with off ${off} size ${size}`,
        );
      }
      return pointerTo(btf, mt.type, m.name);
    }
    // Within an array of numbers any bytes may be read together.
    const end = start + total;
    if (off + size > end && !inUnion) {
      env.reject(
        'EACCES',
        `access beyond the end of member ${m.name} (mend:${end}) in struct ${t.name || '(anon)'} with off ${off} size ${size}`,
      );
    }
    return null;
  }
  env.reject('EINVAL', `struct ${t.name || '(anon)'} doesn't have field at offset ${off}`);
}

/** A pointer to a structure stays one; others lead to memory of which nothing is known. */
function pointerTo(btf: Btf, id: number, member: string): { pointed: Pointed } | 'memory' {
  let flags = 0;
  let at = id;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const t = btf.type(at);
    if (t?.kind === 'type_tag') {
      if (t.name === 'user') flags |= USER;
      if (t.name === 'percpu') flags |= PERCPU;
      if (t.name === 'rcu') flags |= RCU;
      at = t.type;
    } else if (t && (t.kind === 'const' || t.kind === 'volatile' || t.kind === 'restrict' || t.kind === 'typedef')) {
      at = t.type;
    } else {
      break;
    }
  }
  const pointed = btf.type(at);
  if (pointed?.kind !== 'struct' && pointed?.kind !== 'union') return 'memory';
  return { pointed: { id: at, flags, member } };
}

/** A helper's argument that must be, or may be, a BTF pointer. */
export function checkBtfArgument(
  env: Env,
  meta: CallMeta,
  regno: number,
  reg: Reg,
  kind: ArgKind,
  facts: KindFacts,
): void {
  if (kind === 'spin_lock' || kind === 'percpu_btf_id' || kind.startsWith('kptr_')) return;
  if (!kind.startsWith('btf_id')) {
    // As memory: only to be read.
    if (!facts.readOnly) {
      env.reject('EACCES', `bpf_${meta.name}() may write into memory pointed by R${regno} type=${typeName(reg.type)}`);
    }
    return;
  }
  const wanted = kind.startsWith('btf_id_sock_common') ? 'sock_common' : kindParameter(kind);
  expectStruct(env, regno, reg, env.kernelBtf.find(wanted, 'struct'));
}

/** Rejects where r(regno) does not point to the kernel's type `wanted`, or to a structure that begins with it. */
export function expectStruct(env: Env, regno: number, reg: Reg, wantedId: number): void {
  if (reg.aux2 !== 0 || !structsMatch(env, env.kernelBtf, reg.aux, reg.off, wantedId, false)) {
    const have = env.btfTypeName(reg.aux2, reg.aux);
    env.reject('EACCES', `R${regno} is of type ${have} but ${env.btfTypeName(0, wantedId)} is expected`);
  }
}

/** What a helper answers where that is a BTF pointer. */
export function answerBtf(env: Env, r0: Reg, ret: RetKind): void {
  const name = ret.slice(ret.indexOf(':') + 1);
  const id = env.kernelBtf.find(name, 'struct');
  if (!id) env.reject('EINVAL', `invalid return type ${name}`);
  const orNull = ret.startsWith('btf_id_or_null') ? MAYBE_NULL : 0;
  const trusted = ret.startsWith('trusted_') ? TRUSTED : 0;
  r0.markPointer(BTF_PTR | orNull | trusted);
  r0.aux = id;
  r0.aux2 = 0;
}

/**
 * 64-bit immediates that stand for a variable or function of the kernel, by its id in the kernel's BTF. All
 * are taken to have an address: which of them a kernel tells depends on its configuration. Linux: check_pseudo_btf_id().
 */
import { BtfError } from '../../base/errors.ts';
import { resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import { BTF_PTR, MEM, PERCPU, RDONLY } from '../state/types.ts';

const PERCPU_SECTION = '.data..percpu';

/** Before the walk: the id names a variable or function that has an address, of a type whose size is known. */
export function checkKernelVariable(env: Env, pc: number): void {
  const { insns } = env;
  const id = insns.imm[pc]!;
  const fd = insns.imm[pc + 1]!;
  const btf = fd === 0 ? env.kernelBtf : env.input.btfByFd?.(fd);
  if (!btf) env.reject('EINVAL', 'invalid module BTF object FD specified.');
  const t = btf.type(id);
  if (!t) env.reject('ENOENT', `ldimm64 insn specifies invalid btf_id ${id}.`);
  if (t.kind !== 'var' && t.kind !== 'func') {
    env.reject('EINVAL', `pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  }
  // There are no modules here: what other types name has no address.
  if (btf !== env.kernelBtf) {
    env.reject('ENOENT', `ldimm64 failed to find the address for kernel symbol '${t.name}'.`);
  }
  if (t.kind === 'func' || isPerCpu(env, id) || resolve(btf, t.type).kind === 'struct') return;
  try {
    sizeOf(btf, t.type);
  } catch (error) {
    if (!(error instanceof BtfError)) throw error;
    const pointed = resolve(btf, t.type);
    env.reject('EINVAL', `ldimm64 unable to resolve the size of type '${'name' in pointed ? pointed.name : ''}': -22`);
  }
}

/** What the register holds: a structure by its type, of every CPU its own; other things as memory only to be read. */
export function loadKernelVariable(env: Env, to: Reg): void {
  const btf = env.kernelBtf;
  const id = env.insns.imm[env.pc]!;
  const t = btf.type(id)!;
  if (t.kind !== 'var') {
    to.markPointer(MEM | RDONLY);
    return;
  }
  const percpu = isPerCpu(env, id);
  if (percpu || resolve(btf, t.type).kind === 'struct') {
    to.markPointer(percpu ? BTF_PTR | PERCPU : BTF_PTR);
    to.aux = skipModifiers(btf, t.type);
    to.aux2 = 0;
    return;
  }
  to.markPointer(MEM | RDONLY);
  to.aux = sizeOf(btf, t.type);
}

function isPerCpu(env: Env, id: number): boolean {
  const btf = env.kernelBtf;
  const section = btf.type(btf.find(PERCPU_SECTION, 'datasec'));
  return section?.kind === 'datasec' && section.vars.some((v) => v.type === id);
}

/**
 * CO-RE: makes a program that was compiled against one kernel's types fit another's. Each relocation names a type, a
 * path in it and a question (where is the field, how large, does it exist…); the answer from the target's BTF goes
 * into the instruction. What the target does not have becomes a call that the verifier refuses, so that a program
 * may carry code for several kernels as long as it branches around what is missing.
 *
 * Behaviour: libbpf's relo_core, which Linux follows too.
 */

import { view } from '../../base/bytes.ts';
import { BtfError } from '../../base/errors.ts';
import type { Btf } from '../btf.ts';
import { kindLabel } from '../kinds.ts';
import { resolve } from '../layout.ts';
import { type Access, isFieldKind, parseAccess } from './access.ts';
import { CORE_KIND_NAMES, CORE_TYPE_ID_LOCAL } from './kinds.ts';
import { candidates, matchAccess } from './match.ts';
import { patch, poison, type Resize } from './patch.ts';
import { type CoreValue, coreValue } from './value.ts';

/** What of a program is relocated: a ProgramSpec is one. */
export interface CoreProgram {
  readonly insns: Uint8Array;
  readonly coreRelocations: readonly CoreRequest[];
}

export interface CoreRequest {
  /** Slot of the instruction. */
  readonly pc: number;
  /** bpf_core_relo_kind */
  readonly kind: number;
  readonly typeId: number;
  readonly access: string;
}

/** What became of one relocation. */
export interface CoreOutcome {
  readonly pc: number;
  /** `byte_off`, `type_exists`…: libbpf's words. */
  readonly kind: string;
  /** `struct task_struct.pid` */
  readonly subject: string;
  /** What the instruction holds now; undefined where it was poisoned. */
  readonly value: bigint | undefined;
  /** Id of the type in the target that was chosen, 0 where none fits. */
  readonly targetTypeId: number;
}

/**
 * The program's instructions with every CO-RE relocation applied, and what was done. The program is not changed.
 * Throws BtfError where a relocation makes no sense, or where the target has two answers.
 */
export function relocateCore(
  program: CoreProgram,
  objectBtf: Btf,
  targetBtf: Btf,
): { insns: Uint8Array; outcomes: CoreOutcome[] } {
  const insns = program.insns.slice();
  const dv = view(insns);
  const outcomes = program.coreRelocations.map((r): CoreOutcome => {
    if (r.pc * 8 + 8 > insns.length) throw new BtfError(`a CO-RE relocation is at instruction ${r.pc}, past the end`);
    const local = localAccess(objectBtf, r);
    const found = findTarget(local, r, targetBtf);
    const outcome = { pc: r.pc, kind: CORE_KIND_NAMES[r.kind]!, subject: subject(local) };
    const before = coreValue(r.kind, local);
    if (before === undefined || found.value === undefined) {
      poison(dv, r.pc);
      return { ...outcome, value: undefined, targetTypeId: found.typeId };
    }
    const patched = patch(dv, r.pc, before, found.value, resize(local.btf, before, targetBtf, found.value));
    return { ...outcome, value: patched ? found.value.value : undefined, targetTypeId: found.typeId };
  });
  return { insns, outcomes };
}

function localAccess(btf: Btf, r: CoreRequest): Access {
  if (CORE_KIND_NAMES[r.kind] === undefined) {
    throw new BtfError(`the CO-RE relocation kind ${r.kind} is not known`, `instruction ${r.pc}`);
  }
  const root = btf.type(r.typeId);
  if (root === undefined) throw new BtfError(`a CO-RE relocation is of type [${r.typeId}], which does not exist`);
  if (root.name === '' && r.kind !== CORE_TYPE_ID_LOCAL) {
    throw new BtfError(
      `a CO-RE relocation is of a ${root.kind} without a name`,
      `instruction ${r.pc}, type [${r.typeId}]`,
    );
  }
  return parseAccess(btf, r.kind, r.typeId, r.access);
}

/** What every relocation of a program means in the target, where there is such a thing. */
export function coreTargets(
  program: CoreProgram,
  objectBtf: Btf,
  targetBtf: Btf,
): { readonly kind: number; readonly access: Access }[] {
  return program.coreRelocations.flatMap((r) => {
    const { access } = findTarget(localAccess(objectBtf, r), r, targetBtf);
    return access === undefined ? [] : [{ kind: r.kind, access }];
  });
}

/** The one answer that all fitting types of the target give. */
function findTarget(
  local: Access,
  r: CoreRequest,
  target: Btf,
): { typeId: number; access?: Access; value: CoreValue | undefined } {
  if (r.kind === CORE_TYPE_ID_LOCAL) return { typeId: 0, value: coreValue(r.kind, local) };
  let first: { access: Access; value: CoreValue | undefined } | undefined;
  for (const id of candidates(local.btf, local.rootId, target)) {
    const access = matchAccess(local, r.kind, target, id);
    if (access === undefined) continue;
    const value = coreValue(r.kind, access);
    first ??= { access, value };
    const differs = isFieldKind(r.kind)
      ? access.bitOffset !== first.access.bitOffset || value?.value !== first.value?.value
      : value?.value !== first.value?.value;
    if (differs) {
      throw new BtfError(
        `${subject(local)} is ambiguous: types [${first.access.rootId}] and [${id}] of the target differ in it`,
        `instruction ${r.pc}`,
      );
    }
  }
  if (first === undefined) return { typeId: 0, value: coreValue(r.kind, undefined) };
  return { typeId: first.access.rootId, access: first.access, value: first.value };
}

/** Whether an access may change its width: it extends with zeroes, so signed numbers must not. */
function resize(local: Btf, before: CoreValue, target: Btf, after: CoreValue): Resize {
  if (before.size === after.size) return 'same';
  const a = resolve(local, before.typeId);
  const b = resolve(target, after.typeId);
  if (a.kind === 'ptr' && b.kind === 'ptr') return 'allowed';
  return a.kind === 'int' && b.kind === 'int' && !a.signed && !b.signed ? 'allowed' : 'refused';
}

/** `struct task_struct.comm[0]`, for messages. */
function subject(access: Access): string {
  const root = access.btf.type(access.rootId)!;
  let text = root.kind === 'typedef' ? root.name : `${kindLabel(root.kind).toLowerCase()} ${root.name}`;
  if (access.enumerator) return `${text}::${access.enumerator.name}`;
  access.steps.forEach((step, i) => {
    if (step.name !== '') text += `.${step.name}`;
    else if (i > 0 || step.index > 0) text += `[${step.index}]`;
  });
  return text;
}

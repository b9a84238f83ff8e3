/**
 * Finds in the target what a relocation of the object is about: the types of the same name, and in each the same
 * field, by name, wherever it lies there.
 */
import type { Btf } from '../btf.ts';
import { resolve, sizeOf, skipModifiers } from '../layout.ts';
import {
  type Access,
  type Accessor,
  essentialName,
  isComposite,
  isEnum,
  isFieldKind,
  isFlexible,
  MAX_STEPS,
} from './access.ts';
import { fieldsCompatible, sameKind, typesCompatible, typesMatch } from './compatible.ts';
import { CORE_TYPE_MATCHES } from './kinds.ts';

/** Ids of the target's types that may be what the local root type stands for. */
export function candidates(local: Btf, rootId: number, target: Btf): number[] {
  const root = local.type(rootId)!;
  const name = essentialName(root.name);
  const named = [...target.findAll(name), ...(target.findFlavours?.(name) ?? [])];
  return named
    .filter((id) => {
      const t = target.type(id)!;
      return sameKind(root, t) && essentialName(t.name) === name;
    })
    .sort((a, b) => a - b);
}

/** The local access, redone in one candidate; undefined where it has no such thing. */
export function matchAccess(access: Access, kind: number, target: Btf, candidate: number): Access | undefined {
  const local = access.btf;
  const found = { btf: target, rootId: candidate, steps: [], bitOffset: 0, enumerator: undefined };
  if (isFieldKind(kind)) return matchField(access, target, candidate);
  const { enumerator } = access;
  if (enumerator !== undefined) {
    const t = resolve(target, candidate);
    const name = essentialName(enumerator.name);
    const value = isEnum(t) ? t.values.find((v) => essentialName(v.name) === name) : undefined;
    return value && { ...found, enumerator: { name: value.name, value: BigInt(value.value) } };
  }
  const fits = kind === CORE_TYPE_MATCHES ? typesMatch : typesCompatible;
  return fits(local, access.rootId, target, candidate) ? found : undefined;
}

function matchField(access: Access, target: Btf, candidate: number): Access | undefined {
  const steps: Accessor[] = [];
  let bitOffset = 0;
  let at = skipModifiers(target, candidate);
  for (const [i, step] of access.steps.entries()) {
    if (step.name !== '') {
      const found = findMember(access.btf, step, target, at, new Set());
      if (found === undefined) return undefined;
      steps.push({ typeId: found.ownerId, index: found.index, name: step.name });
      bitOffset += found.bitOffset;
      at = skipModifiers(target, found.typeId);
      continue;
    }
    if (i > 0) {
      const array = resolve(target, at);
      if (array.kind !== 'array') return undefined;
      if (step.index >= array.count && !isFlexible(target, steps.at(-1)!, array)) return undefined;
      at = skipModifiers(target, array.type);
    }
    steps.push({ typeId: at, index: step.index, name: '' });
    bitOffset += step.index * sizeOf(target, at) * 8;
  }
  return { btf: target, rootId: candidate, steps, bitOffset, enumerator: undefined };
}

interface FoundMember {
  readonly ownerId: number;
  readonly index: number;
  readonly typeId: number;
  readonly bitOffset: number;
}

/** The member of the local step's name, in the target's type or in what it has without a name. */
function findMember(
  local: Btf,
  step: Accessor,
  target: Btf,
  ownerId: number,
  searched: Set<number>,
): FoundMember | undefined {
  const owner = resolve(target, ownerId);
  if (!isComposite(owner) || searched.has(ownerId)) return undefined;
  searched.add(ownerId); // what was not there the first time is not there the second
  if (searched.size > MAX_STEPS) return undefined;
  for (const [index, m] of owner.members.entries()) {
    if (m.name === '') {
      const inside = findMember(local, step, target, skipModifiers(target, m.type), searched);
      if (inside !== undefined) return { ...inside, bitOffset: m.bitOffset + inside.bitOffset };
    } else if (m.name === step.name) {
      const localOwner = resolve(local, step.typeId);
      const localType = isComposite(localOwner) ? localOwner.members[step.index]!.type : 0;
      if (!fieldsCompatible(local, localType, target, m.type)) return undefined;
      return { ownerId, index, typeId: m.type, bitOffset: m.bitOffset };
    }
  }
  return undefined;
}

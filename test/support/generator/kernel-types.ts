/** The reference kernel's types, for statements that follow pointers into it. */
import { type BtfType, parseBtf, resolve } from '../../../src/btf/index.ts';
import { loadReferenceBtfBytes } from '../../../src/btf/reference/index.ts';
import type { Place } from './places.ts';
import type { Random } from './random.ts';

const KERNEL = parseBtf(await loadReferenceBtfBytes());

/** What lies at an offset of a structure: a number of so many bytes, or a pointer to a structure. */
export interface Field {
  off: number;
  size: number;
  pointsTo: string | undefined;
}

/** A field of the kernel's structure, of those that one load reads; undefined where there is none. */
export function kernelField(random: Random, struct: string): Field | undefined {
  const t = KERNEL.type(KERNEL.find(struct, 'struct'));
  if (t?.kind !== 'struct') return undefined;
  const fields = t.members.flatMap((member): Field[] => {
    if (member.bitfieldSize > 0 || member.bitOffset % 8 !== 0) return [];
    const field = fieldOf(resolve(KERNEL, member.type));
    return field === undefined ? [] : [{ off: member.bitOffset / 8, ...field }];
  });
  const pointers = fields.filter(({ pointsTo }) => pointsTo !== undefined);
  if (pointers.length > 0 && random.oneIn(2)) return random.pick(pointers);
  return fields.length > 0 ? random.pick(fields) : undefined;
}

function fieldOf(t: BtfType): Omit<Field, 'off'> | undefined {
  if (t.kind === 'int') return t.size <= 8 ? { size: t.size, pointsTo: undefined } : undefined;
  if (t.kind === 'enum') return { size: t.size, pointsTo: undefined };
  if (t.kind !== 'ptr') return undefined;
  const to = resolve(KERNEL, t.type);
  return { size: 8, pointsTo: to.kind === 'struct' && to.name !== '' ? to.name : undefined };
}

/** What a program at the place gets as arguments, eight bytes of its context each: structures pointed to. */
export function tracedArguments({ attachBtf, attachType }: Place): (string | undefined)[] {
  if (attachBtf === undefined) return [];
  let t = KERNEL.type(KERNEL.find(attachBtf, kindOf(attachBtf)));
  if (t?.kind === 'struct') t = KERNEL.type(t.members[attachType]?.type ?? 0);
  while (t !== undefined && t.kind !== 'func_proto' && 'type' in t) t = KERNEL.type(t.type);
  if (t?.kind !== 'func_proto') return [];
  const params = attachBtf.startsWith('btf_trace_') ? t.params.slice(1) : t.params;
  return params.map(({ type }) => fieldOf(resolve(KERNEL, type))?.pointsTo);
}

function kindOf(attachBtf: string): 'typedef' | 'func' | 'struct' {
  if (attachBtf.startsWith('btf_trace_')) return 'typedef';
  return attachBtf.startsWith('bpf_iter_') ? 'func' : 'struct';
}

export interface Parameter {
  name: string;
  /** Of a pointer: the structure it points to, '' for plain memory. */
  pointsTo: string | undefined;
}

export interface Prototype {
  params: readonly Parameter[];
  /** The structure pointed to by what it answers, '' for plain memory. */
  returns: string | undefined;
}

/** The prototype of a function of the kernel. */
export function kernelPrototype(name: string): Prototype | undefined {
  const func = KERNEL.type(KERNEL.find(name, 'func'));
  const proto = func?.kind === 'func' ? KERNEL.type(func.type) : undefined;
  if (proto?.kind !== 'func_proto') return undefined;
  const pointee = (type: number) => {
    const t = resolve(KERNEL, type);
    if (t.kind !== 'ptr') return undefined;
    const to = resolve(KERNEL, t.type);
    return to.kind === 'struct' ? to.name : '';
  };
  return {
    params: proto.params.map(({ name: param, type }) => ({ name: param, pointsTo: pointee(type) })),
    returns: pointee(proto.ret),
  };
}

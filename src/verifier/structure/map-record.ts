/**
 * Fields of a map's value that the kernel keeps, as the map's BTF says: locks, timers, kernel pointers, graph nodes.
 */

import { BtfError } from '../../base/errors.ts';
import { type Btf, resolve, sizeOf, skipModifiers } from '../../btf/index.ts';
import type { Env } from '../env.ts';
import type { VerifierMap } from '../program.ts';
import type { Reg } from '../state/reg.ts';
import { ALLOC, BTF_PTR, MAP_VALUE } from '../state/types.ts';

export interface MapField {
  /** The name that messages give it: bpf_spin_lock, kptr. */
  readonly kind: string;
  readonly offset: number;
  readonly size: number;
  readonly isKptr: boolean;
  /** Lists and trees: what they hold. */
  readonly root?: GraphRoot | undefined;
  /** Kptrs: the type pointed to, in the BTF of the field. */
  readonly pointee?: number | undefined;
}

/** What a list or tree holds: objects of this type, linked by the node at this offset. */
export interface GraphRoot {
  readonly typeId: number;
  readonly nodeOffset: number;
}

export interface MapRecord {
  readonly fields: readonly MapField[];
  /** Timers and the like, which outlive the call that sets them. */
  readonly hasAsyncFields: boolean;
}

const FIELD_TYPES: Record<string, string> = {
  bpf_spin_lock: 'bpf_spin_lock',
  bpf_res_spin_lock: 'bpf_res_spin_lock',
  bpf_timer: 'bpf_timer',
  bpf_wq: 'bpf_wq',
  bpf_task_work: 'bpf_task_work',
  bpf_list_head: 'bpf_list_head',
  bpf_list_node: 'bpf_list_node',
  bpf_rb_root: 'bpf_rb_root',
  bpf_rb_node: 'bpf_rb_node',
  bpf_refcount: 'bpf_refcount',
};
/** The reference kernel takes `uptr` for no field of its own: pointers tagged so are numbers to programs. */
const KPTR_TAGS: Record<string, string> = {
  kptr_untrusted: 'kptr_untrusted',
  kptr: 'kptr',
  percpu_kptr: 'percpu_kptr',
};
const ASYNC = new Set(['bpf_timer', 'bpf_wq', 'bpf_task_work']);
const MAX_DEPTH = 8;
/** With more of them Linux takes none of them for the kernel's: then nothing can be done with them. */
const MAX_FIELDS = 11;
/** So it does where there are two of one of these, or a list or tree that does not say what it holds. */
const ONCE = ['bpf_spin_lock', 'bpf_res_spin_lock', 'bpf_timer', 'bpf_wq', 'bpf_task_work', 'bpf_refcount'];

export function mapRecordOf(map: VerifierMap): MapRecord {
  const { btf, btfValueTypeId } = map;
  return btf && btfValueTypeId ? fieldsOf(btf, btfValueTypeId) : { fields: [], hasAsyncFields: false };
}

/** What is only looked for in map values. */
const MAPS_ONLY = new Set(['bpf_res_spin_lock', 'bpf_timer', 'bpf_wq', 'bpf_task_work']);

/** Fields of the kernel, ascending by offset: in a map's value, or in a structure that programs allocate. */
export function kernelFields(btf: Btf, id: number, place: 'map' | 'object'): readonly MapField[] {
  return fieldsOf(btf, id, place === 'map' ? undefined : MAPS_ONLY).fields;
}

/** Fields of the kernel in a structure that programs allocate: type `id` of BTF number `btf`. */
export function recordOf(env: Env, btf: number, id: number): MapRecord {
  const records = (env.records[btf] ??= new Map<number, MapRecord>());
  let known = records.get(id);
  if (!known) {
    known = fieldsOf(env.btfOf(btf), id, MAPS_ONLY);
    records.set(id, known);
  }
  return known;
}

/** Fields of the kernel in a structure, or in the variables of a section, but for those that do not count there. */
function fieldsOf(btf: Btf, id: number, without: ReadonlySet<string> = new Set()): MapRecord {
  const found: MapField[] = [];
  if (id) {
    try {
      collect(btf, id, 0, found, 0);
    } catch (error) {
      // Map creation has refused such BTF already.
      if (!(error instanceof BtfError)) throw error;
    }
  }
  const fields = found.filter((f) => !without.has(f.kind));
  const twice = ONCE.some((kind) => fields.filter((f) => f.kind === kind).length > 1);
  const homeless = fields.some((f) => NODE_OF[f.kind] !== undefined && f.root === undefined);
  if (fields.length > MAX_FIELDS || twice || homeless) return { fields: [], hasAsyncFields: false };
  fields.sort((a, b) => a.offset - b.offset);
  return { fields, hasAsyncFields: fields.some((f) => ASYNC.has(f.kind)) };
}

const CONTAINS = 'contains:';

/** The `contains:TYPE:FIELD` tag of a member or variable: what the list or tree in it holds. */
function rootOf(btf: Btf, kind: string, tagged: number, component: number): GraphRoot | undefined {
  for (const id of btf.declTags()) {
    const tag = btf.type(id);
    if (tag?.kind !== 'decl_tag' || tag.type !== tagged || tag.component !== component) continue;
    if (!tag.name.startsWith(CONTAINS)) continue;
    const [type = '', field = ''] = tag.name.slice(CONTAINS.length).split(':');
    const typeId = btf.find(type, 'struct');
    const t = btf.type(typeId);
    const node = t?.kind === 'struct' ? t.members.find((m) => m.name === field) : undefined;
    if (!node || resolve(btf, node.type).name !== NODE_OF[kind]) return undefined;
    return { typeId, nodeOffset: node.bitOffset / 8 };
  }
  return undefined;
}

/** What links the objects of a list or tree. */
const NODE_OF: Readonly<Record<string, string>> = { bpf_list_head: 'bpf_list_node', bpf_rb_root: 'bpf_rb_node' };

/** `tagged` and `component` say where declaration tags of what is looked at hang. */
function collect(btf: Btf, id: number, base: number, out: MapField[], depth: number, tagged = 0, component = -1): void {
  if (depth > MAX_DEPTH || out.length > MAX_FIELDS) return;
  const t = resolve(btf, id);
  if (t.kind === 'struct') {
    const kind = FIELD_TYPES[t.name];
    if (kind) {
      const root = kind in NODE_OF ? rootOf(btf, kind, tagged, component) : undefined;
      out.push({ kind, offset: base, size: t.size, isKptr: false, root });
      return;
    }
    const self = skipModifiers(btf, id);
    for (const [k, m] of t.members.entries()) {
      collect(btf, m.type, base + m.bitOffset / 8, out, depth + 1, self, k);
    }
  } else if (t.kind === 'datasec') {
    for (const v of t.vars) {
      const variable = btf.type(v.type);
      if (variable?.kind === 'var') collect(btf, variable.type, base + v.offset, out, depth + 1, v.type);
    }
  } else if (t.kind === 'array') {
    const element = resolve(btf, t.type);
    if (element.kind !== 'struct' && element.kind !== 'ptr' && element.kind !== 'array') return;
    const size = sizeOf(btf, t.type);
    for (let k = 0; k < Math.min(t.count, MAX_FIELDS + 1); k++)
      collect(btf, t.type, base + k * size, out, depth + 1, tagged, component);
  } else if (t.kind === 'ptr') {
    const pointed = btf.type(skipUntilTag(btf, t.type));
    const tag = pointed?.kind === 'type_tag' ? KPTR_TAGS[pointed.name] : undefined;
    if (tag && pointed?.kind === 'type_tag') {
      out.push({ kind: tag, offset: base, size: 8, isKptr: true, pointee: pointed.type });
    }
  }
}

function skipUntilTag(btf: Btf, id: number): number {
  const t = btf.type(id);
  return t && (t.kind === 'const' || t.kind === 'volatile') ? t.type : id;
}

/** The register number of a map, added to the list where it is new. */
export function mapIndexOf(env: Env, map: VerifierMap): number {
  const at = env.maps.indexOf(map);
  if (at >= 0) return at;
  env.maps.push(map);
  return env.maps.length - 1;
}

/** A load or store, or a helper, touches bytes of a value: fields of the kernel must not be among them. */
export function checkFields(env: Env, ptr: Reg, off: number, size: number, direct: boolean): void {
  const { fields } = env.mapRecord(ptr.aux);
  if (fields.length === 0) return;
  const from = ptr.smin + BigInt(off);
  const to = ptr.umax + BigInt(off + size);
  for (const f of fields) {
    const name = f.kind === 'kptr_untrusted' ? 'kptr' : f.kind;
    if (!(from < BigInt(f.offset + f.size) && BigInt(f.offset) < to)) continue;
    if (!f.isKptr) env.reject('EACCES', `${name} cannot be accessed directly by load/store`);
    if (!direct) env.reject('EACCES', `${name} cannot be accessed indirectly by helper`);
    if (!ptr.isConst) env.reject('EACCES', `${name} access cannot have variable offset`);
    const at = BigInt(off) + ptr.value;
    if (BigInt(f.offset) !== at) {
      env.reject('EACCES', `${name} access misaligned expected=${f.offset} off=${at}`);
    }
    if (size !== 8) env.reject('EACCES', `${name} access size must be BPF_DW`);
  }
}

export function fieldAt(env: Env, index: number, offset: number): MapField | undefined {
  return env.mapRecord(index).fields.find((f) => f.offset === offset);
}

/** Pointers that keep their id when known not to be NULL: which object a lock belongs to matters. */
export function mayHoldLock(env: Env, reg: Reg): boolean {
  if (reg.base === MAP_VALUE) {
    return env.mapRecord(reg.aux).fields.some((f) => f.kind === 'bpf_spin_lock' || f.kind === 'bpf_res_spin_lock');
  }
  if (reg.base !== BTF_PTR || !(reg.type & ALLOC)) return false;
  const { fields } = recordOf(env, reg.aux2, reg.aux);
  return fields.some((f) => f.kind === 'bpf_spin_lock' || f.kind === 'bpf_res_spin_lock');
}

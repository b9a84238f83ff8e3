/**
 * Structures of which programs may allocate objects that the kernel has to know: those that hold a lock, a list, a tree, a
 * node of one, or a pointer to a structure (kptr). BPF_BTF_LOAD refuses BTF in which one of them cannot be.
 *
 * Linux: btf_parse_struct_metas(), btf_check_and_fixup_fields().
 */
import { EFAULT, ELOOP } from '../base/errno.ts';
import type { Btf } from './btf.ts';
import { type KernelField, KPTR_TAGS, kernelFieldFinder, kernelFields, OBJECT_FIELDS } from './kernel-fields.ts';
import { resolve } from './layout.ts';

const TELLING = ['bpf_spin_lock', 'bpf_list_head', 'bpf_list_node', 'bpf_rb_root', 'bpf_rb_node', 'bpf_refcount'];

/** What the kernel keeps in objects of structure `id`: nothing where it is not one of these structures. */
export function objectFields(btf: Btf, id: number): KernelField[] {
  const fields = isObjectType(btf, id, tellingTypes(btf)) ? kernelFields(btf, id, OBJECT_FIELDS) : 0;
  return typeof fields === 'number' ? [] : fields;
}

/** The errno (positive) of BPF_BTF_LOAD, or 0. */
export function objectTypesError(btf: Btf): number {
  const telling = tellingTypes(btf);
  const find = kernelFieldFinder(btf, OBJECT_FIELDS);
  const records = new Map<number, KernelField[]>();
  for (let id = btf.base?.count ?? 1; id < btf.count; id++) {
    if (!isObjectType(btf, id, telling)) continue;
    const fields = find(id);
    if (typeof fields === 'number') return fields;
    if (fields.length === 0) return EFAULT;
    records.set(id, fields);
  }
  for (const fields of records.values()) {
    const held = fields.flatMap(({ root }) => (root ? [records.get(root.typeId)] : []));
    if (held.includes(undefined)) return EFAULT;
    // Objects that are held by one may hold others, which then hold none.
    if (fields.some(isNode) && held.some((record) => record?.some(({ root }) => root))) return ELOOP;
  }
  return 0;
}

const isNode = ({ kind }: KernelField): boolean => kind === 'bpf_list_node' || kind === 'bpf_rb_node';

const tellingTypes = (btf: Btf): ReadonlySet<number> =>
  new Set(TELLING.map((name) => btf.find(name, 'struct')).filter((id) => id !== 0));

function isObjectType(btf: Btf, id: number, telling: ReadonlySet<number>): boolean {
  const t = btf.type(id);
  return t?.kind === 'struct' && t.members.some((m) => telling.has(m.type) || isKptr(btf, m.type));
}

function isKptr(btf: Btf, id: number): boolean {
  const t = btf.type(id);
  const tag = t?.kind === 'ptr' ? btf.type(t.type) : undefined;
  return tag?.kind === 'type_tag' && KPTR_TAGS.has(tag.name) && resolve(btf, tag.type).kind === 'struct';
}

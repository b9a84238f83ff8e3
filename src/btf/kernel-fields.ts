/**
 * Parts of a structure that the kernel keeps for itself: locks, timers, lists and trees and their nodes, pointers of the
 * kernel's (kptr). They are told by the names of their types, or by a tag on the pointer; typedefs hide them.
 *
 * Linux: btf_parse_fields().
 */
import { E2BIG, EEXIST, EFAULT, EINVAL, ENOENT } from '../base/errno.ts';
import { BtfError } from '../base/errors.ts';
import type { Btf, BtfType } from './btf.ts';
import { resolve, skipModifiers } from './layout.ts';

export type KernelFieldKind = keyof typeof PARTS | 'kptr' | 'kptr_untrusted' | 'percpu_kptr' | 'uptr';

export interface KernelField {
  readonly kind: KernelFieldKind;
  /** In bytes. */
  readonly offset: number;
  readonly size: number;
  /** Lists and trees: what they hold. */
  readonly root?: GraphRoot;
  /** Pointers: the type pointed to. */
  readonly pointee?: number;
}

/** What a list or tree holds: objects of this type, linked by the node at this offset. */
export interface GraphRoot {
  readonly typeId: number;
  readonly nodeOffset: number;
}

/** Name of the type -> its size and alignment; `once`: a structure has one of them; `list`: an array may hold them. */
const PARTS = {
  bpf_spin_lock: { size: 4, align: 4, once: true, list: false },
  bpf_res_spin_lock: { size: 4, align: 4, once: true, list: false },
  bpf_timer: { size: 16, align: 8, once: true, list: false },
  bpf_wq: { size: 16, align: 8, once: true, list: false },
  bpf_task_work: { size: 8, align: 8, once: true, list: false },
  bpf_refcount: { size: 4, align: 4, once: false, list: false },
  bpf_list_head: { size: 16, align: 8, once: false, list: true },
  bpf_list_node: { size: 24, align: 8, once: false, list: false },
  bpf_rb_root: { size: 16, align: 8, once: false, list: true },
  bpf_rb_node: { size: 32, align: 8, once: false, list: false },
} as const;

/** Tags of pointers that are the kernel's. */
export const KPTR_TAGS: ReadonlySet<string> = new Set(['kptr', 'kptr_untrusted', 'percpu_kptr']);
const POINTER_SIZE = 8;
/** What links the objects of a list or tree. */
const NODE_OF = { bpf_list_head: 'bpf_list_node', bpf_rb_root: 'bpf_rb_node' } as const;
const CONTAINS = 'contains:';
/** BTF_FIELDS_MAX of Linux. */
const MAX_FIELDS = 11;
const MAX_NESTING = 32;

/** What is looked for in values of maps, and in structures of which programs allocate objects. */
export const MAP_FIELDS: ReadonlySet<KernelFieldKind> = new Set([
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'bpf_timer',
  'bpf_wq',
  'bpf_task_work',
  'bpf_refcount',
  'bpf_list_head',
  'bpf_rb_root',
  'kptr',
  'uptr',
]);
export const OBJECT_FIELDS: ReadonlySet<KernelFieldKind> = new Set([
  'bpf_spin_lock',
  'bpf_res_spin_lock',
  'bpf_refcount',
  'bpf_list_head',
  'bpf_list_node',
  'bpf_rb_root',
  'bpf_rb_node',
  'kptr',
]);

type RootKind = keyof typeof NODE_OF;
const isRoot = (kind: string): kind is RootKind => Object.hasOwn(NODE_OF, kind);

/** A member of a structure, or a variable (component -1). */
interface Place {
  readonly id: number;
  /** Of a variable; 0 where only the type says it. */
  readonly size: number;
  readonly offset: number;
  /** Whose declaration tags tell of it. */
  readonly of: number;
  readonly component: number;
}

/** How a search ends early. Thrown and caught here only. */
class Fault extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super();
    this.errno = errno;
  }
}

/**
 * Looks for those of `wanted` in a structure, or in the variables of a section. The answer is ascending by offset; or an
 * errno (positive) where they cannot be so. `kptr` stands for all tagged pointers but `uptr`.
 */
export function kernelFieldFinder(
  btf: Btf,
  wanted: ReadonlySet<KernelFieldKind>,
): (id: number) => KernelField[] | number {
  const search = new Search(btf, wanted);
  return (id) => {
    try {
      const at = skipModifiers(btf, id);
      const t = btf.type(at);
      const found = search.in(at, 0);
      checkTogether(found, t && 'size' in t ? t.size : 0);
      return found.toSorted((a, b) => a.offset - b.offset);
    } catch (error) {
      if (error instanceof Fault) return error.errno;
      if (error instanceof BtfError) return EINVAL;
      throw error;
    }
  };
}

/** For one structure. */
export function kernelFields(btf: Btf, id: number, wanted: ReadonlySet<KernelFieldKind>): KernelField[] | number {
  return kernelFieldFinder(btf, wanted)(id);
}

/** What was found is kept: structures may lie in many others, and hostile ones do. */
class Search {
  readonly #btf: Btf;
  readonly #wanted: ReadonlySet<KernelFieldKind>;
  readonly #known = new Map<number, readonly KernelField[]>();
  readonly #roots = new Map<string, GraphRoot>();
  #tags: ReadonlyMap<string, string> | undefined;

  constructor(btf: Btf, wanted: ReadonlySet<KernelFieldKind>) {
    this.#btf = btf;
    this.#wanted = wanted;
  }

  /** Offsets are from the start of type `id`. */
  in(id: number, depth: number): readonly KernelField[] {
    if (depth > MAX_NESTING) throw new Fault(E2BIG);
    const known = this.#known.get(id);
    if (known) return known;
    const t = this.#btf.type(id);
    const found: KernelField[] = [];
    const seen = new Set<string>();
    if (t?.kind === 'struct') {
      for (const [k, m] of t.members.entries()) {
        // Bit fields are in the way where they do not begin with a byte.
        if (m.bitOffset % 8 !== 0) throw new Fault(EINVAL);
        this.#look({ id: m.type, size: 0, offset: m.bitOffset / 8, of: id, component: k }, seen, depth, found);
      }
    } else if (t?.kind === 'datasec') {
      for (const v of t.vars) {
        const variable = this.#btf.type(v.type);
        if (variable?.kind !== 'var') continue;
        const place = { id: variable.type, size: v.size, offset: v.offset, of: v.type, component: -1 };
        this.#look(place, seen, depth, found);
      }
    }
    this.#known.set(id, found);
    return found;
  }

  /** Adds what is in one member or variable. */
  #look(place: Place, seen: Set<string>, depth: number, found: KernelField[]): void {
    const more = this.#at(place, seen, depth);
    if (found.length + more.length > MAX_FIELDS) throw new Fault(E2BIG);
    found.push(...more);
  }

  #at(place: Place, seen: Set<string>, depth: number): readonly KernelField[] {
    const { size, offset } = place;
    const btf = this.#btf;
    let { id } = place;
    let count = 1;
    for (let array = btf.type(id); array?.kind === 'array'; array = btf.type(id)) {
      count *= array.count;
      id = array.type;
    }
    const t = btf.type(id);
    if (!t || count === 0) return [];
    const part = this.#partOf(t);
    if (part !== undefined) {
      const { once, list, align, size: own } = PARTS[part];
      if (once && seen.has(part)) throw new Fault(E2BIG);
      seen.add(part);
      if (t.kind !== 'struct' || t.size !== own || offset % align !== 0) return [];
      if (size !== 0 && size !== own * count) return [];
      const root = isRoot(part) ? { root: this.#rootOf(part, place) } : {};
      return repeated([{ kind: part, offset, size: own, ...root }], count, own, list);
    }
    if (t.kind === 'struct') {
      const inside = this.in(id, depth + 1).map((f) => ({ ...f, offset: f.offset + offset }));
      return repeated(inside, count, t.size, inside.every(isListed));
    }
    const pointer = t.kind === 'ptr' && offset % POINTER_SIZE === 0 ? this.#pointer(t.type, offset) : undefined;
    return pointer ? repeated([pointer], count, POINTER_SIZE, true) : [];
  }

  /** What is said behind `contains:` of members and variables. */
  get #contents(): ReadonlyMap<string, string> {
    if (this.#tags) return this.#tags;
    const tags = new Map<string, string>();
    for (const id of this.#btf.declTags()) {
      const tag = this.#btf.type(id);
      if (tag?.kind !== 'decl_tag' || !tag.name.startsWith(CONTAINS)) continue;
      const key = `${tag.type} ${tag.component}`;
      if (!tags.has(key)) tags.set(key, tag.name.slice(CONTAINS.length));
    }
    return (this.#tags = tags);
  }

  /** `TYPE:FIELD`: objects of the structure TYPE, by their node FIELD. */
  #rootOf(kind: RootKind, { of, component }: Place): GraphRoot {
    const contains = this.#contents.get(`${of} ${component}`);
    const key = `${kind} ${contains}`;
    let root = this.#roots.get(key);
    if (!root) this.#roots.set(key, (root = rootNamed(this.#btf, kind, contains)));
    return root;
  }
  #partOf(t: BtfType): keyof typeof PARTS | undefined {
    return Object.hasOwn(PARTS, t.name) && this.#wanted.has(t.name as keyof typeof PARTS)
      ? (t.name as keyof typeof PARTS)
      : undefined;
  }

  /** `id` is what is pointed to. */
  #pointer(id: number, offset: number): KernelField | undefined {
    const btf = this.#btf;
    const tag = btf.type(id);
    if (tag?.kind !== 'type_tag' || !this.#wanted.has('kptr')) return undefined;
    if (!(KPTR_TAGS.has(tag.name) || tag.name === 'uptr') || btf.type(tag.type)?.kind === 'type_tag')
      throw new Fault(EINVAL);
    const kind = tag.name as KernelFieldKind;
    if (kind === 'uptr' && !this.#wanted.has('uptr')) return undefined;
    if (resolve(btf, tag.type).kind !== 'struct') throw new Fault(EINVAL);
    return { kind, offset, size: POINTER_SIZE, pointee: skipModifiers(btf, tag.type) };
  }
}

const isListed = ({ kind }: KernelField): boolean =>
  !Object.hasOwn(PARTS, kind) || PARTS[kind as keyof typeof PARTS].list;

/** The fields of each of `count` elements of `step` bytes. */
function repeated(fields: KernelField[], count: number, step: number, mayRepeat: boolean): KernelField[] {
  if (count === 1 || fields.length === 0) return fields;
  if (!mayRepeat) throw new Fault(EINVAL);
  if (fields.length * count > MAX_FIELDS) throw new Fault(E2BIG);
  return Array.from({ length: count }, (_, k) => fields.map((f) => ({ ...f, offset: f.offset + k * step }))).flat();
}

function rootNamed(btf: Btf, kind: RootKind, contains: string | undefined): GraphRoot {
  const [type = '', field = ''] = contains?.split(':') ?? [];
  if (type === '' || field === '') throw new Fault(EINVAL);
  const typeId = btf.find(type, 'struct');
  const t = btf.type(typeId);
  if (t?.kind !== 'struct') throw new Fault(ENOENT);
  const node = t.members.find((m) => m.name === field);
  if (!node) throw new Fault(ENOENT);
  const of = btf.type(node.type);
  const { size, align } = PARTS[NODE_OF[kind]];
  if (of?.kind !== 'struct' || of.name !== NODE_OF[kind] || of.size !== size || node.bitOffset % (8 * align) !== 0) {
    throw new Fault(EINVAL);
  }
  return { typeId, nodeOffset: node.bitOffset / 8 };
}

/** Fields lie apart and inside; lists and trees have a lock; who counts no references is in one list or tree. */
function checkTogether(fields: readonly KernelField[], size: number): void {
  let end = 0;
  for (const f of fields) {
    if (f.offset + f.size > size) throw new Fault(EFAULT);
    if (f.offset < end) throw new Fault(EEXIST);
    end = f.offset + f.size;
  }
  const has = (kind: KernelFieldKind) => fields.some((f) => f.kind === kind);
  const locks = [has('bpf_spin_lock'), has('bpf_res_spin_lock')];
  if (locks.every(Boolean)) throw new Fault(EINVAL);
  if ((has('bpf_list_head') || has('bpf_rb_root')) && !locks.some(Boolean)) throw new Fault(EINVAL);
  if (has('bpf_list_node') && has('bpf_rb_node') && !has('bpf_refcount')) throw new Fault(EINVAL);
}

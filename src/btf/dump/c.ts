/**
 * `btf dump … format c`: a header that declares the types, every one where C can compile it. Text and order are
 * those of bpftool 7.8.
 */
import { BtfError } from '../../base/errors.ts';
import type { Btf, BtfType } from '../btf.ts';
import { CDeclarations } from './c-decl.ts';
import { CNames } from './c-names.ts';
import { COrder } from './c-order.ts';
import { sortedIds } from './c-sort.ts';

export interface DumpCOptions {
  /** By kind and name, so that the headers of two kernels compare well (bpftool's default since 7.5). Default true. */
  readonly sorted?: boolean;
  /** These types and what they need; without any, all. */
  readonly roots?: readonly number[];
}

const HEADER = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__

#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

#ifndef __weak
#define __weak __attribute__((weak))
#endif

#ifndef __bpf_fastcall
#if __has_attribute(bpf_fastcall)
#define __bpf_fastcall __attribute__((bpf_fastcall))
#else
#define __bpf_fastcall
#endif
#endif

`;

const FOOTER = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif

#endif /* __VMLINUX_H__ */
`;

/** The whole header, from its include guard to the end of it. Throws BtfError for types that C cannot declare (a struct that contains itself). */
export function dumpC(btf: Btf, options: DumpCOptions = {}): string {
  const { sorted = true, roots = [] } = options;
  const isWhole = roots.length === 0;
  const emitter = new CEmitter(btf);
  const all = () => (sorted ? sortedIds(btf) : Array.from({ length: btf.count - 1 }, (_, i) => i + 1));
  for (const id of isWhole ? all() : roots) emitter.define(id);
  const kfuncs = isWhole ? kfuncPrototypes(btf, emitter.declarations) : '';
  return HEADER + emitter.text() + kfuncs + FOOTER;
}

/** Kernel functions that programs may call, as declarations. */
function kfuncPrototypes(btf: Btf, declarations: CDeclarations): string {
  let text = '\n/* BPF kfuncs */\n#ifndef BPF_NO_KFUNC_PROTOTYPES\n';
  const fast = taggedTypes(btf, 'bpf_fastcall');
  for (const id of taggedTypes(btf, 'bpf_kfunc')) {
    const func = btf.type(id);
    if (func?.kind !== 'func') continue;
    const attribute = fast.has(id) ? '__bpf_fastcall ' : '';
    text += `extern ${attribute}${declarations.declare(func.type, func.name)} __weak __ksym;\n`;
  }
  return `${text}#endif\n\n`;
}

/** Types with a declaration tag, in the order of the tags. */
function taggedTypes(btf: Btf, tag: string): Set<number> {
  const found = new Set<number>();
  for (let id = 1; id < btf.count; id++) {
    const t = btf.type(id)!;
    if (t.kind === 'decl_tag' && t.name === tag) found.add(t.type);
  }
  return found;
}

/** Integer types that some compilers build in and others have to be told of. */
const ALIASES: Record<string, string> = {
  __Poly8_t: 'unsigned char',
  __Poly16_t: 'unsigned short',
  __Poly64_t: 'unsigned long long',
  __Poly128_t: 'unsigned __int128',
};

/** Function types within each other could multiply without end; all of the kernel's types take 62,068. */
const MAX_STEPS = 5_000_000;

type Progress = 'begun' | 'done';

/** Writes definitions, with declarations of what they point to before them. */
class CEmitter {
  readonly declarations: CDeclarations;
  readonly #btf: Btf;
  readonly #order: COrder;
  readonly #progress = new Map<number, Progress>([[0, 'done']]);
  /** Structs and unions that have been declared, typedefs that have been written, before their turn. */
  readonly #declared = new Set<number>();
  readonly #pieces: string[] = [];
  #steps = 0;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#order = new COrder(btf);
    this.declarations = new CDeclarations(btf, new CNames());
  }

  /** Writes the type and everything it needs, unless that has been done. */
  define(id: number): void {
    for (const next of this.#order.before(id)) this.#emit(next, 0);
  }

  text(): string {
    return this.#pieces.join('');
  }

  #write(declaration: string): void {
    this.#pieces.push(declaration, ';\n\n');
  }

  /** `user` is the definition that is being prepared and needs this type, 0 at the top. */
  #emit(id: number, user: number): void {
    const progress = this.#progress.get(id);
    if (progress === 'done') return;
    if (++this.#steps > MAX_STEPS)
      throw new BtfError('types refer to each other too often to be declared', `type [${id}]`);
    const t = this.#btf.type(id)!;
    if (progress === 'begun') return this.#emitAgain(id, t, user);
    switch (t.kind) {
      case 'int':
        if (ALIASES[t.name] !== undefined) this.#write(`typedef ${ALIASES[t.name]} ${t.name}`);
        this.#progress.set(id, 'done');
        break;
      case 'enum':
      case 'enum64':
        if (user === 0) this.#write(this.declarations.enum(id, t, 0));
        this.#progress.set(id, 'done');
        break;
      case 'fwd':
        this.#write(this.declarations.forward(id, t));
        this.#progress.set(id, 'done');
        break;
      case 'ptr':
      case 'volatile':
      case 'const':
      case 'restrict':
      case 'type_tag':
      case 'array':
        this.#emit(t.type, user);
        break;
      case 'typedef':
        this.#progress.set(id, 'begun');
        this.#emit(t.type, id);
        this.#typedef(id, t);
        this.#progress.set(id, 'done');
        break;
      case 'struct':
      case 'union':
        this.#struct(id, t, user);
        break;
      case 'func_proto':
        this.#emit(t.ret, user);
        for (const p of t.params) this.#emit(p.type, user);
    }
  }

  #struct(id: number, t: Extract<BtfType, { kind: 'struct' | 'union' }>, user: number): void {
    this.#progress.set(id, 'begun');
    if (user === 0 || t.name === '') {
      for (const m of t.members) this.#emit(m.type, t.name === '' ? user : id);
    } else if (id !== user) {
      this.#declare(id, t);
    }
    if (user !== 0) {
      this.#progress.delete(id);
      return;
    }
    this.#write(this.declarations.struct(id, t, 0));
    this.#progress.set(id, 'done');
  }

  /** A type that is met while it is being written: a declaration has to do. */
  #emitAgain(id: number, t: BtfType, user: number): void {
    if (t.kind === 'typedef') this.#typedef(id, t);
    else if ((t.kind === 'struct' || t.kind === 'union') && id !== user && t.name !== '') this.#declare(id, t);
  }

  #declare(id: number, t: Extract<BtfType, { kind: 'struct' | 'union' }>): void {
    if (this.#declared.has(id)) return;
    this.#declared.add(id);
    this.#write(this.declarations.tag(id, t));
  }

  #typedef(id: number, t: Extract<BtfType, { kind: 'typedef' }>): void {
    if (this.#declared.has(id)) return;
    this.#declared.add(id);
    // the compiler knows this one
    if (t.name !== '__builtin_va_list') this.#write(this.declarations.typedef(id, t));
  }
}

/**
 * Types of an example, declared as C does it:
 *
 *     struct node { long key; struct bpf_rb_node link; };
 *     struct value { struct bpf_spin_lock lock; struct bpf_rb_root root __contains(node, link); };
 *     static int less(struct bpf_rb_node *a, const struct bpf_rb_node *b);
 *     int main(struct xdp_md *ctx) __exception_cb(handle);
 *
 * `__kptr` and the like after a `*` are type tags, `__arg_X` and `__contains` declaration tags. Contexts and the
 * kernel's own parts of structures (bpf_spin_lock, bpf_timer …) are known.
 */
import { BtfBuilder } from '../../src/btf/index.ts';

/** Structures that need no declaration: contexts, and what the kernel keeps in structures of programs. */
const KNOWN: Readonly<Record<string, string>> = {
  xdp_md: 'u32 data',
  __sk_buff: 'u32 len',
  bpf_spin_lock: 'u32 val',
  bpf_res_spin_lock: 'u32 val',
  bpf_refcount: 'u32 opaque',
  bpf_timer: 'u64 opaque[2]',
  bpf_wq: 'u64 opaque[2]',
  bpf_task_work: 'u64 opaque',
  bpf_list_head: 'u64 opaque[2]',
  bpf_list_node: 'u64 opaque[3]',
  bpf_rb_root: 'u64 opaque[2]',
  bpf_rb_node: 'u64 opaque[4]',
  bpf_dynptr: 'u64 opaque[2]',
};
const INTS: Readonly<Record<string, readonly [size: number, encoding: 'signed' | 'unsigned' | 'char' | 'bool']>> = {
  char: [1, 'char'],
  bool: [1, 'bool'],
  short: [2, 'signed'],
  int: [4, 'signed'],
  long: [8, 'signed'],
  u8: [1, 'unsigned'],
  u16: [2, 'unsigned'],
  u32: [4, 'unsigned'],
  u64: [8, 'unsigned'],
};
const LINKAGE = { static: 0, global: 1 } as const;
const ARG_TAG = '__arg_';

interface Place {
  readonly id: number;
  readonly size: number;
  readonly align: number;
}

export class Types {
  readonly btf = new BtfBuilder();
  /** Functions that are declared, and structures, by name: their ids. */
  readonly functions = new Map<string, number>();
  readonly structs = new Map<string, Place>();
  readonly #ints = new Map<string, number>();
  #tokens: string[] = [];
  #at = 0;

  constructor(text: string) {
    for (const key of ['int', 'u32']) this.#int(key); // what keys of maps are
    this.#read(text);
  }

  /** `static int name(void *a)`, for functions of which nothing is said. */
  addFunction(name: string): number {
    this.#read(`static int ${name}(void *a);`);
    return this.functions.get(name)!;
  }

  /** Id of a number's type. */
  int(name: string): number {
    return this.#int(name).id;
  }

  #read(text: string): void {
    const outer = { tokens: this.#tokens, at: this.#at };
    this.#tokens = text.match(/\w+|[^\s\w]/g) ?? [];
    this.#at = 0;
    while (this.#at < this.#tokens.length) this.#declaration();
    this.#tokens = outer.tokens;
    this.#at = outer.at;
  }

  #declaration(): void {
    const linkage = this.#take('static') ? LINKAGE.static : LINKAGE.global;
    if (this.#peek(2) === '{') {
      this.#structure(this.#next() === 'union' ? 'union' : 'struct');
      return;
    }
    const ret = this.#type();
    const name = this.#next();
    this.#expect('(');
    this.#function(name, ret.id, linkage);
  }

  #structure(kind: 'struct' | 'union'): void {
    const name = this.#next();
    this.#expect('{');
    const { id } = this.structs.get(name) ?? this.#forward(name);
    const members: [name: string, type: number, offset: number][] = [];
    const tags: [component: number, text: string][] = [];
    let size = 0;
    let align = 1;
    while (!this.#take('}')) {
      const type = this.#type();
      const member = this.#next();
      const place = this.#take('[') ? this.#array(type) : type;
      if (this.#take('__contains')) tags.push([members.length, `contains:${this.#words().join(':')}`]);
      this.#expect(';');
      const at = kind === 'union' ? 0 : Math.ceil(size / place.align) * place.align;
      members.push([member, place.id, at]);
      size = Math.max(size, at + place.size);
      align = Math.max(align, place.align);
    }
    this.#expect(';');
    size = Math.ceil(size / align) * align;
    this.btf.replace(id, {
      kind,
      name,
      size,
      kindFlag: false,
      members: members.map(([member, type, at]) => ({ name: member, type, bitOffset: at * 8, bitfieldSize: 0 })),
    });
    this.structs.set(name, { id, size, align });
    for (const [component, text] of tags) this.#tag(id, component, text);
  }

  /** A structure that is named before it is declared, or never is. */
  #forward(name: string): Place {
    const place = { id: this.btf.add({ kind: 'fwd', name, isUnion: false }), size: 0, align: 1 };
    this.structs.set(name, place);
    return place;
  }

  #array(of: Place): Place {
    const count = Number(this.#next());
    this.#expect(']');
    return { id: this.btf.array(of.id, count, this.#int('u32').id), size: of.size * count, align: of.align };
  }

  #function(name: string, ret: number, linkage: number): void {
    const params: { name: string; type: number }[] = [];
    const tags: [component: number, text: string][] = [];
    if (!this.#take(')')) {
      do {
        const { id } = this.#type();
        params.push({ name: this.#next(), type: id });
        while (this.#peek()?.startsWith(ARG_TAG)) {
          tags.push([params.length - 1, `arg:${this.#next().slice(ARG_TAG.length)}`]);
        }
      } while (this.#take(','));
      this.#expect(')');
    }
    while (this.#take('__exception_cb')) tags.push([-1, `exception_callback:${this.#words().join(':')}`]);
    this.#expect(';');
    const type = this.btf.add({ kind: 'func_proto', name: '', ret, params });
    const id = this.btf.add({ kind: 'func', name, type, linkage });
    this.functions.set(name, id);
    for (const [component, text] of tags) this.#tag(id, component, text);
  }

  #tag(type: number, component: number, name: string): void {
    this.btf.add({ kind: 'decl_tag', name, type, component, kindFlag: false });
  }

  /** `const struct a *`, with its tags. */
  #type(): Place {
    const isConst = this.#take('const');
    let place = this.#base();
    if (isConst) place = { ...place, id: this.btf.add({ kind: 'const', name: '', type: place.id }) };
    while (this.#take('*')) {
      let { id } = place;
      while (/^__(kptr|kptr_untrusted|percpu_kptr|uptr)$/.test(this.#peek() ?? '')) {
        id = this.btf.add({ kind: 'type_tag', name: this.#next().slice(2), type: id, kindFlag: false });
      }
      place = { id: this.btf.ptr(id), size: 8, align: 8 };
    }
    return place;
  }

  #base(): Place {
    const word = this.#next();
    if (word === 'void') return { id: 0, size: 0, align: 1 };
    if (word !== 'struct' && word !== 'union') return this.#int(word);
    const name = this.#next();
    const part = KNOWN[name];
    if (part && !this.structs.has(name)) this.#read(`struct ${name} { ${part}; };`);
    return this.structs.get(name) ?? this.#forward(name);
  }

  #int(name: string): Place {
    const known = INTS[name];
    if (!known) throw new Error(`test/messages: what type is '${name}'?`);
    const [size, encoding] = known;
    let id = this.#ints.get(name);
    if (id === undefined) this.#ints.set(name, (id = this.btf.int(name, size, encoding)));
    return { id, size, align: size };
  }

  /** `(a, b)` */
  #words(): string[] {
    this.#expect('(');
    const words = [this.#next()];
    while (this.#take(',')) words.push(this.#next());
    this.#expect(')');
    return words;
  }

  #peek(ahead = 0): string | undefined {
    return this.#tokens[this.#at + ahead];
  }

  #next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new Error('test/messages: a declaration has no end');
    return token;
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#at++;
    return true;
  }

  #expect(token: string): void {
    const found = this.#next();
    if (found !== token) throw new Error(`test/messages: '${found}' where '${token}' is expected`);
  }
}

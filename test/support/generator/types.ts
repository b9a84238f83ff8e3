/**
 * The types of generated programs and of their maps, one blob for all: `main`, functions of the program's own, global
 * functions with every kind of argument, and values with parts that the kernel keeps.
 *
 * Kept cases refer to types by number: what is new is added at the end.
 */
import { BtfBuilder } from '../../../src/btf/index.ts';

/** The name that cases call it by. */
export const GENERATED_BTF = 'generated';
export const MAX_FUNCTIONS = 16;
/** Of `main`; `f1`, `f2`… follow. */
export const FIRST_FUNCTION = 3;
const LOCAL = 0;
const GLOBAL = 1;

/** Fields of a map's value, by byte offset; `size` is all of it. */
export interface TypedValue {
  type: number;
  size: number;
  fields: Readonly<Record<string, number>>;
}

/** A global function: what its arguments are, in the words of its statement (see functions.ts). */
export interface GlobalFunction {
  type: number;
  args: readonly string[];
  returns: 'int' | 'void';
}

export interface GeneratedTypes {
  bytes: Uint8Array;
  /** The id of a key of four bytes. */
  key: number;
  values: Readonly<Record<string, TypedValue>>;
  /** What programs allocate. */
  objects: Readonly<Record<string, number>>;
  globals: readonly GlobalFunction[];
  /** `main` with an exception callback, and the callback. */
  catching: { main: number; callback: number };
}

export function generatedTypes(): GeneratedTypes {
  const b = new BtfBuilder();
  const int = b.int('int', 4, 'signed');
  const plain = b.add({ kind: 'func_proto', name: '', ret: int, params: [] });
  for (let i = 0; i < MAX_FUNCTIONS; i++) {
    b.add({ kind: 'func', name: i === 0 ? 'main' : `f${i}`, type: plain, linkage: LOCAL });
  }
  const u32 = b.int('unsigned int', 4);
  const u64 = b.int('unsigned long', 8);
  const opaque = (words: number) => b.array(u64, words, u32);
  const kernels = (name: string, words: number) => b.struct(name, 8 * words, [['__opaque', opaque(words), 0]]);
  const lock = b.struct('bpf_spin_lock', 4, [['val', u32, 0]]);
  const resilient = b.struct('bpf_res_spin_lock', 4, [['val', u32, 0]]);
  const refcount = b.struct('bpf_refcount', 4, [['__opaque', b.array(u32, 1, u32), 0]]);
  const timer = kernels('bpf_timer', 2);
  const work = kernels('bpf_wq', 2);
  const listHead = kernels('bpf_list_head', 2);
  const listNode = kernels('bpf_list_node', 3);
  const root = kernels('bpf_rb_root', 2);
  const treeNode = kernels('bpf_rb_node', 4);
  const tag = (name: string, type: number) => b.ptr(b.add({ kind: 'type_tag', name, type, kindFlag: false }));
  const declare = (name: string, type: number, component: number) =>
    b.add({ kind: 'decl_tag', name, type, component, kindFlag: false });

  const plainObject = b.struct('object', 16, [
    ['a', u64, 0],
    ['b', u64, 8],
  ]);
  const node = b.struct('node', 72, [
    ['list', listNode, 0],
    ['tree', treeNode, 24],
    ['data', u64, 56],
    ['ref', refcount, 64],
  ]);
  const single = b.struct('single', 40, [
    ['data', u64, 0],
    ['list', listNode, 8],
    ['more', u64, 32],
  ]);
  const task = b.struct('task_struct', 4, [['unused', u32, 0]]);
  const cgroup = b.struct('cgroup', 4, [['unused', u32, 0]]);
  const mask = b.struct('bpf_cpumask', 4, [['unused', u32, 0]]);

  const value = (name: string, size: number, members: readonly (readonly [string, number, number])[]): TypedValue => ({
    type: b.struct(name, size, members),
    size,
    fields: Object.fromEntries(members.map(([field, , offset]) => [field, offset])),
  });
  const values = {
    locked: value('locked', 16, [
      ['lock', lock, 0],
      ['data', u64, 8],
    ]),
    resilient: value('resilient', 16, [
      ['lock', resilient, 0],
      ['data', u64, 8],
    ]),
    timed: value('timed', 24, [
      ['timer', timer, 0],
      ['data', u64, 16],
    ]),
    worked: value('worked', 24, [
      ['data', u64, 0],
      ['work', work, 8],
    ]),
    pointers: value('pointers', 48, [
      ['task', tag('kptr', task), 0],
      ['anyTask', tag('kptr_untrusted', task), 8],
      ['cgroup', tag('kptr', cgroup), 16],
      ['mask', tag('kptr', mask), 24],
      ['object', tag('kptr', plainObject), 32],
      ['data', u64, 40],
    ]),
    lists: value('lists', 32, [
      ['lock', lock, 0],
      ['head', listHead, 8],
      ['data', u64, 24],
    ]),
    trees: value('trees', 32, [
      ['root', root, 0],
      ['lock', lock, 16],
      ['data', u64, 24],
    ]),
    singles: value('singles', 32, [
      ['head', listHead, 0],
      ['data', u64, 16],
      ['lock', lock, 24],
    ]),
  };
  declare('contains:node:list', values.lists.type, 1);
  declare('contains:node:tree', values.trees.type, 0);
  declare('contains:single:list', values.singles.type, 0);

  const object = b.ptr(plainObject);
  const number = b.ptr(u32);
  const skb = b.ptr(b.struct('__sk_buff', 4, [['len', u32, 0]]));
  const nothing = b.ptr(0);
  const dynptr = b.ptr(kernels('bpf_dynptr', 2));
  const taskPointer = b.ptr(task);
  const kinds: Readonly<Record<string, readonly [type: number, tags: readonly string[]]>> = {
    number: [u64, []],
    small: [int, []],
    object: [object, []],
    'object!': [object, ['arg:nonnull']],
    'u32!': [number, ['arg:nonnull']],
    u32: [number, []],
    skb: [skb, []],
    ctx: [nothing, ['arg:ctx']],
    dynptr: [dynptr, []],
    'task!': [taskPointer, ['arg:trusted']],
    'task?': [taskPointer, ['arg:trusted', 'arg:nullable']],
    'task~': [taskPointer, ['arg:untrusted']],
    'u32~': [number, ['arg:untrusted']],
    arena: [nothing, ['arg:arena']],
    void: [nothing, []],
  };
  const prototypes: readonly (readonly [args: readonly string[], returns?: 'int' | 'void'])[] = [
    [['number']],
    [['number', 'small']],
    [[]],
    [['object']],
    [['object!', 'number']],
    [['u32!']],
    [['u32', 'small']],
    [['skb']],
    [['ctx']],
    [['ctx', 'object!']],
    [['dynptr']],
    [['task!']],
    [['task?']],
    [['task~']],
    [['u32~']],
    [['arena']],
    [['void']],
    [['number'], 'void'],
    [['number', 'number', 'number', 'number', 'number']],
  ];
  const globals = prototypes.map(([args, returns = 'int'], i): GlobalFunction => {
    const params = args.map((kind, k) => ({ name: `a${k}`, type: kinds[kind]![0] }));
    const proto = b.add({ kind: 'func_proto', name: '', ret: returns === 'int' ? int : 0, params });
    const type = b.add({ kind: 'func', name: `g${i}`, type: proto, linkage: GLOBAL });
    args.forEach((kind, k) => {
      for (const text of kinds[kind]![1]) declare(text, type, k);
    });
    return { type, args, returns };
  });

  const cookie = b.add({ kind: 'func_proto', name: '', ret: int, params: [{ name: 'cookie', type: u64 }] });
  const callback = b.add({ kind: 'func', name: 'caught', type: cookie, linkage: GLOBAL });
  const main = b.add({ kind: 'func', name: 'main_catching', type: plain, linkage: LOCAL });
  declare('exception_callback:caught', main, -1);
  return {
    bytes: b.build(),
    key: u32,
    values,
    objects: { object: plainObject, node, single },
    globals,
    catching: { main, callback },
  };
}

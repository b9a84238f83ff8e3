/**
 * Objects that programs allocate: bpf_obj_new, bpf_obj_drop, bpf_refcount_acquire. The verifier has proven that each is
 * given back.
 *
 *     -8 u32 where its reference count lies, counted from 1; 0 where it has none   +0 the object, zero at first
 */
import type { Callable } from '../../vm/index.ts';
import type { HelperEnv } from '../helper.ts';

const HEADER = 8;

/** What is known about a structure that a program allocates. */
export interface ObjectLayout {
  /** Bytes. */
  readonly size: number;
  /** Where its struct bpf_refcount lies; undefined where it has none. */
  readonly refcount: number | undefined;
}

/** Bound to a kernel for a program, whose own types say what is allocated. */
export function bindObjects(
  env: HelperEnv,
  layoutOf: (typeId: number) => ObjectLayout | undefined,
): ReadonlyMap<string, Callable> {
  const { mem } = env;

  const allocate = (typeId: number): number => {
    const layout = layoutOf(typeId >>> 0);
    const block = layout ? mem.alloc(HEADER + layout.size) : 0;
    if (!layout || block === 0) return 0;
    const object = block + HEADER;
    if (layout.refcount !== undefined) {
      mem.setU32(block, layout.refcount + 1);
      mem.setU32(object + layout.refcount, 1);
    }
    return object;
  };

  const drop = (object: number): number => {
    const at = object >>> 0;
    if (at === 0) return 0;
    const counted = mem.u32(at - HEADER);
    if (counted !== 0) {
      const count = mem.u32(at + counted - 1) - 1;
      mem.setU32(at + counted - 1, count);
      if (count > 0) return 0;
    }
    mem.free(at - HEADER);
    return 0;
  };

  const acquire = (object: number): number => {
    const at = object >>> 0;
    const count = at + mem.u32(at - HEADER) - 1;
    mem.setU32(count, mem.u32(count) + 1);
    return at;
  };

  const callable = (name: string, ret: Callable['ret'], call: (arg: number) => number): [string, Callable] => [
    name,
    { name, args: 'i', ret, call: (arg) => call(arg!) },
  ];
  return new Map([
    callable('bpf_obj_new_impl', 'ptr', allocate),
    callable('bpf_obj_drop_impl', 'void', drop),
    callable('bpf_refcount_acquire_impl', 'ptr', acquire),
  ]);
}

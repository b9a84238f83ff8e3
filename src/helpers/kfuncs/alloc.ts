/**
 * bpf_obj_new, bpf_obj_drop, bpf_refcount_acquire and what there is of them for objects with a copy for each CPU. What is
 * allocated, the program's own types say, so these are bound for each program.
 */
import type { Addr } from '../../base/memory.ts';
import type { Callable } from '../../vm/index.ts';
import type { HelperEnv } from '../helper.ts';
import type { ObjectLayout } from '../objects/store.ts';

/** `layoutOf` answers what a type of the program's BTF is made of. */
export function bindObjects(
  { objects }: HelperEnv,
  layoutOf: (typeId: number) => ObjectLayout | undefined,
): ReadonlyMap<string, Callable> {
  const allocator = (create: (layout: ObjectLayout) => Addr) => (typeId: number) => {
    const layout = layoutOf(typeId);
    return layout === undefined ? 0 : create(layout);
  };
  const drop = (object: Addr): number => {
    if (object !== 0) objects.drop(object);
    return 0;
  };
  const callable = (name: string, ret: Callable['ret'], call: (arg: number) => number): [string, Callable] => [
    name,
    { name, args: 'i', ret, call: (arg) => call(arg! >>> 0) },
  ];
  return new Map([
    callable(
      'bpf_obj_new_impl',
      'ptr',
      allocator((layout) => objects.create(layout)),
    ),
    callable(
      'bpf_percpu_obj_new_impl',
      'ptr',
      allocator((layout) => objects.createPercpu(layout)),
    ),
    callable('bpf_obj_drop_impl', 'void', drop),
    callable('bpf_percpu_obj_drop_impl', 'void', drop),
    callable('bpf_refcount_acquire_impl', 'ptr', (object) => objects.acquire(object)),
  ]);
}

/** Kernel functions on linked lists and ordered trees of objects. The verifier has proven who owns what. */
import { EINVAL } from '../../base/errno.ts';
import type { Addr, Memory } from '../../base/memory.ts';
import type { Helper, HelperEnv } from '../helper.ts';
import { endOf, listObject, pop, push } from '../objects/list.ts';
import { first, insert, isInTree, leftOf, remove, rightOf, treeObject } from '../objects/tree.ts';

/** An object with a count of references may be somewhere already: then the reference that was given is dropped. */
function pusher(front: boolean): Helper {
  return {
    args: 'ii',
    ret: 'int',
    bind: (env) => (head, node) => {
      const at = node! >>> 0;
      if (push(env.mem, head! >>> 0, at, front)) return 0;
      env.objects.drop(listObject(env.mem, at));
      return -EINVAL;
    },
  };
}

/** Answers a node of the root and, where there is one, of a node. */
function node(args: string, find: (mem: Memory, root: Addr, node: Addr) => Addr): Helper {
  return { args, ret: 'ptr', bind: (env) => (root, at) => find(env.mem, root! >>> 0, (at ?? 0) >>> 0) };
}

export const bpf_list_push_front_impl = pusher(true);
export const bpf_list_push_back_impl = pusher(false);
export const bpf_list_pop_front = node('i', (mem, head) => pop(mem, head, true));
export const bpf_list_pop_back = node('i', (mem, head) => pop(mem, head, false));
export const bpf_list_front = node('i', (mem, head) => endOf(mem, head, true));
export const bpf_list_back = node('i', (mem, head) => endOf(mem, head, false));

export const bpf_rbtree_add_impl: Helper = {
  args: 'iii',
  ret: 'int',
  bind: (env: HelperEnv) => (root, node, callback) => {
    const at = node! >>> 0;
    if (isInTree(env.mem, at)) {
      env.objects.drop(treeObject(env.mem, at));
      return -EINVAL;
    }
    const less = (a: Addr, b: Addr): boolean => {
      const lo = env.callback(callback!, a, 0, b, 0, 0, 0, 0, 0);
      return (lo | env.retHi) !== 0;
    };
    insert(env.mem, root! >>> 0, at, less);
    return 0;
  },
};
export const bpf_rbtree_remove = node('ii', (mem, root, at) => (remove(mem, root, at) ? at : 0));
export const bpf_rbtree_first = node('i', first);
export const bpf_rbtree_root = node('i', (mem, root) => mem.u32(root));
export const bpf_rbtree_left = node('ii', leftOf);
export const bpf_rbtree_right = node('ii', rightOf);

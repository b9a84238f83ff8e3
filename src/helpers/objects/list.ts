/**
 * Linked lists of objects, as bpf_list_push_front and its like keep them in linear memory.
 *
 *     struct bpf_list_head   +0 u32 first node   +4 u32 last node; 0 and 0: empty
 *     struct bpf_list_node   +0 u32 next   +4 u32 previous   +8 u32 the head it is in, 0 for none   +16 u32 its object
 */
import type { Addr, Memory } from '../../base/memory.ts';

const LAST = 4;
const PREVIOUS = 4;
const HEAD = 8;
const OBJECT = 16;

/** Says which object a node is part of: once, when the object is made. */
export function setListObject(mem: Memory, node: Addr, object: Addr): void {
  mem.setU32(node + OBJECT, object);
}

export function listObject(mem: Memory, node: Addr): Addr {
  return mem.u32(node + OBJECT);
}

/** Puts a node at one end; false where it is in a list already. */
export function push(mem: Memory, head: Addr, node: Addr, front: boolean): boolean {
  if (mem.u32(node + HEAD) !== 0) return false;
  const end = mem.u32(front ? head : head + LAST);
  mem.setU32(node, front ? end : 0);
  mem.setU32(node + PREVIOUS, front ? 0 : end);
  mem.setU32(node + HEAD, head);
  if (end === 0) {
    mem.setU32(head, node);
    mem.setU32(head + LAST, node);
  } else {
    mem.setU32(front ? end + PREVIOUS : end, node);
    mem.setU32(front ? head : head + LAST, node);
  }
  return true;
}

/** The node at one end, 0 for none. */
export function endOf(mem: Memory, head: Addr, front: boolean): Addr {
  return mem.u32(front ? head : head + LAST);
}

/** Takes out the node at one end: the node, 0 for none. */
export function pop(mem: Memory, head: Addr, front: boolean): Addr {
  const node = endOf(mem, head, front);
  if (node === 0) return 0;
  const next = mem.u32(front ? node : node + PREVIOUS);
  mem.setU32(front ? head : head + LAST, next);
  if (next === 0) mem.setU32(front ? head + LAST : head, 0);
  else mem.setU32(front ? next + PREVIOUS : next, 0);
  mem.setU32(node, 0);
  mem.setU32(node + PREVIOUS, 0);
  mem.setU32(node + HEAD, 0);
  return node;
}

/** Empties a list: what was in it, in its order, is added to `into`. */
export function listObjects(mem: Memory, head: Addr, into: Addr[]): void {
  for (let node = pop(mem, head, true); node !== 0; node = pop(mem, head, true)) into.push(listObject(mem, node));
}

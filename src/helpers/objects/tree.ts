/**
 * Ordered trees of objects, as bpf_rbtree_add and its like keep them in linear memory: red-black trees as textbooks have
 * them, so that bpf_rbtree_root, _left and _right show the same shape as in Linux.
 *
 *     struct bpf_rb_root   +0 u32 root node, 0: empty
 *     struct bpf_rb_node   +0 u32 parent  +4 u32 left  +8 u32 right  +12 u32 red?  +16 u32 the tree it is in  +24 u32 its object
 */
import type { Addr, Memory } from '../../base/memory.ts';

const LEFT = 4;
const RIGHT = 8;
const RED = 12;
const ROOT = 16;
const OBJECT = 24;

/** Says which object a node is part of: once, when the object is made. */
export function setTreeObject(mem: Memory, node: Addr, object: Addr): void {
  mem.setU32(node + OBJECT, object);
}

export function treeObject(mem: Memory, node: Addr): Addr {
  return mem.u32(node + OBJECT);
}

export function isInTree(mem: Memory, node: Addr): boolean {
  return mem.u32(node + ROOT) !== 0;
}

export function leftOf(mem: Memory, root: Addr, node: Addr): Addr {
  return mem.u32(node + ROOT) === root ? mem.u32(node + LEFT) : 0;
}

export function rightOf(mem: Memory, root: Addr, node: Addr): Addr {
  return mem.u32(node + ROOT) === root ? mem.u32(node + RIGHT) : 0;
}

/** The node that comes first, 0 where the tree is empty. */
export function first(mem: Memory, root: Addr): Addr {
  let node = mem.u32(root);
  for (let left = node; left !== 0; left = mem.u32(node + LEFT)) node = left;
  return node;
}

/** Puts in a node that is in no tree. `less(node, other)` says whether it goes before the other. */
export function insert(mem: Memory, root: Addr, node: Addr, less: (node: Addr, other: Addr) => boolean): void {
  let parent = 0;
  let link = root;
  for (let at = mem.u32(root); at !== 0; at = mem.u32(link)) {
    parent = at;
    link = at + (less(node, at) ? LEFT : RIGHT);
  }
  mem.setU32(node, parent);
  mem.setU32(node + LEFT, 0);
  mem.setU32(node + RIGHT, 0);
  mem.setU32(node + RED, 1);
  mem.setU32(node + ROOT, root);
  mem.setU32(link, node);
  balanceAfterInsert(mem, root, node);
}

/** Takes a node out; false where it is not in this tree. */
export function remove(mem: Memory, root: Addr, node: Addr): boolean {
  if (mem.u32(node + ROOT) !== root) return false;
  const left = mem.u32(node + LEFT);
  const right = mem.u32(node + RIGHT);
  let child: Addr;
  let parent: Addr;
  let wasRed: boolean;
  if (left === 0 || right === 0) {
    child = left || right;
    parent = mem.u32(node);
    wasRed = isRed(mem, node);
    replace(mem, root, node, child);
  } else {
    let next = right;
    for (let at = mem.u32(next + LEFT); at !== 0; at = mem.u32(next + LEFT)) next = at;
    child = mem.u32(next + RIGHT);
    wasRed = isRed(mem, next);
    if (mem.u32(next) === node) parent = next;
    else {
      parent = mem.u32(next);
      replace(mem, root, next, child);
      setChild(mem, next, RIGHT, right);
    }
    replace(mem, root, node, next);
    setChild(mem, next, LEFT, left);
    mem.setU32(next + RED, mem.u32(node + RED));
  }
  if (!wasRed) balanceAfterRemove(mem, root, child, parent);
  for (const field of [0, LEFT, RIGHT, RED, ROOT]) mem.setU32(node + field, 0);
  return true;
}

/** Empties a tree: what was in it is added to `into`. */
export function treeObjects(mem: Memory, root: Addr, into: Addr[]): void {
  let node = mem.u32(root);
  while (node !== 0) {
    const below = mem.u32(node + LEFT) || mem.u32(node + RIGHT);
    if (below !== 0) {
      node = below;
      continue;
    }
    const parent = mem.u32(node);
    if (parent !== 0) mem.setU32(parent + (mem.u32(parent + LEFT) === node ? LEFT : RIGHT), 0);
    mem.setU32(node, 0);
    mem.setU32(node + RED, 0);
    mem.setU32(node + ROOT, 0);
    into.push(treeObject(mem, node));
    node = parent;
  }
  mem.setU32(root, 0);
}

function isRed(mem: Memory, node: Addr): boolean {
  return node !== 0 && mem.u32(node + RED) !== 0;
}

function setChild(mem: Memory, parent: Addr, side: number, child: Addr): void {
  mem.setU32(parent + side, child);
  if (child !== 0) mem.setU32(child, parent);
}

/** Puts `by`, which may be none, where `node` hangs. */
function replace(mem: Memory, root: Addr, node: Addr, by: Addr): void {
  const parent = mem.u32(node);
  if (parent === 0) {
    mem.setU32(root, by);
    if (by !== 0) mem.setU32(by, 0);
  } else setChild(mem, parent, mem.u32(parent + LEFT) === node ? LEFT : RIGHT, by);
}

/** The child on the other side comes up, `node` goes down to `side`. */
function rotate(mem: Memory, root: Addr, node: Addr, side: number): void {
  const other = side === LEFT ? RIGHT : LEFT;
  const up = mem.u32(node + other);
  setChild(mem, node, other, mem.u32(up + side));
  replace(mem, root, node, up);
  setChild(mem, up, side, node);
}

/** A red node may have come below a red one. */
function balanceAfterInsert(mem: Memory, root: Addr, inserted: Addr): void {
  let node = inserted;
  for (let parent = mem.u32(node); isRed(mem, parent); parent = mem.u32(node)) {
    const above = mem.u32(parent); // the root is black, so a red parent has one
    const side = mem.u32(above + LEFT) === parent ? LEFT : RIGHT;
    const other = side === LEFT ? RIGHT : LEFT;
    const uncle = mem.u32(above + other);
    if (isRed(mem, uncle)) {
      mem.setU32(parent + RED, 0);
      mem.setU32(uncle + RED, 0);
      mem.setU32(above + RED, 1);
      node = above;
      continue;
    }
    if (mem.u32(parent + other) === node) {
      rotate(mem, root, parent, side);
      parent = node;
    }
    mem.setU32(parent + RED, 0);
    mem.setU32(above + RED, 1);
    rotate(mem, root, above, other);
    break;
  }
  mem.setU32(mem.u32(root) + RED, 0);
}

/** Paths through `child`, which may be none, have a black node too few. */
function balanceAfterRemove(mem: Memory, root: Addr, child: Addr, above: Addr): void {
  let node = child;
  let parent = above;
  while (parent !== 0 && !isRed(mem, node)) {
    const side = mem.u32(parent + LEFT) === node ? LEFT : RIGHT;
    const other = side === LEFT ? RIGHT : LEFT;
    let sibling = mem.u32(parent + other);
    if (isRed(mem, sibling)) {
      mem.setU32(sibling + RED, 0);
      mem.setU32(parent + RED, 1);
      rotate(mem, root, parent, side);
      sibling = mem.u32(parent + other);
    }
    if (!isRed(mem, mem.u32(sibling + LEFT)) && !isRed(mem, mem.u32(sibling + RIGHT))) {
      mem.setU32(sibling + RED, 1);
      node = parent;
      parent = mem.u32(node);
      continue;
    }
    if (!isRed(mem, mem.u32(sibling + other))) {
      mem.setU32(mem.u32(sibling + side) + RED, 0);
      mem.setU32(sibling + RED, 1);
      rotate(mem, root, sibling, other);
      sibling = mem.u32(parent + other);
    }
    mem.setU32(sibling + RED, mem.u32(parent + RED));
    mem.setU32(parent + RED, 0);
    mem.setU32(mem.u32(sibling + other) + RED, 0);
    rotate(mem, root, parent, side);
    return;
  }
  if (node !== 0) mem.setU32(node + RED, 0);
}

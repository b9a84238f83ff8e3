/** Code that copies and compares a known number of bytes: straight on where they are few. */
import type { CodeWriter } from '../wasm/code.ts';
import {
  BLOCK,
  BR,
  BR_IF,
  I32,
  I32_ADD,
  I32_AND,
  I32_GE_U,
  I32_LOAD,
  I32_LOAD8_U,
  I32_LOAD16_U,
  I32_STORE,
  I32_STORE8,
  I32_STORE16,
  I64_EQZ,
  I64_LOAD,
  I64_LOAD8_U,
  I64_LOAD16_U,
  I64_LOAD32_U,
  I64_NE,
  I64_OR,
  I64_STORE,
  I64_XOR,
  LOOP,
} from '../wasm/opcodes.ts';

/** Up to here bytes are moved and compared without a loop. */
const FEW = 64;

/** Calls `part` for each naturally sized piece of `size` bytes, the large ones first. */
function pieces(from: number, size: number, part: (offset: number, width: number) => void): void {
  let at = from;
  for (let width = 8; width > 0; width >>= 1) for (; size - at >= width; at += width) part(at, width);
}

/** Copies `size` bytes from the address in local `from` to `to + offset`. The ranges do not overlap. */
export function writeCopy(code: CodeWriter, to: number, offset: number, from: number, size: number): void {
  if (size > FEW) {
    code.get(to).i32(offset).op(I32_ADD).get(from).i32(size).copyMemory();
    return;
  }
  pieces(0, size, (at, width) => {
    const [load, store] =
      width === 8
        ? [I64_LOAD, I64_STORE]
        : width === 4
          ? [I32_LOAD, I32_STORE]
          : width === 2
            ? [I32_LOAD16_U, I32_STORE16]
            : [I32_LOAD8_U, I32_STORE8];
    code
      .get(to)
      .get(from)
      .memory(load, at)
      .memory(store, offset + at);
  });
}

/** Puts an i32 on the stack: 1 where the `size` bytes at local `a` + offset and those at local `b` are the same. */
export function writeSameBytes(code: CodeWriter, a: number, offset: number, b: number, size: number): void {
  const head = size > FEW ? size & ~7 : 0;
  if (head > 0) {
    writeEqualHead(code, a, offset, b, head);
    if (head === size) return;
  }
  let parts = 0;
  pieces(head, size, (at, width) => {
    const load = width === 8 ? I64_LOAD : width === 4 ? I64_LOAD32_U : width === 2 ? I64_LOAD16_U : I64_LOAD8_U;
    code
      .get(a)
      .memory(load, offset + at)
      .get(b)
      .memory(load, at)
      .op(I64_XOR);
    if (parts++ > 0) code.op(I64_OR);
  });
  code.op(I64_EQZ);
  if (head > 0) code.op(I32_AND);
}

/** The same for a multiple of 8 bytes, with a loop. */
function writeEqualHead(code: CodeWriter, a: number, offset: number, b: number, size: number): void {
  const at = code.newLocal(I32);
  code.i32(0).set(at);
  const out = code.open(BLOCK);
  const again = code.open(LOOP);
  code.get(a).get(at).op(I32_ADD).memory(I64_LOAD, offset);
  code.get(b).get(at).op(I32_ADD).memory(I64_LOAD, 0);
  code.op(I64_NE).branch(BR_IF, out);
  code.get(at).i32(8).op(I32_ADD).set(at);
  code.get(at).i32(size).op(I32_GE_U).branch(BR_IF, out);
  code.branch(BR, again);
  code.end().end();
  code.get(at).i32(size).op(I32_GE_U);
}

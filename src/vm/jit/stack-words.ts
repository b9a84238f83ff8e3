/**
 * What a block has stored in its function's stack, word by word: a key that was just put together is hashed and compared
 * from locals. Read back, each word would wait for its store.
 */
import type { Addr } from '../../base/memory.ts';
import { STACK_SIZE } from '../control.ts';
import type { CodeWriter } from '../wasm/code.ts';
import { I32, I32_WRAP_I64, I64, I64_EXTEND_I32_U, I64_SHR_U } from '../wasm/opcodes.ts';

/** A local that a word is in: an i32, or a half of an i64. */
interface Source {
  readonly local: number;
  readonly half: 'all' | 'low' | 'high';
}

export class StackWords {
  readonly #code: CodeWriter;
  readonly #start: Addr;
  /** By address. */
  readonly #words = new Map<Addr, Source>();
  /** Locals that stores of 4 and of 8 bytes have been kept in, by address. */
  readonly #locals32 = new Map<Addr, number>();
  readonly #locals64 = new Map<Addr, number>();
  /** Until here somebody in the block may ask. */
  #until = -1;

  /** Of the function whose frame ends at `framePointer`. */
  constructor(code: CodeWriter, framePointer: Addr) {
    this.#code = code;
    this.#start = framePointer - STACK_SIZE;
  }

  /** A block begins, and nobody asks behind slot `until` of it. */
  begin(until: number): void {
    this.clear();
    this.#until = until;
  }

  /** Anything may have been written. */
  clear(): void {
    this.#words.clear();
  }

  /**
   * The instruction at `pc` is about to store `size` bytes at an address, undefined where it may be any. Answers the local, an i64
   * for 8 bytes, else an i32, that is to get what it stores; -1 for none.
   */
  store(pc: number, addr: Addr | undefined, size: number): number {
    if (addr === undefined) {
      this.clear();
      return -1;
    }
    for (let at = addr - 3; at < addr + size; at++) this.#words.delete(at);
    const isOwn = addr >= this.#start && addr + size <= this.#start + STACK_SIZE;
    if (!isOwn || pc >= this.#until || size < 4) return -1;
    const local = size === 8 ? this.#local(this.#locals64, addr, I64) : this.#local(this.#locals32, addr, I32);
    this.#words.set(addr, { local, half: size === 8 ? 'low' : 'all' });
    if (size === 8) this.#words.set(addr + 4, { local, half: 'high' });
    return local;
  }

  /** Puts the word at an address on the stack, as an i64; false where it is not known. */
  get(addr: Addr): boolean {
    const source = this.#words.get(addr);
    if (source === undefined) return false;
    const code = this.#code.get(source.local);
    if (source.half === 'high') code.i64(32).op(I64_SHR_U);
    else if (source.half === 'low') code.op(I32_WRAP_I64).op(I64_EXTEND_I32_U);
    else code.op(I64_EXTEND_I32_U);
    return true;
  }

  #local(locals: Map<Addr, number>, addr: Addr, type: number): number {
    const local = locals.get(addr) ?? this.#code.newLocal(type);
    locals.set(addr, local);
    return local;
  }
}

/** The body of one WebAssembly function as it is written: instructions, locals, and how deep blocks are nested. */
import { ByteWriter } from './bytes.ts';
import {
  type BLOCK,
  type BR,
  type BR_IF,
  BULK,
  CALL,
  END,
  I32_CONST,
  I64_CONST,
  type IF,
  LOCAL_GET,
  LOCAL_SET,
  LOCAL_TEE,
  type LOOP,
  MEMORY_COPY,
  MEMORY_FILL,
  RETURN_CALL,
  VOID,
} from './opcodes.ts';

export class CodeWriter {
  readonly #out = new ByteWriter();
  readonly #params: number;
  readonly #locals: number[] = [];
  /** While locals are borrowed: which, and their types. And those that were, by type. */
  #borrowed: [number, number][] | undefined;
  readonly #spare: Record<number, number[]> = {};
  /** Where the last `local.set` began and which local it names: a `local.get` of it right behind makes it a tee. */
  #setAt = -1;
  #setLocal = -1;
  #setEnd = -1;
  /** Blocks that are open. */
  depth = 0;

  constructor(params: number) {
    this.#params = params;
  }

  /** The number of a new local of type I32 or I64. */
  newLocal(type: number): number {
    const local = (this.#borrowed && this.#spare[type]?.pop()) ?? this.#params + this.#locals.push(type) - 1;
    this.#borrowed?.push([local, type]);
    return local;
  }

  /**
   * Locals that `write` asks for are free again behind it, for the next that is written so. They may hold anything to
   * begin with.
   */
  borrowing(write: () => void): void {
    const outer = this.#borrowed;
    this.#borrowed = [];
    write();
    for (const [local, type] of this.#borrowed) this.#spare[type] = [...(this.#spare[type] ?? []), local];
    this.#borrowed = outer;
  }

  op(opcode: number): this {
    this.#out.byte(opcode);
    return this;
  }

  get(local: number): this {
    if (this.#setLocal === local && this.#setEnd === this.#out.length) {
      this.#out.patch(this.#setAt, LOCAL_TEE);
      this.#setLocal = -1;
      return this;
    }
    this.#out.byte(LOCAL_GET);
    this.#out.u32(local);
    return this;
  }

  set(local: number): this {
    this.#setAt = this.#out.length;
    this.#out.byte(LOCAL_SET);
    this.#out.u32(local);
    this.#setLocal = local;
    this.#setEnd = this.#out.length;
    return this;
  }

  tee(local: number): this {
    this.#out.byte(LOCAL_TEE);
    this.#out.u32(local);
    return this;
  }

  i32(value: number): this {
    this.#out.byte(I32_CONST);
    this.#out.s32(value);
    return this;
  }

  /** A 64-bit constant: its low half and its high half, which by default repeats the sign. */
  i64(lo: number, hi = lo >> 31): this {
    this.#out.byte(I64_CONST);
    this.#out.s64(lo, hi);
    return this;
  }

  /** A load or store at the address on the stack plus `offset`, 0 to 2^32 - 1. No alignment is promised. */
  memory(opcode: number, offset: number): this {
    this.#out.byte(opcode);
    this.#out.byte(0);
    this.#out.u32(offset);
    return this;
  }

  /** memmove: to, from and size are on the stack. */
  copyMemory(): this {
    this.#out.byte(BULK);
    this.#out.byte(MEMORY_COPY);
    this.#out.byte(0);
    this.#out.byte(0);
    return this;
  }

  /** memset: to, byte and size are on the stack. */
  fillMemory(): this {
    this.#out.byte(BULK);
    this.#out.byte(MEMORY_FILL);
    this.#out.byte(0);
    return this;
  }

  call(fn: number): this {
    this.#out.byte(CALL);
    this.#out.u32(fn);
    return this;
  }

  /** A call in whose place this function ends. */
  returnCall(fn: number): this {
    this.#out.byte(RETURN_CALL);
    this.#out.u32(fn);
    return this;
  }

  /** call_indirect or return_call_indirect through table 0. */
  indirect(opcode: number, type: number): this {
    this.#out.byte(opcode);
    this.#out.u32(type);
    this.#out.byte(0);
    return this;
  }

  /** BLOCK, LOOP or IF; answers the depth by which `br` finds it. */
  open(opcode: typeof BLOCK | typeof LOOP | typeof IF, type = VOID): number {
    this.#out.byte(opcode);
    this.#out.byte(type);
    this.#forgetSet();
    return ++this.depth;
  }

  else(opcode: number): this {
    this.#out.byte(opcode);
    this.#forgetSet();
    return this;
  }

  end(): this {
    this.#out.byte(END);
    this.#forgetSet();
    this.depth--;
    return this;
  }

  /** BR or BR_IF to the block that `open` answered `label` for. */
  branch(opcode: typeof BR | typeof BR_IF, label: number): this {
    this.#out.byte(opcode);
    this.#out.u32(this.depth - label);
    return this;
  }

  /** br_table to blocks by their labels; the last one is the default. */
  branchTable(opcode: number, labels: readonly number[]): this {
    this.#out.byte(opcode);
    this.#out.u32(labels.length - 1);
    for (const label of labels) this.#out.u32(this.depth - label);
    return this;
  }

  /** The function as the code section wants it: locals, then instructions, without its length in front. */
  finish(): Uint8Array {
    const whole = new ByteWriter();
    // Locals of one type that follow one another are declared together.
    const runs: [number, number][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last?.[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    whole.u32(runs.length);
    for (const [count, type] of runs) {
      whole.u32(count);
      whole.byte(type);
    }
    whole.bytes(this.#out.take());
    whole.byte(END);
    return whole.take();
  }

  #forgetSet(): void {
    this.#setLocal = -1;
  }
}

/** What is found out about the functions of a program before they are written, each when it is first asked for. */
import type { Callable } from '../code.ts';
import { STACK_SIZE } from '../control.ts';
import type { Operations } from '../operations.ts';
import { analyseFlow, type Flow } from './dominators.ts';
import { ARGUMENTS, readBy, writtenBy } from './effects.ts';
import { type Block, buildGraph, slotsOf } from './graph.ts';
import { findIdioms, type Idiom } from './idioms.ts';
import { findSizes, type Subject } from './intervals.ts';
import { findMoves } from './moves.ts';
import { isReducible, makeReducible } from './reducible.ts';
import { liveRegisters, type RegisterTypes, type TypedSubject, typeRegisters } from './register-types.ts';
import { makeSwitches } from './switches.ts';

/** What a function is before anything is known of its values. */
interface Shape {
  readonly start: number;
  readonly blocks: readonly Block[];
  readonly flow: Flow;
  /** What `findMoves` answers. */
  readonly moves: Uint8Array;
}

export interface FunctionFacts extends Shape {
  /** By the slot where they stand. */
  readonly idioms: ReadonlyMap<number, Idiom>;
  readonly types: RegisterTypes;
  /** Accesses that are surely inside the stack: 1, by slot from the first on. */
  readonly inStack: Uint8Array;
}

export class ProgramFacts {
  readonly #ops: Operations;
  readonly #calls: ReadonlyMap<number, Callable>;
  readonly #stack: Subject['stack'];
  readonly #checked: boolean;
  readonly #shapes: (Shape | undefined)[] = [];
  readonly #facts: (FunctionFacts | undefined)[] = [];
  readonly #readAtEntry: (number | undefined)[] = [];

  /** `stack` is that of all functions. */
  constructor(ops: Operations, calls: ReadonlyMap<number, Callable>, stack: Subject['stack'], checked: boolean) {
    this.#ops = ops;
    this.#calls = calls;
    this.#stack = stack;
    this.#checked = checked;
  }

  of(fn: number): FunctionFacts {
    return (this.#facts[fn] ??= this.#find(fn));
  }

  /** Registers, as bits, that a function reads as it is given them. A function that is called by it may read them all. */
  readAtEntry(fn: number): number {
    const known = this.#readAtEntry[fn];
    if (known !== undefined) return known;
    const shape = this.#shape(fn);
    const effects = this.#effects(shape.start, shape.moves, () => ARGUMENTS);
    const read = liveRegisters({ ops: this.#ops, ...shape, ...effects })[0]!;
    this.#readAtEntry[fn] = read;
    return read;
  }

  #shape(fn: number): Shape {
    return (this.#shapes[fn] ??= this.#findShape(fn));
  }

  #findShape(fn: number): Shape {
    const start = this.#ops.bounds[fn]!;
    const end = this.#ops.bounds[fn + 1]!;
    const moves = findMoves(this.#ops, start, end, this.#checked);
    const blocks = buildGraph(this.#ops, start, end, moves);
    // Checked mode counts the jumps back on the way. An irreducible loop gets edges that a table does not have.
    if (!this.#checked) makeSwitches(this.#ops, blocks, () => isReducible(blocks, analyseFlow(blocks)));
    return { start, moves, blocks, flow: makeReducible(blocks) };
  }

  #effects(
    start: number,
    moves: Uint8Array,
    readByFunction: (fn: number) => number,
  ): Pick<TypedSubject, 'read' | 'written'> {
    const read = new Uint16Array(moves.length);
    const written = new Int8Array(moves.length).fill(-1);
    for (let pc = start; pc < start + moves.length; pc += slotsOf(this.#ops.op[pc]!)) {
      // What may not be moved to stays what it is.
      const old = moves[pc - start] === 1 ? 1 << this.#ops.dst[pc]! : 0;
      read[pc - start] = old | readBy(this.#ops, pc, this.#calls, readByFunction);
      written[pc - start] = writtenBy(this.#ops, pc);
    }
    return { read, written };
  }

  #find(fn: number): FunctionFacts {
    const ops = this.#ops;
    const { start, moves, blocks, flow } = this.#shape(fn);
    const idioms = new Map<number, Idiom>();
    for (const block of blocks) findIdioms(ops, block.start, block.end, (pc) => moves[pc - start] === 1, idioms);
    const readByFunction = (callee: number): number => this.readAtEntry(callee) & ARGUMENTS;
    const subject: TypedSubject = {
      ops,
      blocks,
      flow,
      idioms,
      start,
      moves,
      ...this.#effects(start, moves, readByFunction),
      calls: this.#calls,
      framePointer: this.#stack.start + (fn + 1) * STACK_SIZE,
      // The first function gets an address, others what their callers have; and one that nobody verified may be entered with anything.
      anyArguments: fn !== 0 || this.#checked,
      checked: this.#checked,
      readByFunction,
      stack: this.#stack,
    };
    const sizes = findSizes(subject);
    return { start, blocks, flow, idioms, moves, types: typeRegisters(subject, sizes), inStack: sizes.inStack };
  }
}

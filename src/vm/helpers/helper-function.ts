/**
 * Functions of ours that stand beside a program and do what a helper does for maps. They take the helper's arguments
 * and give its answer; what they leave to JavaScript they hand on to the helper itself.
 */
import type { Addr } from '../../base/memory.ts';
import type { CodeWriter } from '../wasm/code.ts';
import { I32, I32_LOAD, I32_STORE, RETURN } from '../wasm/opcodes.ts';
import { writeCpuPart } from './cpu.ts';
import type { MapFacts } from './facts.ts';

/** A function of the helper's own type. */
export class HelperFunction {
  readonly code: CodeWriter;
  readonly #helper: number;
  readonly #lanes: number;
  /** Address of control.ts's block. */
  readonly control: Addr;

  /** `helper` is the number of the imported helper, `lanes` how many i32 it takes. */
  constructor(code: CodeWriter, helper: number, lanes: number, control: Addr) {
    this.code = code;
    this.control = control;
    this.#helper = helper;
    this.#lanes = lanes;
  }

  local(): number {
    return this.code.newLocal(I32);
  }

  /** Leaves the call to the helper. */
  handOver(): void {
    for (let lane = 0; lane < this.#lanes; lane++) this.code.get(lane);
    this.code.call(this.#helper).op(RETURN);
  }

  answer(value: number): void {
    this.code.i32(value).op(RETURN);
  }
}

/** One that works on a map which is known. */
export class MapFunction extends HelperFunction {
  readonly map: MapFacts;

  constructor(code: CodeWriter, helper: number, lanes: number, control: Addr, map: MapFacts) {
    super(code, helper, lanes, control);
    this.map = map;
  }

  /** Puts a word of the map's header on the stack. */
  word(offset: number): CodeWriter {
    return this.code.i32(0).memory(I32_LOAD, this.map.addr + offset);
  }

  /** Sets a word of the header to what `value` puts on the stack. */
  setWord(offset: number, value: () => void): void {
    this.code.i32(0);
    value();
    this.code.memory(I32_STORE, this.map.addr + offset);
  }

  /** Adds the CPU's part of a per-CPU element to the address on the stack. */
  addCpu(): void {
    writeCpuPart(this.code, this.control, this.map.valueSize);
  }
}

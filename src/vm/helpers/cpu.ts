/** The CPU that the program runs on, from the engine's control block. */
import { alignUp } from '../../base/bytes.ts';
import type { Addr } from '../../base/memory.ts';
import { CPU } from '../control.ts';
import type { CodeWriter } from '../wasm/code.ts';
import { I32_ADD, I32_LOAD, I32_MUL } from '../wasm/opcodes.ts';
import type { HelperFunction } from './helper-function.ts';

/** () -> its number. */
export function writeCpu(f: HelperFunction): void {
  f.code.i32(0).memory(I32_LOAD, f.control + CPU);
}

/** Adds to the address on the stack what lies before the current CPU's value of `valueSize` bytes. */
export function writeCpuPart(code: CodeWriter, control: Addr, valueSize: number): void {
  code
    .i32(0)
    .memory(I32_LOAD, control + CPU)
    .i32(alignUp(valueSize, 8))
    .op(I32_MUL)
    .op(I32_ADD);
}

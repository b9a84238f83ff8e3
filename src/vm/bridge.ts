/** A WebAssembly function in front of a JavaScript one, so that the engine's table can hold it for tail calls. */
import type { Addr } from '../base/memory.ts';
import { RET_HI } from './control.ts';
import type { Host } from './host.ts';
import { ModuleImports } from './jit/imports.ts';
import { CodeWriter } from './wasm/code.ts';
import { ModuleWriter } from './wasm/module.ts';
import { I32_WRAP_I64, I64, I64_EXTEND_I32_U, I64_LOAD32_U, I64_OR, I64_SHL } from './wasm/opcodes.ts';

/** A function of the type of BPF functions that calls `run` with r1 and answers what it and `retHi` say. */
export function bridge(host: Host, run: (ctx: Addr) => number): WebAssembly.ExportValue {
  const module = new ModuleWriter();
  const imports = new ModuleImports(module, host);
  const callable = { name: 'run', args: 'i', ret: 'u64', call: run } as const;
  imports.add(callable);
  const entry = module.declare(module.type([I64, I64, I64, I64, I64], [I64]), 'skep_bridge');
  const code = new CodeWriter(5);
  code.get(0).op(I32_WRAP_I64).call(imports.of(callable)).op(I64_EXTEND_I32_U);
  code
    .i32(0)
    .memory(I64_LOAD32_U, host.control + RET_HI)
    .i64(32)
    .op(I64_SHL)
    .op(I64_OR);
  module.define(entry, code.finish());
  module.exportFunction('entry', entry);
  const made = new WebAssembly.Module(module.finish().bytes as Uint8Array<ArrayBuffer>);
  return new WebAssembly.Instance(made, imports.values).exports['entry']!;
}

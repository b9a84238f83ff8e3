/** A program executed by the interpreter, seen from the engine. */
import type { Addr } from '../../base/memory.ts';
import { bridge } from '../bridge.ts';
import type { EngineOptions } from '../code.ts';
import type { Callback, Executable, Host, Placement } from '../host.ts';
import type { Operations } from '../operations.ts';
import { burnFuel } from './checks.ts';
import { interpret } from './interpreter.ts';
import { MachinePool } from './machine.ts';
import { interpreterProgram } from './program.ts';

export function interpreted(host: Host, ops: Operations, placement: Placement, options: EngineOptions): Executable {
  const program = interpreterProgram(host, ops, placement, options);
  const machines = new MachinePool();
  return {
    enter(ctx: Addr): number {
      const machine = machines.take();
      const regs = machine.windows[0]!;
      regs[2] = ctx;
      interpret(host, program, 0, machine);
      machines.give(machine);
      host.retHi = regs[1]!;
      return regs[0]!;
    },
    callback(fn: number): Callback {
      return (r1lo, r1hi, r2lo, r2hi, r3lo, r3hi, r4lo, r4hi) => {
        if (program.checked) burnFuel(host, program.entries[fn]!, program.lengths[fn]!);
        const machine = machines.take();
        const regs = machine.windows[0]!;
        regs[2] = r1lo;
        regs[3] = r1hi;
        regs[4] = r2lo;
        regs[5] = r2hi;
        regs[6] = r3lo;
        regs[7] = r3hi;
        regs[8] = r4lo;
        regs[9] = r4hi;
        interpret(host, program, fn, machine);
        machines.give(machine);
        host.retHi = regs[1]!;
        return regs[0]!;
      };
    },
    entry() {
      return bridge(host, (ctx) => this.enter(ctx));
    },
    image: new Uint8Array(0),
    ranges: [],
  };
}

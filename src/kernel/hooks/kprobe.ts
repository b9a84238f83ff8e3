/** kprobe and kretprobe: programs at the entry or the return of a kernel function, with its registers. */
import type { WorldTask } from '../world/task.ts';
import { AttachPoint, type HookEnv } from './attach-point.ts';
import type { KernelArg, KprobeHook, PtRegs } from './hook.ts';
import { ARGUMENT_REGISTERS, PT_REGS_SIZE, withArgs, writeRegs } from './pt-regs.ts';

export class Kprobe extends AttachPoint implements KprobeHook {
  readonly kind: 'kprobe' | 'kretprobe';
  readonly address: bigint;

  constructor(env: HookEnv, kind: 'kprobe' | 'kretprobe', symbol: string, address: bigint) {
    super(env, symbol);
    this.kind = kind;
    this.address = address;
  }

  fire(task: WorldTask, regs: PtRegs, args: readonly KernelArg[] = []): void {
    if (!this.attached) return;
    withArgs(this.env.mem, args, (values) => {
      const all: PtRegs = { ip: this.address, ...regs };
      for (const [i, value] of values.slice(0, ARGUMENT_REGISTERS.length).entries())
        all[ARGUMENT_REGISTERS[i]!] = value;
      this.withContext(PT_REGS_SIZE, (ctx) => {
        for (const { prog, cookie } of [...this.attachments]) {
          writeRegs(this.env.mem, ctx, all);
          this.env.execution.start(prog, ctx, { task, cookie, funcIp: this.address });
        }
      });
    });
  }
}

/** Raw tracepoints: programs that get a tracepoint's arguments as they are, u64s in an array. */
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { WorldTask } from '../world/task.ts';
import { AttachPoint } from './attach-point.ts';
import type { KernelArg, RawTracepointHook } from './hook.ts';
import { withArgs } from './pt-regs.ts';

/** The most arguments that a tracepoint has. */
export const MAX_ARGS = 12;
const ARG_SIZE = 8;
export const RAW_CONTEXT_SIZE = LAYOUTS.bpf_raw_tracepoint_args.size + MAX_ARGS * ARG_SIZE;

export class RawTracepoint extends AttachPoint implements RawTracepointHook {
  readonly kind = 'raw_tracepoint';

  fire(task: WorldTask, args: readonly KernelArg[]): void {
    if (!this.attached) return;
    withArgs(this.env.mem, args.slice(0, MAX_ARGS), (values) => {
      this.withContext(RAW_CONTEXT_SIZE, (ctx) => {
        for (const { prog, cookie } of [...this.attachments]) {
          for (let i = 0; i < MAX_ARGS; i++) this.env.mem.setU64(ctx + i * ARG_SIZE, values[i] ?? 0n);
          this.env.execution.start(prog, ctx, { task, cookie });
        }
      });
    });
  }
}

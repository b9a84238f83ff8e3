/** Sampling perf events: programs that run whenever an event has counted far enough. Somebody outside takes the samples. */
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { WorldTask } from '../world/task.ts';
import { type Attachment, AttachPoint, type HookEnv } from './attach-point.ts';
import type { PerfEventHook, PtRegs } from './hook.ts';
import { writeRegs } from './pt-regs.ts';

const { size: CONTEXT_SIZE, fields: CONTEXT } = LAYOUTS.bpf_perf_event_data;
const NS_PER_SECOND = 1e9;

export interface Sampling {
  readonly type: number;
  readonly config: bigint;
  readonly sampleFreq?: number;
  readonly samplePeriod?: number;
  readonly pid?: number;
  readonly cpu?: number;
}

export class PerfEventPoint extends AttachPoint implements PerfEventHook {
  readonly kind = 'perf_event';
  readonly type: number;
  readonly config: bigint;
  readonly pid: number;
  readonly cpu: number;
  readonly periodNs: number | undefined;

  readonly #active: Set<PerfEventPoint>;

  /** `active` lists the events that programs are attached to. */
  constructor(env: HookEnv, name: string, event: Sampling, active: Set<PerfEventPoint>) {
    super(env, name);
    this.#active = active;
    this.type = event.type;
    this.config = event.config;
    this.pid = event.pid ?? -1;
    this.cpu = event.cpu ?? -1;
    // The clocks count nanoseconds, so their period is one in time.
    this.periodNs = event.sampleFreq ? Math.round(NS_PER_SECOND / event.sampleFreq) : event.samplePeriod;
  }

  override attach(attachment: Attachment): void {
    this.#active.add(this);
    super.attach(attachment);
  }

  override detach(attachment: Attachment): void {
    this.#active.delete(this);
    super.detach(attachment);
  }

  fire(task: WorldTask, regs: PtRegs): void {
    this.withContext(CONTEXT_SIZE, (ctx) => {
      for (const { prog, cookie } of [...this.attachments]) {
        writeRegs(this.env.mem, ctx + CONTEXT.regs.offset, regs);
        this.env.mem.setU64(ctx + CONTEXT.sample_period.offset, BigInt(this.periodNs ?? 0));
        this.env.mem.setU64(ctx + CONTEXT.addr.offset, 0n);
        this.env.execution.start(prog, ctx, { task, cookie });
      }
    });
  }
}

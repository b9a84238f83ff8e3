/**
 * The programs of a cgroup at one place, and which of them run: its own and, as far as they let it, its ancestors'.
 *
 * Packets have hooks of their own (packet-hooks.ts). At the other places (sockets, addresses, options, sysctls, devices,
 * TCP events) nothing happens here by itself: who has a process do such a thing calls `run` with the context.
 */
import { EPERM } from '../../base/errno.ts';
import { BPF_F_ALLOW_MULTI } from '../../uapi/flags.ts';
import { BPF_CGROUP_SOCK_OPS } from '../../uapi/generated/constants.ts';
import type { WorldTask } from '../world/task.ts';
import { type Attachment, AttachPoint, type HookEnv } from './attach-point.ts';
import type { CgroupHook, CgroupVerdict } from './hook.ts';

/** What a cgroup's list of programs is to the commands that change it. */
export interface CgroupPoint extends AttachPoint {
  readonly cgroupId: bigint;
  readonly attachType: number;
  /** The same place of the parent cgroup. */
  readonly parent: CgroupPoint | null;
  /** BPF_F_ALLOW_OVERRIDE or BPF_F_ALLOW_MULTI, as the first program said; 0 while there is none. */
  flags: number;
}

export function allowsMulti({ flags }: CgroupPoint): boolean {
  return (flags & BPF_F_ALLOW_MULTI) !== 0;
}

/**
 * What runs for a process of this cgroup: its own programs first, then those of ancestors that allow several. A cgroup
 * without programs gets its nearest ancestor's.
 */
export function effectivePrograms(of: CgroupPoint): Attachment[] {
  const all: Attachment[] = [];
  for (let point: CgroupPoint | null = of; point !== null; point = point.parent) {
    if (point.attachments.length === 0) continue;
    if (all.length > 0 && !allowsMulti(point)) continue;
    all.push(...point.attachments);
  }
  return all;
}

/** Only the lowest bit of an answer says whether to go on; bind programs have others. */
const ALLOWED = 1;

export class CgroupCallPoint extends AttachPoint implements CgroupPoint, CgroupHook {
  readonly kind = 'cgroup';
  readonly cgroupId: bigint;
  readonly attachType: number;
  readonly parent: CgroupCallPoint | null;
  flags = 0;

  constructor(env: HookEnv, cgroupId: bigint, attachType: number, name: string, parent: CgroupCallPoint | null) {
    super(env, name);
    this.cgroupId = cgroupId;
    this.attachType = attachType;
    this.parent = parent;
  }

  override get attached(): boolean {
    return super.attached || (this.parent?.attached ?? false);
  }

  run(context: Uint8Array, task: WorldTask = this.env.swapper): CgroupVerdict {
    const verdict = { retval: 0 };
    let left = context;
    this.withContext(context.length, (ctx) => {
      const { mem, execution } = this.env;
      mem.write(ctx, context);
      for (const { prog, cookie } of effectivePrograms(this)) {
        const answer = execution.start(prog, ctx, { task, cookie, verdict });
        const refused = this.attachType !== BPF_CGROUP_SOCK_OPS && (answer & ALLOWED) === 0;
        if (refused && verdict.retval >= 0) verdict.retval = -EPERM;
      }
      left = mem.read(ctx, context.length);
    });
    return { retval: verdict.retval, context: left };
  }
}

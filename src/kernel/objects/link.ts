/**
 * Links: an attachment as an object of its own, which ends when the link does.
 */
import {
  BPF_LINK_TYPE_CGROUP,
  BPF_LINK_TYPE_ITER,
  BPF_LINK_TYPE_PERF_EVENT,
  BPF_LINK_TYPE_RAW_TRACEPOINT,
  BPF_LINK_TYPE_TCX,
  BPF_LINK_TYPE_XDP,
} from '../../uapi/generated/constants.ts';
import type { LinkInfo } from '../../uapi/infos.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import type { Ids } from './ids.ts';
import { KernelObject } from './object.ts';
import type { LoadedProg } from './prog.ts';

/** What kinds of link differ in. */
export interface LinkTarget {
  /** BPF_LINK_TYPE_* */
  readonly type: number;
  /** Undoes the attachment; called once. */
  detach(): void;
  /** The members of bpf_link_info that this type has. `attached` is false after LINK_DETACH. */
  describe(attached: boolean): Partial<LinkInfo>;
  /** The lines of fdinfo beside those that every link has. */
  fdInfo(attached: boolean): Record<string, string>;
  /** Whether LINK_DETACH (or only closing) ends it, and whether LINK_UPDATE may exchange the program. */
  readonly detachable: boolean;
  readonly updatable: boolean;
  /** The device it is attached to, which takes the attachment with it. */
  readonly ifindex?: number;
  /** What TASK_FD_QUERY knows of it; only raw tracepoints. */
  readonly rawTracepoint?: string;
}

export class Link extends KernelObject {
  readonly kind = 'link';
  readonly id: number;
  readonly target: LinkTarget;
  /** At the hook while attached; its program is held by the link in any case. */
  readonly #attachment: Attachment;
  readonly #ids: Ids<Link>;
  #attached = true;

  /**
   * `begin` attaches: it gets the link's id and answers what stands at the hook, whose reference to the program is the
   * link's from then on.
   */
  constructor(ids: Ids<Link>, target: LinkTarget, begin: (id: number) => Attachment) {
    super();
    this.#ids = ids;
    this.target = target;
    this.id = ids.add(this);
    this.#attachment = begin(this.id);
  }

  get prog(): LoadedProg {
    return this.#attachment.prog;
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** Puts another program in its place, taking a reference. */
  replace(prog: LoadedProg): void {
    const old = this.#attachment.prog;
    this.#attachment.prog = prog.hold();
    old.drop();
  }

  detach(): void {
    if (!this.#attached) return;
    this.#attached = false;
    this.target.detach();
  }

  protected override destroy(): void {
    this.#ids.remove(this.id);
    this.detach();
    this.#attachment.prog.drop();
  }
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [BPF_LINK_TYPE_RAW_TRACEPOINT]: 'raw_tracepoint',
  [BPF_LINK_TYPE_CGROUP]: 'cgroup',
  [BPF_LINK_TYPE_ITER]: 'iter',
  [BPF_LINK_TYPE_XDP]: 'xdp',
  [BPF_LINK_TYPE_PERF_EVENT]: 'perf',
  [BPF_LINK_TYPE_TCX]: 'tcx',
};

/** The name of a link type as the kernel prints it. */
export function linkTypeName(type: number): string {
  return TYPE_NAMES[type] ?? String(type);
}

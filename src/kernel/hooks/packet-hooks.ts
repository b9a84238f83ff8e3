/**
 * Where programs meet packets: XDP and tcx of a device, cgroup_skb of a cgroup, the filter of a socket.
 *
 * One attach point each; what differs is the context, the order of programs, and how their answers become a verdict.
 */
import type { Memory } from '../../base/memory.ts';
import {
  BPF_CGROUP_INET_EGRESS,
  BPF_CGROUP_INET_INGRESS,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
  TCX_DROP,
  TCX_NEXT,
  TCX_PASS,
  TCX_REDIRECT,
  XDP_PASS,
} from '../../uapi/generated/constants.ts';
import { type Attachment, AttachPoint, type HookEnv } from './attach-point.ts';
import { type CgroupPoint, effectivePrograms } from './cgroup-point.ts';
import { type Frame, SkbFrame, XdpFrame } from './frame.ts';
import type { PacketHook, PacketMeta, PacketVerdict, SocketFilterHook } from './hook.ts';

export type Direction = 'ingress' | 'egress';

abstract class PacketPoint extends AttachPoint {
  #running = false;

  /** Puts the packet into memory for the time of `use`. Undefined where memory is out or this hook already runs. */
  protected withFrame<F extends Frame, T>(make: (mem: Memory) => F | null, use: (frame: F) => T): T | undefined {
    if (this.#running) return undefined;
    const frame = make(this.env.mem);
    if (frame === null) return undefined;
    this.#running = true;
    try {
      return use(frame);
    } finally {
      this.#running = false;
      frame.free();
    }
  }

  protected startOn(frame: Frame, attachment: Attachment, meta: PacketMeta): number {
    const task = meta.task ?? this.env.swapper;
    return this.env.execution.start(attachment.prog, frame.ctx, { task, cookie: attachment.cookie, packet: frame });
  }
}

/** XDP: one program a device, which sees every packet first. */
export class XdpPoint extends PacketPoint implements PacketHook {
  readonly kind = 'xdp';
  readonly ifindex: number;
  /** How the program wanted to run; here both ways are the same. */
  mode: 'driver' | 'generic' = 'driver';

  constructor(env: HookEnv, ifindex: number, name: string) {
    super(env, name);
    this.ifindex = ifindex;
  }

  run(packet: Uint8Array, meta: PacketMeta = {}): PacketVerdict {
    const [attachment] = this.attachments;
    const untouched = verdict(XDP_PASS, packet);
    if (attachment === undefined) return untouched;
    const ran = this.withFrame(
      (mem) => XdpFrame.make(mem, packet),
      (frame) => {
        frame.describe(this.ifindex, meta.rxQueueIndex ?? 0);
        const answer = this.startOn(frame, attachment, meta);
        return { ...untouched, verdict: answer, packet: frame.packet, metadata: frame.metadata };
      },
    );
    return ran ?? untouched;
  }
}

/** tcx: programs in order, each of which may leave the decision to the next (TCX_NEXT). */
export class TcxPoint extends PacketPoint implements PacketHook {
  readonly kind = 'tcx';
  readonly ifindex: number;
  readonly attachType: number;

  constructor(env: HookEnv, ifindex: number, direction: Direction, name: string) {
    super(env, name);
    this.ifindex = ifindex;
    this.attachType = direction === 'ingress' ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
  }

  run(packet: Uint8Array, meta: PacketMeta = {}): PacketVerdict {
    const untouched = verdict(TCX_PASS, packet, meta);
    if (!this.attached) return untouched;
    const ran = this.withFrame(
      (mem) => SkbFrame.make(mem, packet),
      (frame) => {
        frame.describe(this.ifindex, meta);
        let answer: number = TCX_NEXT;
        for (const attachment of [...this.attachments]) {
          answer = this.startOn(frame, attachment, meta) | 0;
          if (answer !== TCX_NEXT) break;
        }
        // What is no verdict of tcx counts as "next", and nobody is left: the packet passes.
        const decided = answer === TCX_DROP || answer === TCX_REDIRECT ? answer : TCX_PASS;
        return leftBy(frame, decided);
      },
    );
    return ran ?? untouched;
  }
}

/** cgroup_skb: every program of the cgroup and, as far as they let it, of its ancestors; all must say 1. */
export class CgroupSkbPoint extends PacketPoint implements PacketHook, CgroupPoint {
  readonly kind = 'cgroup_skb';
  readonly cgroupId: bigint;
  readonly attachType: number;
  /** The same hook of the parent cgroup. */
  readonly parent: CgroupSkbPoint | null;
  /** BPF_F_ALLOW_OVERRIDE or BPF_F_ALLOW_MULTI, as the first program said; 0 while there is none. */
  flags = 0;

  constructor(env: HookEnv, cgroupId: bigint, direction: Direction, name: string, parent: CgroupSkbPoint | null) {
    super(env, name);
    this.cgroupId = cgroupId;
    this.attachType = direction === 'ingress' ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS;
    this.parent = parent;
  }

  override get attached(): boolean {
    return super.attached || (this.parent?.attached ?? false);
  }

  run(packet: Uint8Array, meta: PacketMeta = {}): PacketVerdict {
    const untouched = verdict(1, packet, meta);
    const programs = effectivePrograms(this);
    if (programs.length === 0) return untouched;
    const ran = this.withFrame(
      (mem) => SkbFrame.make(mem, packet),
      (frame) => {
        frame.networkHeader = frame.data; // no link-layer header up here
        frame.describe(0, { protocol: ipProtocol(packet), ...meta });
        let allowed = 1;
        for (const attachment of programs) allowed &= this.startOn(frame, attachment, meta);
        return leftBy(frame, allowed & 1);
      },
    );
    return ran ?? untouched;
  }
}

export class SocketFilterPoint extends PacketPoint implements SocketFilterHook {
  readonly kind = 'socket_filter';

  run(packet: Uint8Array, meta: PacketMeta = {}): number {
    const [attachment] = this.attachments;
    if (attachment === undefined) return packet.length;
    const kept = this.withFrame(
      (mem) => SkbFrame.make(mem, packet),
      (frame) => {
        frame.describe(0, meta);
        return Math.min(this.startOn(frame, attachment, meta), packet.length);
      },
    );
    return kept ?? packet.length;
  }
}

function verdict(value: number, packet: Uint8Array, meta: PacketMeta = {}): PacketVerdict {
  const { mark = 0, priority = 0 } = meta;
  return { verdict: value, packet, metadata: new Uint8Array(0), mark, priority };
}

function leftBy(frame: SkbFrame, value: number): PacketVerdict {
  const { packet, metadata } = frame;
  return { verdict: value, packet, metadata, mark: frame.get('mark'), priority: frame.get('priority') };
}

/** The EtherType of a packet that begins with an IP header. */
function ipProtocol(packet: Uint8Array): number {
  return packet[0] !== undefined && packet[0] >> 4 === 6 ? 0x86dd : 0x0800;
}

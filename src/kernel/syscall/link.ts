/** BPF_LINK_CREATE, BPF_LINK_UPDATE, BPF_LINK_DETACH. */
import { EINVAL, ENOLINK, EOPNOTSUPP, EPERM } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import { ATTACH_TYPES, attachTypeName } from '../../uapi/attach-types.ts';
import { BPF_F_REPLACE } from '../../uapi/flags.ts';
import {
  BPF_PERF_EVENT,
  BPF_PROG_TYPE_KPROBE,
  BPF_PROG_TYPE_PERF_EVENT,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_PROG_TYPE_TRACEPOINT,
  BPF_PROG_TYPE_TRACING,
  BPF_PROG_TYPE_XDP,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
  BPF_TRACE_ITER,
  BPF_XDP,
} from '../../uapi/generated/constants.ts';
import { progTypeName } from '../../uapi/prog-types.ts';
import { fitsCgroup, linkCgroup } from '../attach/cgroup.ts';
import { linkIterator } from '../attach/iterator.ts';
import { linkPerfEvent } from '../attach/perf-link.ts';
import { linkTcx } from '../attach/tcx.ts';
import { linkXdp } from '../attach/xdp.ts';
import { cgroupPlaces } from '../hooks/cgroup-places.ts';
import type { Handlers } from './handler.ts';

/** The attach types that a program type has as links here. */
const ATTACHABLE: ReadonlyMap<number, readonly number[]> = new Map([
  [BPF_PROG_TYPE_TRACING, [BPF_TRACE_ITER]],
  [BPF_PROG_TYPE_XDP, [BPF_XDP]],
  [BPF_PROG_TYPE_SCHED_CLS, [BPF_TCX_INGRESS, BPF_TCX_EGRESS]],
  [BPF_PROG_TYPE_KPROBE, [BPF_PERF_EVENT]],
  [BPF_PROG_TYPE_TRACEPOINT, [BPF_PERF_EVENT]],
  [BPF_PROG_TYPE_PERF_EVENT, [BPF_PERF_EVENT]],
]);

/** The attach type's name where Linux attaches programs of the type so. */
function linuxHas(attachType: number, progType: number): string | undefined {
  const name = attachTypeName(attachType);
  const type = progTypeName(progType);
  const types: readonly string[] = name === undefined ? [] : ATTACH_TYPES[name].progTypes;
  return type !== undefined && types.includes(type) ? name : undefined;
}

export const LINKS: Handlers<'LINK_CREATE' | 'LINK_UPDATE' | 'LINK_DETACH'> = {
  LINK_CREATE(client, attr) {
    const prog = client.object('prog', attr.prog_fd ?? 0);
    if (typeof prog === 'number') return prog;
    const attachType = attr.attach_type ?? 0;
    const target = attr.target_fd ?? 0;
    const flags = attr.flags ?? 0;
    if (prog.type === BPF_PROG_TYPE_TRACING && prog.attachType !== attachType) return -EINVAL;
    const allowed = ATTACHABLE.get(prog.type) ?? cgroupPlaces(prog.type);
    if (!allowed.includes(attachType)) {
      const missing = linuxHas(attachType, prog.type);
      if (missing !== undefined) throw new UnsupportedError(`attaching as ${missing} in the embedded kernel`);
      return -EINVAL;
    }
    switch (attachType) {
      case BPF_XDP:
        return linkXdp(client, prog, target, flags);
      case BPF_TCX_INGRESS:
      case BPF_TCX_EGRESS:
        return linkTcx(client, prog, target, attachType, { flags, relative: attr.tcx_relative_fd ?? 0 });
      case BPF_TRACE_ITER:
        return linkIterator(client, prog, target, flags, attr.iter_info ?? new Uint8Array(0));
      case BPF_PERF_EVENT:
        return linkPerfEvent(client, prog, target, BigInt(attr.perf_event_cookie ?? 0), flags);
      default:
        if (!fitsCgroup(prog, attachType)) return -EINVAL;
        return linkCgroup(client, prog, target, attachType, flags);
    }
  },

  LINK_UPDATE(client, attr) {
    const flags = attr.flags ?? 0;
    if ((flags & ~BPF_F_REPLACE) !== 0) return -EINVAL;
    const link = client.object('link', attr.link_fd ?? 0);
    if (typeof link === 'number') return link;
    if (!link.target.updatable) return -EINVAL;
    const prog = client.object('prog', attr.new_prog_fd ?? 0);
    if (typeof prog === 'number') return prog;
    if ((flags & BPF_F_REPLACE) !== 0) {
      const old = client.object('prog', attr.old_prog_fd ?? 0);
      if (typeof old === 'number') return old;
      if (old !== link.prog) return -EPERM;
    } else if (attr.old_prog_fd) return -EINVAL;
    if (!link.attached) return -ENOLINK;
    if (prog.type !== link.prog.type) return -EINVAL;
    link.replace(prog);
    return 0;
  },

  LINK_DETACH(client, attr) {
    const link = client.object('link', attr.link_fd ?? 0);
    if (typeof link === 'number') return link;
    if (!link.target.detachable) return -EOPNOTSUPP;
    link.detach();
    return 0;
  },
};

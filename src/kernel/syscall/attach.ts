/** BPF_PROG_ATTACH, BPF_PROG_DETACH, BPF_PROG_QUERY: attaching without a link, to tcx and cgroups. */
import { EINVAL, ENOSPC, ESTALE } from '../../base/errno.ts';
import { BPF_F_QUERY_EFFECTIVE, BPF_F_REPLACE } from '../../uapi/flags.ts';
import { BPF_PROG_TYPE_SCHED_CLS } from '../../uapi/generated/constants.ts';
import { attachCgroup, cgroupPoint, detachCgroup, fitsCgroup } from '../attach/cgroup.ts';
import { attachTcx, detachTcx, isTcx, tcxPoint } from '../attach/tcx.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import { cgroupProgType } from '../hooks/cgroup-places.ts';
import { effectivePrograms } from '../hooks/cgroup-point.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Handlers } from './handler.ts';

export const ATTACH: Handlers<'PROG_ATTACH' | 'PROG_DETACH' | 'PROG_QUERY'> = {
  PROG_ATTACH(client, attr) {
    const attachType = attr.attach_type ?? 0;
    const type = progTypeOf(attachType);
    if (type === undefined) return -EINVAL;
    const prog = client.object('prog', attr.attach_bpf_fd ?? 0);
    if (typeof prog === 'number') return prog;
    if (prog.type !== type || !fitsCgroup(prog, attachType)) return -EINVAL;
    const flags = attr.attach_flags ?? 0;
    const replaced = (flags & BPF_F_REPLACE) !== 0 ? client.object('prog', attr.replace_bpf_fd ?? 0) : undefined;
    if (typeof replaced === 'number') return replaced;
    const target = attr.target_fd ?? 0;
    if (!isTcx(attachType)) return attachCgroup(client, prog, target, attachType, flags, replaced);
    const error = checkRevision(client, target, attachType, attr.expected_revision);
    if (error !== 0) return error;
    const where = { flags, relative: attr.relative_fd ?? 0 };
    return attachTcx(client, prog, target, attachType, where, replaced);
  },

  PROG_DETACH(client, attr) {
    const attachType = attr.attach_type ?? 0;
    if (progTypeOf(attachType) === undefined) return -EINVAL;
    const fd = attr.attach_bpf_fd ?? 0;
    const prog: LoadedProg | number | undefined = fd === 0 ? undefined : client.object('prog', fd);
    if (typeof prog === 'number') return prog;
    const target = attr.target_fd ?? 0;
    if (!isTcx(attachType)) return detachCgroup(client, prog, target, attachType);
    const error = checkRevision(client, target, attachType, attr.expected_revision);
    return error !== 0 ? error : detachTcx(client, prog, target, attachType);
  },

  PROG_QUERY(client, attr) {
    const attachType = attr.attach_type ?? 0;
    const target = attr.target_fd ?? 0;
    const flags = attr.query_flags ?? 0;
    if ((flags & ~BPF_F_QUERY_EFFECTIVE) !== 0) return -EINVAL;
    if (isTcx(attachType)) {
      const point = flags === 0 ? tcxPoint(client, target, attachType) : -EINVAL;
      return typeof point === 'number' ? point : answer(attr, point.attachments, 0, point.revision);
    }
    if (cgroupProgType(attachType) === undefined) return -EINVAL;
    const point = cgroupPoint(client, target, attachType);
    if (typeof point === 'number') return point;
    const effective = (flags & BPF_F_QUERY_EFFECTIVE) !== 0;
    return answer(
      attr,
      effective ? effectivePrograms(point) : point.attachments,
      effective ? 0 : point.flags,
      point.revision,
    );
  },
};

/** The program type that an attach type takes here. */
function progTypeOf(attachType: number): number | undefined {
  if (isTcx(attachType)) return BPF_PROG_TYPE_SCHED_CLS;
  return cgroupProgType(attachType);
}

/** Whether a list is still as the caller saw it, where the caller says how. */
function checkRevision(client: Client, ifindex: number, attachType: number, expected: bigint | number = 0): number {
  if (BigInt(expected) === 0n) return 0;
  const point = tcxPoint(client, ifindex, attachType);
  if (typeof point === 'number') return point;
  return point.revision === BigInt(expected) ? 0 : -ESTALE;
}

interface Rooms {
  prog_ids?: number;
  prog_attach_flags?: number;
  link_ids?: number;
  link_attach_flags?: number;
}

function answer(rooms: Rooms, list: readonly Attachment[], attachFlags: number, revision: bigint) {
  const ids = Uint32Array.from(list, ({ prog }) => prog.id);
  const links = Uint32Array.from(list, ({ linkId }) => linkId);
  const none = new Uint32Array(list.length);
  const short = rooms.prog_ids !== undefined && rooms.prog_ids > 0 && rooms.prog_ids < ids.byteLength;
  return {
    ret: short ? -ENOSPC : 0,
    attach_flags: attachFlags,
    prog_cnt: list.length,
    prog_ids: cut(ids, rooms.prog_ids),
    prog_attach_flags: cut(none, rooms.prog_attach_flags),
    link_ids: cut(links, rooms.link_ids),
    link_attach_flags: cut(none, rooms.link_attach_flags),
    revision,
  };
}

function cut(values: Uint32Array, room = 0): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice(0, room);
}

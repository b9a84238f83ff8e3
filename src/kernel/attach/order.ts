/**
 * Where in a list of programs a new one goes: BPF_F_BEFORE, BPF_F_AFTER, BPF_F_REPLACE and what they refer to.
 */
import { EEXIST, EINVAL, ENOENT, ERANGE } from '../../base/errno.ts';
import { BPF_F_AFTER, BPF_F_BEFORE, BPF_F_ID, BPF_F_LINK } from '../../uapi/flags.ts';
import type { Client } from '../client.ts';
import type { Attachment } from '../hooks/attach-point.ts';
import type { LoadedProg } from '../objects/prog.ts';

/** The most programs at one hook. */
const MAX_PROGRAMS = 64;

export interface Placement {
  readonly flags: number;
  /** A descriptor or, with BPF_F_ID, an id: of a program or, with BPF_F_LINK, of a link. 0: the list's begin or end. */
  readonly relative: number;
}

/** The index to insert at, or -errno. */
export function placeFor(client: Client, list: readonly Attachment[], prog: LoadedProg, where: Placement): number {
  if (list.some((other) => other.prog === prog)) return -EEXIST;
  if (list.length >= MAX_PROGRAMS) return -ERANGE;
  const before = (where.flags & BPF_F_BEFORE) !== 0;
  const after = (where.flags & BPF_F_AFTER) !== 0;
  if (where.relative === 0 && (where.flags & (BPF_F_ID | BPF_F_LINK)) === 0) {
    if (before && after) return list.length === 0 ? 0 : -EINVAL;
    return before ? 0 : list.length;
  }
  const at = indexOf(client, list, where);
  if (at < 0) return at;
  if (before === after) return -EINVAL;
  return before ? at : at + 1;
}

/** The index of the program or link that a placement refers to. */
function indexOf(client: Client, list: readonly Attachment[], { flags, relative }: Placement): number {
  const byId = (flags & BPF_F_ID) !== 0;
  let found: number;
  if ((flags & BPF_F_LINK) !== 0) {
    const link = byId ? client.core.links.get(relative) : client.object('link', relative);
    if (link === undefined) return -ENOENT;
    if (typeof link === 'number') return link;
    found = list.findIndex((other) => other.linkId === link.id);
  } else {
    const prog = byId ? client.core.progs.get(relative) : client.object('prog', relative);
    if (prog === undefined) return -ENOENT;
    if (typeof prog === 'number') return prog;
    found = list.findIndex((other) => other.prog === prog);
  }
  return found < 0 ? -ENOENT : found;
}

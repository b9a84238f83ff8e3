/** Places that hold many programs, and where among them a new one goes: the fields of LINK_CREATE. */
import type { Attr } from '../uapi/commands.ts';
import { BPF_F_AFTER, BPF_F_BEFORE, BPF_F_LINK } from '../uapi/flags.ts';
import type { AttachOptions } from './attach-options.ts';
import { BpfLink } from './link.ts';

/** What `flags` and `place` mean for links of that kind. */
export function among(kind: 'tcx' | 'netkit' | 'cgroup', { flags = 0, place }: AttachOptions): Attr<'LINK_CREATE'> {
  if (place === undefined) return { flags };
  if (place === 'first') return { flags: flags | BPF_F_BEFORE };
  if (place === 'last') return { flags: flags | BPF_F_AFTER };
  const before = 'before' in place;
  const other = before ? place.before : place.after;
  const how = (before ? BPF_F_BEFORE : BPF_F_AFTER) | (other instanceof BpfLink ? BPF_F_LINK : 0);
  return { flags: flags | how, [`${kind}_relative_fd`]: other.fd };
}

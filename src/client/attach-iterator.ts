/** Iterators: programs that run for each object of a kind when somebody reads. The link says which objects. */
import { view } from '../base/bytes.ts';
import { Bpf } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { link } from './attach-link.ts';
import type { AttachOptions, IteratorScope } from './attach-options.ts';
import type { BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

/** sizeof(union bpf_iter_link_info). */
const INFO_SIZE = 16;

const ORDERS = {
  self: C.BPF_CGROUP_ITER_SELF_ONLY,
  'parents-first': C.BPF_CGROUP_ITER_DESCENDANTS_PRE,
  'children-first': C.BPF_CGROUP_ITER_DESCENDANTS_POST,
  upwards: C.BPF_CGROUP_ITER_ANCESTORS_UP,
} as const;

export async function iterator(program: BpfProgram, { only, map, flags = 0 }: AttachOptions): Promise<BpfLink> {
  const where = { attach_type: C.BPF_TRACE_ITER, flags };
  if (map) return link(program, { ...where, iter_info: words(map.fd) });
  if (!only) return link(program, where);
  if (!('cgroup' in only)) return link(program, { ...where, iter_info: tasks(only) });
  const { kernel } = program;
  // The link holds the cgroup; the descriptor was to name it.
  return new Bpf(kernel).withFd(kernel.openCgroup(only.cgroup), (fd) =>
    link(program, { ...where, iter_info: words(ORDERS[only.order ?? 'self'], fd) }),
  );
}

function tasks(only: Exclude<IteratorScope, { cgroup: string }>): Uint8Array {
  return 'tid' in only ? words(only.tid) : words(0, only.pid);
}

/** The union's 32-bit members, as many as are wanted. */
function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(INFO_SIZE);
  const dv = view(bytes);
  values.forEach((value, i) => {
    dv.setUint32(4 * i, value, true);
  });
  return bytes;
}

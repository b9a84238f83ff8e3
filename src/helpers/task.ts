/** Helpers about the task in whose context the program runs. */
import { fixedCString } from '../base/bytes.ts';
import { E2BIG, EAGAIN, EINVAL } from '../base/errno.ts';
import { CgroupArrayMap } from '../maps/index.ts';
import { answer64, type Helper, wide } from './helper.ts';

/** tgid in the high half, pid in the low half. */
export const get_current_pid_tgid: Helper = {
  args: '',
  ret: 'u64',
  bind: (env) => () => {
    const task = env.currentTask();
    env.retHi = task.tgid;
    return task.pid;
  },
};

/** gid in the high half, uid in the low half. */
export const get_current_uid_gid: Helper = {
  args: '',
  ret: 'u64',
  bind: (env) => () => {
    const task = env.currentTask();
    env.retHi = task.gid | 0;
    return task.uid | 0;
  },
};

/** Fills the whole of `buf`: the name, cut so that a zero ends it, and zeros. */
export const get_current_comm: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (buf, size) => {
    if (size! <= 0) return -EINVAL;
    env.mem.write(buf! >>> 0, fixedCString(env.currentTask().comm, size!));
    return 0;
  },
};

/** The address of the task_struct. */
const taskAddress: Helper = { args: '', ret: 'ptr', bind: (env) => () => env.currentTask().addr };
export const get_current_task: Helper = taskAddress;
export const get_current_task_btf: Helper = taskAddress;

export const get_current_cgroup_id: Helper = {
  args: '',
  ret: 'u64',
  bind: (env) => () => answer64(env, env.currentTask().cgroupId),
};

/** The id of the ancestor at `level`, the root being 0; 0 where there is none. */
export const get_current_ancestor_cgroup_id: Helper = {
  args: 'i',
  ret: 'u64',
  bind: (env) => (level) => answer64(env, env.currentTask().cgroupAncestors[level!] ?? 0n),
};

/** 1 or 0; -E2BIG past the end of the map, -EAGAIN for an empty slot. */
export const current_task_under_cgroup: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (mapAddr, index) => {
    const map = env.mapAt(mapAddr! >>> 0);
    if (!(map instanceof CgroupArrayMap)) return -EINVAL;
    if (index! >>> 0 >= map.def.maxEntries) return -E2BIG;
    const cgroup = map.cgroup(index! >>> 0);
    if (cgroup === undefined) return -EAGAIN;
    return env.currentTask().cgroupAncestors.includes(BigInt(cgroup.id)) ? 1 : 0;
  },
};

/** struct bpf_pidns_info: u32 pid, u32 tgid. */
const PIDNS_INFO_SIZE = 8;

/** Fills a bpf_pidns_info; -EINVAL, and zeros, for a namespace that the task is not in. */
export const get_ns_current_pid_tgid: Helper = {
  args: 'LLii',
  ret: 'int',
  bind: (env) => (dev, devHi, ino, inoHi, info, size) => {
    const at = info! >>> 0;
    const pids =
      size === PIDNS_INFO_SIZE ? env.currentTask().pidsIn(wide(dev!, devHi!), wide(ino!, inoHi!)) : undefined;
    if (pids === undefined) {
      env.mem.fill(at, size! >>> 0, 0);
      return -EINVAL;
    }
    env.mem.setLoHi(at, pids.pid, pids.tgid);
    return 0;
  },
};

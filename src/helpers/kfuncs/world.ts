/** Kernel functions on tasks and cgroups of the world. Who holds a task keeps its task_struct; cgroups stay in any case. */
import type { Helper } from '../helper.ts';
import { wide } from '../helper.ts';

export const bpf_task_acquire: Helper = {
  args: 'i',
  ret: 'ptr',
  bind: (env) => (task) => (env.holdTask(task! >>> 0) ? task! >>> 0 : 0),
};

export const bpf_task_release: Helper = {
  args: 'i',
  ret: 'void',
  bind: (env) => (task) => {
    env.releaseTask(task! >>> 0);
    return 0;
  },
};

export const bpf_task_from_pid: Helper = {
  args: 'i',
  ret: 'ptr',
  bind: (env) => (pid) => {
    const task = pid! > 0 ? env.taskOf(pid!) : undefined;
    return task !== undefined && env.holdTask(task.addr) ? task.addr : 0;
  },
};

export const bpf_task_under_cgroup: Helper = {
  args: 'ii',
  ret: 'int',
  bind: (env) => (task, cgroup) => {
    const id = env.cgroupAt(cgroup! >>> 0);
    return id !== undefined && env.taskAt(task! >>> 0)?.cgroupAncestors.includes(id) ? 1 : 0;
  },
};

export const bpf_cgroup_from_id: Helper = {
  args: 'L',
  ret: 'ptr',
  bind: (env) => (lo, hi) => env.cgroupOf(wide(lo!, hi!)),
};

export const bpf_cgroup_acquire: Helper = { args: 'i', ret: 'ptr', bind: () => (cgroup) => cgroup! >>> 0 };
export const bpf_cgroup_release: Helper = { args: 'i', ret: 'void', bind: () => () => 0 };

/** The ancestor at a level, 0 for the root; the cgroup itself is one. */
export const bpf_cgroup_ancestor: Helper = {
  args: 'ii',
  ret: 'ptr',
  bind: (env) => (cgroup, level) => env.cgroupAncestor(cgroup! >>> 0, level!),
};

/**
 * Tasks in linear memory: task_struct, and the structures it points to, in the reference kernel's layout.
 *
 * A task gets its block when a program first asks for it. What programs commonly follow is filled in: ids, comm,
 * parents, credentials, start times, the pid namespace. All else is zero, and NULL pointers read as zeros.
 *
 *     task_struct -> real_parent, parent, group_leader (task_struct)
 *                 -> real_cred, cred (cred)
 *                 -> thread_pid (pid) -> numbers[level].ns (pid_namespace)
 *                 -> nsproxy -> pid_ns_for_children (pid_namespace)
 */
import { fixedCString } from '../../base/bytes.ts';
import type { Addr, Memory } from '../../base/memory.ts';
import type { Btf } from '../../btf/index.ts';
import { Layout } from './layout.ts';

/** What a block is filled from. */
export interface TaskFields {
  pid: number;
  tgid: number;
  comm: string;
  uid: number;
  gid: number;
  euid: number;
  egid: number;
  startTime: bigint;
  nsPid: number;
  nsTgid: number;
  pidNamespace: number;
  /** Addresses of other task blocks. */
  parent: Addr;
  leader: Addr;
}

/** Offsets of the parts of one block. */
interface Plan {
  task: Layout;
  cred: Layout;
  nsproxy: Layout;
  pid: Layout;
  upid: Layout;
  pidNamespace: Layout;
}

/** Levels of pid namespaces: the first one, and the one a task sees itself in. */
const LEVELS = 2;
/** Inode of the first pid namespace, as on every Linux. */
export const FIRST_PID_NAMESPACE = 0xeffffffc;

export class TaskBlocks {
  readonly #mem: Memory;
  readonly #btf: () => Btf | undefined;
  #plan: Plan | undefined;

  /** `btf` is asked for with the first block; undefined: it is not there yet. */
  constructor(mem: Memory, btf: () => Btf | undefined) {
    this.#mem = mem;
    this.#btf = btf;
  }

  /** An empty block, or 0 where memory is out or the layout unknown. Give it back with `mem.free`. */
  allocate(): Addr {
    const plan = this.#layouts();
    return plan === undefined ? 0 : this.#mem.alloc(partsOf(plan).size, 64);
  }

  /** `addr`: what allocate answered. */
  fill(addr: Addr, fields: TaskFields): void {
    const plan = this.#layouts();
    if (plan === undefined) return;
    const parts = partsOf(plan);
    const cred = addr + parts.cred;
    const nsproxy = addr + parts.nsproxy;
    const pid = addr + parts.pid;
    const namespace = addr + parts.pidNamespace;
    const inFirst = fields.pidNamespace === FIRST_PID_NAMESPACE;

    const task = (path: string, value: number | bigint) => this.#set(addr, plan.task, path, value);
    task('pid', fields.pid);
    task('tgid', fields.tgid);
    task('real_parent', fields.parent);
    task('parent', fields.parent);
    task('group_leader', fields.leader === 0 ? addr : fields.leader);
    task('start_time', fields.startTime);
    task('start_boottime', fields.startTime);
    task('real_cred', cred);
    task('cred', cred);
    task('nsproxy', nsproxy);
    task('thread_pid', pid);
    const comm = plan.task.member('comm');
    if (comm) this.#mem.write(addr + comm.offset, fixedCString(fields.comm, comm.size));

    for (const name of ['uid', 'suid', 'fsuid']) this.#set(cred, plan.cred, name, fields.uid);
    for (const name of ['gid', 'sgid', 'fsgid']) this.#set(cred, plan.cred, name, fields.gid);
    this.#set(cred, plan.cred, 'euid', fields.euid);
    this.#set(cred, plan.cred, 'egid', fields.egid);

    this.#set(nsproxy, plan.nsproxy, 'pid_ns_for_children', namespace);
    this.#set(namespace, plan.pidNamespace, 'ns.inum', fields.pidNamespace);
    this.#set(namespace, plan.pidNamespace, 'level', inFirst ? 0 : 1);
    this.#set(pid, plan.pid, 'level', inFirst ? 0 : 1);
    const numbers = plan.pid.member('numbers');
    if (numbers === undefined) return;
    const at = pid + numbers.offset;
    this.#set(at, plan.upid, 'nr', fields.pid);
    this.#set(at, plan.upid, 'ns', inFirst ? namespace : 0);
    if (inFirst) return;
    this.#set(at + plan.upid.size, plan.upid, 'nr', fields.nsPid);
    this.#set(at + plan.upid.size, plan.upid, 'ns', namespace);
  }

  #layouts(): Plan | undefined {
    if (this.#plan === undefined) {
      const btf = this.#btf();
      if (btf === undefined) return undefined;
      this.#plan = {
        task: new Layout(btf, 'task_struct'),
        cred: new Layout(btf, 'cred'),
        nsproxy: new Layout(btf, 'nsproxy'),
        pid: new Layout(btf, 'pid'),
        upid: new Layout(btf, 'upid'),
        pidNamespace: new Layout(btf, 'pid_namespace'),
      };
    }
    return this.#plan;
  }

  #set(addr: Addr, layout: Layout, path: string, value: number | bigint): void {
    const member = layout.member(path);
    if (member === undefined) return; // a kernel that lacks it has no program that reads it
    if (member.size === 8) this.#mem.setU64(addr + member.offset, BigInt(value));
    else this.#mem.setU32(addr + member.offset, Number(value));
  }
}

function partsOf(plan: Plan) {
  const align = (n: number) => Math.ceil(n / 64) * 64;
  const cred = align(plan.task.size);
  const nsproxy = cred + align(plan.cred.size);
  const pid = nsproxy + align(plan.nsproxy.size);
  const pidNamespace = pid + align(plan.pid.size + LEVELS * plan.upid.size);
  return { cred, nsproxy, pid, pidNamespace, size: pidNamespace + align(plan.pidNamespace.size) };
}

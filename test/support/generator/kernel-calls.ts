/**
 * Calls of functions of the kernel, by their prototypes; and objects that programs own: allocated, linked into lists and
 * trees, counted, kept in maps, given back.
 */
import {
  BPF_ADD,
  BPF_JEQ,
  BPF_JMP,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
} from '../../../src/isa/index.ts';
import { mayCall } from '../../../src/uapi/call-access.ts';
import * as abi from '../../../src/uapi/generated/constants.ts';
import { KFUNCS, type KfuncRow } from '../../../src/uapi/kfuncs.ts';
import { textMap } from './helper-calls.ts';
import { KERNEL_FUNCTIONS } from './kernel-names.ts';
import { kernelPrototype, type Parameter } from './kernel-types.ts';
import { FP, type Generator, type Reg } from './program.ts';
import { Early, followPointer, kernelPointer, PLACES, pointAt, typedValue, writtenBuffer } from './sources.ts';

type Name = (typeof KERNEL_FUNCTIONS)[number];
const KFUNC_CALL = 2;
const SLEEPABLE = 16;
const ITERATOR_STEP = /^bpf_iter_.*_(new|next|destroy)$/;
const NONE: Reg = { kind: 'none', limit: undefined };
const OBJECT = 7;
const OTHER = 8;
const THIRD = 9;

export function callKernel(g: Generator, name: Name): void {
  g.out.raw(0x85, 0, KFUNC_CALL, 0, KERNEL_FUNCTIONS.indexOf(name));
  for (let r = 1; r <= 5; r++) g.set(r, 'none');
  g.set(0, 'none');
}

/** The functions that a program at the generator's place may call. */
export function callableFunctions(g: Generator): Name[] {
  const { progType, attachType } = g.place;
  const sleepable = ((g.place.flags ?? 0) & SLEEPABLE) !== 0;
  return KERNEL_FUNCTIONS.filter((name) => {
    const { flags }: KfuncRow = KFUNCS[name];
    if (name.startsWith('__') || name.startsWith('bpf_xdp_metadata')) return false;
    return mayCall(KFUNCS[name], progType, attachType) && (sleepable || !flags.includes('sleepable'));
  });
}

/** What gives an object back, by the structure that it is. */
const RELEASES: Readonly<Record<string, Name>> = {
  task_struct: 'bpf_task_release',
  cgroup: 'bpf_cgroup_release',
  bpf_cpumask: 'bpf_cpumask_release',
  cpumask: 'bpf_cpumask_release',
  file: 'bpf_put_file',
  bpf_key: 'bpf_key_put',
};

export function kernelCall(g: Generator): void {
  g.verdictOnly = true;
  const name = g.random.pick(g.random.oneIn(40) ? KERNEL_FUNCTIONS : g.functions);
  if (ITERATOR_STEP.test(name) && !g.mistake()) return iterated(g);
  const proto = kernelPrototype(name);
  if (proto === undefined || proto.params.length > 5) return;
  const { flags } = KFUNCS[name] as KfuncRow;
  const early = new Early(g);
  for (const { pointsTo } of proto.params) prepare(g, early, pointsTo);
  for (const [i, param] of proto.params.entries()) argument(g, param, i + 1, name);
  callKernel(g, name);
  if (flags.includes('ret_null') || (proto.returns !== undefined && g.random.oneIn(3))) early.ifNull(0);
  if (proto.returns !== undefined && proto.returns !== '' && g.random.oneIn(2)) {
    g.out.movReg(THIRD, 0);
    followPointer(g, early, THIRD, proto.returns);
    g.out.movReg(0, THIRD);
  } else if (proto.returns === '' && g.random.oneIn(2))
    g.out.load(g.random.pick([1, 4, 8]), 1, 0, g.random.pick([0, 8, 64]));
  const release = proto.returns === undefined ? undefined : RELEASES[proto.returns];
  if (flags.includes('acquire') && release !== undefined && !g.mistake()) {
    g.out.movReg(1, 0);
    callKernel(g, release);
  }
  for (const r of [OBJECT, OTHER, THIRD]) g.set(r, 'none');
  early.end();
}

/** An open-coded iterator of any kind: made, asked until it has no more, ended. */
function iterated(g: Generator): void {
  if (g.depth > 1) return;
  const kinds = g.functions.flatMap((name) => /^(bpf_iter_.*)_new$/.exec(name)?.[1] ?? []);
  if (kinds.length === 0) return;
  const kind = g.random.pick(kinds);
  const [create, next, destroy] = ['new', 'next', 'destroy'].map((step) => `${kind}_${step}` as Name) as [
    Name,
    Name,
    Name,
  ];
  const proto = kernelPrototype(create)!;
  const early = new Early(g);
  for (const { pointsTo } of proto.params.slice(1)) prepare(g, early, pointsTo);
  for (const [i, param] of proto.params.entries()) argument(g, param, i + 1, create);
  callKernel(g, create);
  const head = g.out.pc;
  for (const r of [0, OBJECT, OTHER, THIRD]) g.set(r, 'none');
  g.slots.fill(false);
  pointAt(g, 1, PLACES.iterator);
  callKernel(g, next);
  const done = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  const struct = kernelPrototype(next)?.returns;
  if (struct) {
    g.out.movReg(THIRD, 0);
    followPointer(g, early, THIRD, struct);
  } else g.out.load(4, 1, 0, 0);
  if (!g.random.oneIn(4)) g.out.jumpTo(g.out.jump(), head);
  if (done >= 0) g.out.land(done);
  pointAt(g, 1, PLACES.iterator);
  if (!g.mistake()) callKernel(g, destroy);
  for (const r of [1, OBJECT, OTHER, THIRD]) g.set(r, 'none');
  early.end();
}

/** Something of the structure in OBJECT, where a function wants it. */
function prepare(g: Generator, early: Early, struct: string | undefined): void {
  if (struct === undefined || struct === '') return;
  if (struct === 'bpf_dynptr') {
    pointAt(g, 4, PLACES.dynptr);
    g.out.ldImm64(
      1,
      g.mapOf({ type: abi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 64, maxEntries: 1 }),
      0,
      BPF_PSEUDO_MAP_VALUE,
    );
    g.out.movImm(2, 16);
    g.out.movImm(3, 0);
    g.out.call(abi.BPF_FUNC_dynptr_from_mem);
    g.afterCall();
  } else if ((struct === 'bpf_cpumask' || struct === 'cpumask') && g.functions.includes('bpf_cpumask_create')) {
    callKernel(g, 'bpf_cpumask_create');
    early.ifNull(0);
    g.out.movReg(OBJECT, 0);
    g.set(OBJECT, 'none');
  } else if (!struct.startsWith('bpf_')) {
    const have = kernelPointer(g, early, OBJECT);
    if (have === undefined || have === struct) return;
    const through = { cgroup: [232, 48] }[struct as 'cgroup'];
    if (through === undefined) return;
    for (const off of through) g.out.load(8, OBJECT, OBJECT, off);
  }
}

function argument(g: Generator, { name: param, pointsTo }: Parameter, reg: number, name: Name): void {
  if (g.mistake()) return g.out.movReg(reg, g.random.pick([0, 6, OBJECT, FP]));
  const ctx = g.of('ctx').filter((r) => r >= 6);
  if (pointsTo === undefined)
    return g.out.movImm(reg, param.endsWith('__szk') || param.endsWith('__sz') ? 8 : g.random.pick([0, 0, 1, 16]));
  if (param.endsWith('__nullable') && g.random.oneIn(3)) return g.out.movImm(reg, 0);
  if (param.endsWith('__ign')) return g.out.movImm(reg, 0);
  if (param.endsWith('__map')) {
    g.out.ldImm64(
      reg,
      g.mapOf({ type: abi.BPF_MAP_TYPE_HASH, keySize: 8, valueSize: 32, maxEntries: 4 }),
      0,
      BPF_PSEUDO_MAP_FD,
    );
    return;
  }
  if (param.endsWith('__str')) {
    g.out.ldImm64(reg, textMap(g), 0, BPF_PSEUDO_MAP_VALUE);
    return;
  }
  if (param.endsWith('__irq_flag')) return pointAt(g, reg, PLACES.flags);
  if (pointsTo === 'bpf_dynptr') return pointAt(g, reg, param.endsWith('__uninit') ? PLACES.dynptr2 : PLACES.dynptr);
  if (pointsTo.startsWith('bpf_iter_')) return pointAt(g, reg, PLACES.iterator);
  if (pointsTo === '') return writtenBuffer(g, reg, 16);
  if (
    /^(__sk_buff|xdp_md|sk_buff|xdp_buff|bpf_sock_addr_kern|sk_reuseport|bpf_nf_ctx)/.test(pointsTo) &&
    ctx.length > 0
  ) {
    return g.out.movReg(reg, ctx[0]!);
  }
  if (name === 'bpf_cast_to_kern_ctx' && ctx.length > 0) return g.out.movReg(reg, ctx[0]!);
  g.out.movReg(reg, OBJECT);
}

/** Objects of the program's own: made, written, linked or kept, dropped. */
export function ownObject(g: Generator): void {
  if (!g.functions.includes('bpf_obj_new_impl') && !g.mistake()) return kernelCall(g);
  g.verdictOnly = true;
  const early = new Early(g);
  const kind = g.random.pick(['object', 'node', 'node', 'single']);
  g.out.movImm(1, g.types.objects[kind]! + (g.mistake() ? 1 : 0));
  g.out.movImm(2, 0);
  callKernel(g, 'bpf_obj_new_impl');
  early.ifNull(0);
  g.out.movReg(OBJECT, 0);
  g.set(OBJECT, 'none');
  const data = { object: 8, node: 56, single: 32 }[kind]!;
  if (g.random.oneIn(2)) g.out.storeImm(8, OBJECT, g.mistake() ? 8 : data, g.random.edgy());
  const use = g.random.weighted<(g: Generator, early: Early, kind: string) => boolean>([
    [2, () => false],
    [kind === 'object' || NO_LOCKS.includes(g.progType) ? 0 : 3, pushed],
    [kind === 'node' ? 2 : 0, counted],
    [kind === 'object' ? 3 : 0, exchanged],
  ])(g, early, kind);
  if (!use && !g.mistake()) drop(g, OBJECT);
  if (g.mistake()) g.out.load(8, 1, OBJECT, data);
  early.end();
  for (const r of [OBJECT, OTHER, THIRD]) g.set(r, 'none');
}

function drop(g: Generator, reg: number): void {
  g.out.movReg(1, reg);
  g.out.movImm(2, 0);
  callKernel(g, 'bpf_obj_drop_impl');
}

function lock(g: Generator, helper: number, base: number, off: number): void {
  if (g.mistake()) return;
  g.out.movReg(1, base);
  g.out.aluImm(BPF_ADD, 1, off, true);
  g.out.call(helper);
  g.afterCall();
  g.set(0, 'none');
}

/** Linked into a list or tree of a map's value, under its lock; perhaps the first of it is taken out again. */
function pushed(g: Generator, early: Early, kind: string): boolean {
  const name = kind === 'single' ? 'singles' : g.random.pick(['lists', 'trees'] as const);
  const value = typedValue(g, early, name, OTHER);
  if (value === undefined) return false;
  const { lock: at = 0, head = 0, root = 0 } = value.fields;
  lock(g, abi.BPF_FUNC_spin_lock, OTHER, at);
  g.out.movReg(1, OTHER);
  g.out.aluImm(BPF_ADD, 1, name === 'trees' ? root : head, true);
  g.out.movReg(2, OBJECT);
  g.out.aluImm(BPF_ADD, 2, kind === 'single' ? 8 : name === 'trees' ? 24 : 0, true);
  if (name === 'trees') {
    g.calls.push({ pc: g.out.ldImm64(3, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
    g.subprogs.push({ args: [NONE, NONE], callback: true });
    g.out.movImm(4, 0);
    g.out.movImm(5, 0);
    callKernel(g, 'bpf_rbtree_add_impl');
  } else {
    g.out.movImm(3, 0);
    g.out.movImm(4, 0);
    callKernel(g, g.random.pick(['bpf_list_push_front_impl', 'bpf_list_push_back_impl']));
  }
  const takes = g.random.oneIn(2);
  if (takes) {
    g.out.movReg(1, OTHER);
    g.out.aluImm(BPF_ADD, 1, name === 'trees' ? root : head, true);
    callKernel(
      g,
      name === 'trees'
        ? g.random.pick(['bpf_rbtree_first', 'bpf_rbtree_root'])
        : g.random.pick(['bpf_list_pop_front', 'bpf_list_pop_back', 'bpf_list_front', 'bpf_list_back']),
    );
    g.out.movReg(THIRD, 0);
  }
  lock(g, abi.BPF_FUNC_spin_unlock, OTHER, at);
  if (!takes) return true;
  const none = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, THIRD, 0, 0);
  g.out.aluImm(BPF_ADD, THIRD, kind === 'single' ? -8 : name === 'trees' ? -24 : 0, true);
  if (g.random.oneIn(2)) g.out.load(8, 1, THIRD, kind === 'single' ? 0 : 56);
  drop(g, THIRD);
  if (none >= 0) g.out.land(none);
  return true;
}

function counted(g: Generator, early: Early): boolean {
  g.out.movReg(1, OBJECT);
  g.out.movImm(2, 0);
  callKernel(g, 'bpf_refcount_acquire_impl');
  if (g.random.oneIn(4)) early.ifNull(0);
  g.out.movReg(THIRD, 0);
  drop(g, OBJECT);
  g.out.load(8, 1, THIRD, 56);
  if (!g.mistake()) drop(g, THIRD);
  return true;
}

/** Kept in a map's value; what was there is dropped. */
function exchanged(g: Generator, early: Early): boolean {
  const value = typedValue(g, early, 'pointers', OTHER);
  if (value === undefined) return false;
  g.out.movReg(1, OTHER);
  g.out.aluImm(BPF_ADD, 1, g.mistake() ? 24 : value.fields['object']!, true);
  g.out.movReg(2, OBJECT);
  g.out.call(abi.BPF_FUNC_kptr_xchg);
  g.afterCall();
  g.set(0, 'none');
  const none = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  if (!g.mistake()) drop(g, 0);
  if (none >= 0) g.out.land(none);
  return true;
}

/** Programs of these types may not even name a map with a lock or timer. */
const NO_LOCKS: readonly number[] = [
  abi.BPF_PROG_TYPE_SOCKET_FILTER,
  abi.BPF_PROG_TYPE_KPROBE,
  abi.BPF_PROG_TYPE_TRACEPOINT,
  abi.BPF_PROG_TYPE_PERF_EVENT,
  abi.BPF_PROG_TYPE_RAW_TRACEPOINT,
  abi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
];

/** Parts of a value that the kernel keeps: locks taken and left, timers and work set up, pointers read. */
export function keptFields(g: Generator): void {
  g.verdictOnly = true;
  const early = new Early(g);
  const mayLock = !NO_LOCKS.includes(g.progType);
  g.random.pick(mayLock || g.mistake() ? [locked, resilient, timed, worked, pointers] : [pointers])(g, early);
  early.end();
  for (const r of [0, OBJECT, OTHER, THIRD]) g.set(r, 'none');
}

function locked(g: Generator, early: Early): void {
  const value = typedValue(g, early, 'locked', OBJECT);
  if (value === undefined) return;
  lock(g, abi.BPF_FUNC_spin_lock, OBJECT, value.fields['lock']!);
  if (g.random.oneIn(2)) g.out.storeImm(8, OBJECT, g.mistake() ? 0 : 8, 1);
  if (g.mistake()) g.out.call(abi.BPF_FUNC_ktime_get_ns);
  lock(g, abi.BPF_FUNC_spin_unlock, OBJECT, value.fields['lock']!);
}

function resilient(g: Generator, early: Early): void {
  if (typedValue(g, early, 'resilient', OBJECT) === undefined) return;
  const saved = g.random.oneIn(2);
  g.out.movReg(1, OBJECT);
  if (saved) pointAt(g, 2, PLACES.flags);
  callKernel(g, saved ? 'bpf_res_spin_lock_irqsave' : 'bpf_res_spin_lock');
  const failed = g.mistake() ? -1 : g.out.jump(BPF_JMP | 0x50, 0, 0, 0);
  g.out.load(8, 1, OBJECT, 8);
  g.out.movReg(1, OBJECT);
  if (saved) pointAt(g, 2, PLACES.flags);
  if (!g.mistake()) callKernel(g, saved ? 'bpf_res_spin_unlock_irqrestore' : 'bpf_res_spin_unlock');
  if (failed >= 0) g.out.land(failed);
}

function timed(g: Generator, early: Early): void {
  const value = typedValue(g, early, 'timed', OBJECT);
  if (value === undefined) return;
  const index = g.typedMap(value);
  g.out.movReg(1, OBJECT);
  g.out.ldImm64(2, index, 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(3, g.mistake() ? 100 : g.random.pick([0, 1, 7]));
  g.out.call(abi.BPF_FUNC_timer_init);
  g.afterCall();
  g.out.movReg(1, OBJECT);
  g.calls.push({ pc: g.out.ldImm64(2, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
  g.subprogs.push({ args: [NONE, NONE, { kind: 'mem', limit: 8 }], callback: true });
  g.out.call(abi.BPF_FUNC_timer_set_callback);
  g.afterCall();
  g.out.movReg(1, OBJECT);
  g.out.movImm(2, 1000);
  g.out.movImm(3, 0);
  g.out.call(g.random.oneIn(3) ? abi.BPF_FUNC_timer_cancel : abi.BPF_FUNC_timer_start);
  g.afterCall();
}

function worked(g: Generator, early: Early): void {
  const value = typedValue(g, early, 'worked', OBJECT);
  if (value === undefined) return;
  const work = () => {
    g.out.movReg(1, OBJECT);
    g.out.aluImm(BPF_ADD, 1, g.mistake() ? 0 : value.fields['work']!, true);
  };
  work();
  g.out.ldImm64(2, g.typedMap(value), 0, BPF_PSEUDO_MAP_FD);
  g.out.movImm(3, 0);
  callKernel(g, 'bpf_wq_init');
  work();
  g.calls.push({ pc: g.out.ldImm64(2, -1, 0, BPF_PSEUDO_FUNC), index: g.subprogs.length });
  g.subprogs.push({ args: [NONE, NONE, { kind: 'mem', limit: 8 }], callback: true });
  g.out.movImm(3, 0);
  g.out.movImm(4, 0);
  callKernel(g, 'bpf_wq_set_callback_impl');
  work();
  g.out.movImm(2, 0);
  callKernel(g, 'bpf_wq_start');
}

/** Pointers of the kernel's in a value: read under RCU or without, exchanged for nothing. */
function pointers(g: Generator, early: Early): void {
  const value = typedValue(g, early, 'pointers', OBJECT);
  if (value === undefined) return;
  const field = g.random.pick(['task', 'anyTask', 'cgroup', 'mask', 'object']);
  const struct = { task: 'task_struct', anyTask: 'task_struct', cgroup: 'cgroup', mask: 'bpf_cpumask' }[field];
  if (g.random.oneIn(2)) {
    const rcu = g.random.oneIn(2);
    if (rcu) callKernel(g, 'bpf_rcu_read_lock');
    g.out.load(g.mistake() ? 4 : 8, OTHER, OBJECT, value.fields[field]! + (g.mistake() ? 4 : 0));
    const none = g.out.jump(BPF_JMP | BPF_JEQ, OTHER, 0, 0);
    if (struct !== undefined) followPointer(g, early, OTHER, struct);
    g.out.land(none);
    if (rcu && !g.mistake()) callKernel(g, 'bpf_rcu_read_unlock');
    return;
  }
  g.out.movReg(1, OBJECT);
  g.out.aluImm(BPF_ADD, 1, value.fields[field]!, true);
  g.out.movImm(2, 0);
  g.out.call(abi.BPF_FUNC_kptr_xchg);
  g.afterCall();
  const none = g.mistake() ? -1 : g.out.jump(BPF_JMP | BPF_JEQ, 0, 0, 0);
  const release = struct === undefined ? undefined : RELEASES[struct];
  if (field === 'object') drop(g, 0);
  else if (release !== undefined && !g.mistake()) {
    g.out.movReg(1, 0);
    callKernel(g, release);
  }
  if (none >= 0) g.out.land(none);
}

/**
 * The hooks and tasks of an embedded kernel without programs: a hook counts as attached when it was asked to be, and
 * what it is fired with is kept. For tests of sources.
 */
import type {
  EmbeddedKernel,
  FieldValue,
  Hook,
  Hooks,
  KernelArg,
  PtRegs,
  TaskInit,
  WorldTask,
} from '../../src/kernel/index.ts';

export interface Fired {
  hook: string;
  task: WorldTask & TaskInit;
  record?: Uint8Array | Readonly<Record<string, FieldValue>>;
  regs?: PtRegs;
  args?: readonly KernelArg[];
}

type Kernel = Pick<EmbeddedKernel, 'hooks' | 'world'>;

export interface RecordingKernel extends Kernel {
  readonly fired: Fired[];
  readonly tasks: Map<number, WorldTask & TaskInit>;
  /** `tracepoint syscalls:sys_enter_openat`, `kprobe do_sys_openat2`. */
  attach(...names: string[]): void;
  detach(name: string): void;
}

export function recordingKernel(): RecordingKernel {
  const attached = new Map<string, Hook>();
  const watchers = new Set<(hook: Hook) => void>();
  const fired: Fired[] = [];
  const tasks = new Map<number, WorldTask & TaskInit>();
  type Given = Omit<Fired, 'hook'>;

  function hook(kind: string, name: string, given: (...values: never[]) => Given): Hook {
    const key = `${kind} ${name}`;
    return {
      kind,
      name,
      category: name.split(':')[0],
      get attached() {
        return attached.has(key);
      },
      fire(...values: never[]) {
        if (attached.has(key)) fired.push({ hook: key, ...copy(given(...values)) });
      },
    } as unknown as Hook;
  }
  const probe = (kind: string) => (symbol: string) =>
    hook(kind, symbol, (task: never, regs: PtRegs, args: readonly KernelArg[]) => ({ task, regs, args }));
  const make: Record<string, (name: string) => Hook> = {
    tracepoint: (name) => hook('tracepoint', name, (task: never, record: never) => ({ task, record })),
    raw_tracepoint: (name) => hook('raw_tracepoint', name, (task: never, args: never) => ({ task, args })),
    kprobe: probe('kprobe'),
    kretprobe: probe('kretprobe'),
  };
  const hooks = {
    tracepoint: (category: string, name: string) => make['tracepoint']!(`${category}:${name}`),
    rawTracepoint: make['raw_tracepoint'],
    kprobe: make['kprobe'],
    kretprobe: make['kretprobe'],
    attached: () => [...attached.values()],
    onChange(callback: (hook: Hook) => void) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
  } as unknown as Hooks;
  const world = {
    tasks: {
      upsert(init: TaskInit) {
        const task = Object.assign(tasks.get(init.pid) ?? { addr: 4096 }, init) as WorldTask & TaskInit;
        tasks.set(init.pid, task);
        return task;
      },
      get: (pid: number) => tasks.get(pid),
      exit: (pid: number) => void tasks.delete(pid),
    },
    cgroups: { add: () => ({ id: 7n }) },
  } as unknown as EmbeddedKernel['world'];

  return {
    hooks,
    world,
    fired,
    tasks,
    attach(...names) {
      for (const key of names) {
        const [kind = '', name = ''] = key.split(' ');
        const it = make[kind]!(name);
        attached.set(key, it);
        for (const watcher of [...watchers]) watcher(it);
      }
    },
    detach(key) {
      const it = attached.get(key)!;
      attached.delete(key);
      for (const watcher of [...watchers]) watcher(it);
    },
  };
}

/** Records and tasks are used again by who fires: keep what they are now. */
function copy(given: Omit<Fired, 'hook'>): Omit<Fired, 'hook'> {
  const { record } = given;
  return {
    ...given,
    task: { ...given.task },
    ...(record && { record: record instanceof Uint8Array ? record.slice() : record }),
  };
}

/**
 * A client of the embedded kernel: its descriptors and its name, and the place where the kernel's answers, which are
 * numbers, become promises and exceptions.
 */
import { EBADF, EINVAL, ENOENT, EPERM } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import {
  type BpfFs,
  type EventReader,
  type EventWriter,
  type Fd,
  type Kernel,
  type LineReader,
  type MapMemory,
  type NetAttach,
  type NetDevice,
  type PerfEventSpec,
  type PerfHolder,
  refusal,
  type SystemConfig,
  unsupported,
  unsupportedSockets,
} from '../sys/index.ts';
import { ALL_CAPABILITIES, type Capability, hasCapability, neededCapabilities } from '../uapi/capabilities.ts';
import type { Attr, CommandName, Result } from '../uapi/commands.ts';
import { embeddedNet } from './attach/net.ts';
import { clientBpfFs } from './bpffs/client-bpffs.ts';
import { type Core, KernelBtfNeeded } from './core.ts';
import type { ClientIdentity } from './embedded.ts';
import { fdInfo } from './fd-info.ts';
import { FdTable, FIRST_FD } from './fds.ts';
import type { Iterator } from './iter/iterator.ts';
import { mapMemory } from './map-memory.ts';
import type { BtfObject } from './objects/btf.ts';
import type { CgroupHandle } from './objects/cgroup.ts';
import type { Link } from './objects/link.ts';
import type { LiveMap } from './objects/map.ts';
import type { KernelObject, ObjectKind } from './objects/object.ts';
import type { PerfEvent } from './objects/perf-event.ts';
import type { LoadedProg } from './objects/prog.ts';
import { attachPerfEvent, openPerfEvent } from './perf-events.ts';
import { perfHolders } from './perf-holders.ts';
import { openPerfBuffer, openRingBuffer } from './readers/event-readers.ts';
import { openUserRingWriter } from './readers/user-ring-writer.ts';
import type { Answer } from './syscall/handler.ts';
import { SYSCALLS } from './syscall/table.ts';
import { systemConfig } from './system-config.ts';
import { CGROUP_MOUNT } from './world/cgroups.ts';
import type { WorldTask } from './world/task.ts';

const HERE = 'the embedded kernel';

/** Commands that look at their arguments first, or at the program that one must have been able to load. */
const ASKS_LATER: ReadonlySet<CommandName> = new Set(['MAP_CREATE', 'PROG_LOAD', 'LINK_CREATE', 'RAW_TRACEPOINT_OPEN']);

/** The class behind each kind of object. */
interface ObjectOf {
  prog: LoadedProg;
  map: LiveMap;
  btf: BtfObject;
  link: Link;
  perf_event: PerfEvent;
  cgroup: CgroupHandle;
  stats: KernelObject;
  iter: Iterator;
}

/** Bytes of one read, where the reader does not say. */
const ITERATOR_READ = 1 << 16;

export class Client implements Kernel {
  readonly kind = 'embedded';
  readonly core: Core;
  readonly fds = new FdTable();
  readonly bpffs: BpfFs;
  readonly net: NetAttach;
  readonly sockets = unsupportedSockets(HERE);
  readonly openNetns = unsupported('attaching to network namespaces', HERE);
  readonly readBinary = unsupported('reading executables', HERE);
  readonly pid: number;
  readonly uid: number;
  readonly comm: string;
  readonly #capabilities: ReadonlySet<Capability>;
  /** The task that its system calls run in. */
  readonly task: WorldTask;
  readonly #readers = new Set<{ close(): Promise<void> }>();
  /** The task is known to the world only because this client is. */
  readonly #ownsTask: boolean;
  #closed = false;

  constructor(core: Core, identity: ClientIdentity) {
    this.core = core;
    this.pid = identity.pid ?? 1;
    this.uid = identity.uid ?? 0;
    this.comm = identity.comm ?? 'skep';
    this.#capabilities = identity.capabilities === undefined ? ALL_CAPABILITIES : new Set(identity.capabilities);
    const known = core.world.tasks.get(this.pid);
    this.#ownsTask = known === undefined;
    this.task = known ?? core.world.tasks.upsert({ pid: this.pid, comm: this.comm, uid: this.uid, gid: this.uid });
    this.bpffs = clientBpfFs(core.bpffs);
    this.net = embeddedNet(this, HERE);
    core.clients.add(this);
  }

  get possibleCpus(): number {
    return this.core.cpus;
  }

  /** The object of a descriptor: -EBADF where it is not open, -EINVAL where it is of another kind. */
  object<K extends ObjectKind>(kind: K, fd: number): ObjectOf[K] | number {
    const object = this.fds.get(fd)?.object;
    if (object === undefined) return isStandardStream(fd) ? -EINVAL : -EBADF;
    return object.kind === kind ? (object as ObjectOf[K]) : -EINVAL;
  }

  has(capability: Capability): boolean {
    return hasCapability(this.#capabilities, capability);
  }

  /** Whether it has what the command takes. */
  may(command: CommandName, attr: Attr<CommandName>): boolean {
    return neededCapabilities(command, attr).every((capability) => this.has(capability));
  }

  /** What is in the way of a command that answered EPERM, as far as capabilities are. */
  #lacking(command: CommandName, attr: Attr<CommandName>): string | undefined {
    const lacking = neededCapabilities(command, attr).filter((capability) => !this.has(capability));
    return lacking.length === 0 ? undefined : `this client has no ${lacking.join(' and no ')}`;
  }

  /** bpf(2) as it is inside: a number, or what was written with the number in `ret`. */
  call<C extends CommandName>(command: C, attr: Attr<C>): Answer<C> {
    if (!ASKS_LATER.has(command) && !this.may(command, attr)) return -EPERM;
    return SYSCALLS[command](this, attr);
  }

  async bpf<C extends CommandName>(command: C, attr: Attr<C>): Promise<Result<C>> {
    this.#checkOpen(`BPF_${command}`);
    const answer = await this.#withKernelBtf(() => this.call(command, attr));
    if (typeof answer !== 'number') {
      if (answer.ret < 0) throw refusal(command, answer.ret, answer);
      return answer as Result<C>;
    }
    if (answer === -EPERM) throw new BpfError(`BPF_${command}`, EPERM, this.#lacking(command, attr));
    if (answer < 0) throw refusal(command, answer);
    return { ret: answer } as Result<C>;
  }

  async closeFd(fd: Fd): Promise<void> {
    check('close', this.fds.close(fd));
  }

  async fdInfo(fd: Fd): Promise<Record<string, string>> {
    const descriptor = this.fds.get(fd);
    if (descriptor === undefined) throw new BpfError('fdinfo', EBADF);
    return fdInfo(descriptor.object);
  }

  async openCgroup(path: string): Promise<Fd> {
    if (path !== CGROUP_MOUNT && !path.startsWith(`${CGROUP_MOUNT}/`)) throw new BpfError('open', ENOENT, path);
    const fd = this.core.openCgroup(this, path.slice(CGROUP_MOUNT.length));
    return check('open', fd, path);
  }

  async perfEventOpen(event: PerfEventSpec): Promise<Fd> {
    this.#checkOpen('perf_event_open');
    return check('perf_event_open', openPerfEvent(this, event), describeEvent(event));
  }

  async perfEventAttach(eventFd: Fd, progFd: Fd): Promise<void> {
    check('PERF_EVENT_IOC_SET_BPF', attachPerfEvent(this, eventFd, progFd));
  }

  async openRingBuffer(mapFd: Fd): Promise<EventReader> {
    this.#checkOpen('open ring buffer');
    const map = check('open ring buffer', this.object('map', mapFd));
    return this.#keep(check('open ring buffer', openRingBuffer(map)));
  }

  async openPerfBuffer(mapFd: Fd, options: { pagesPerCpu?: number } = {}): Promise<EventReader> {
    this.#checkOpen('open perf buffer');
    const map = check('open perf buffer', this.object('map', mapFd));
    return this.#keep(check('open perf buffer', openPerfBuffer(this, map, options.pagesPerCpu)));
  }

  async openUserRingBuffer(mapFd: Fd): Promise<EventWriter> {
    this.#checkOpen('user ring buffer');
    const map = check('user ring buffer', this.object('map', mapFd));
    return this.#keep(check('user ring buffer', openUserRingWriter(map), `map ${map.id}`));
  }

  async mapMemory(mapFd: Fd): Promise<MapMemory> {
    this.#checkOpen('mmap');
    const map = check('mmap', this.object('map', mapFd));
    return this.#keep(check('mmap', mapMemory(this.core.mem, map, this.fds.get(mapFd)!.access), `map ${map.id}`));
  }

  async readIterator(iterFd: Fd, size = ITERATOR_READ): Promise<Uint8Array> {
    const iterator = check('read', this.object('iter', iterFd), 'an iterator');
    return check('read', await this.#withKernelBtf(() => iterator.read(this, size)), 'an iterator');
  }

  async openTracePipe({ fromNow = false }: { fromNow?: boolean } = {}): Promise<LineReader> {
    this.#checkOpen('open trace_pipe');
    return this.#keep(this.core.trace.open(fromNow));
  }

  async perfHolders(): Promise<PerfHolder[]> {
    return perfHolders(this.core.clients);
  }

  async netDevices(): Promise<NetDevice[]> {
    return [...this.core.world.devices];
  }

  async systemConfig(): Promise<SystemConfig> {
    return systemConfig(this.core);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const reader of [...this.#readers]) await reader.close();
    this.fds.closeAll();
    this.core.clients.delete(this);
    const shared = [...this.core.clients].some((other) => other.pid === this.pid);
    if (this.#ownsTask && !shared) this.core.world.tasks.exit(this.pid);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Does `work`, and once more after the kernel's BTF has been unpacked, where that was missing. */
  async #withKernelBtf<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof KernelBtfNeeded)) throw error;
      await this.core.loadKernelBtf();
      return work();
    }
  }

  #checkOpen(op: string): void {
    if (this.#closed) throw new BpfError(op, EBADF, 'this client was closed');
  }

  /** A reader that ends with the client. */
  #keep<R extends { close(): Promise<void> }>(reader: R): R {
    const close = reader.close.bind(reader);
    reader.close = async () => {
      this.#readers.delete(reader);
      await close();
    };
    this.#readers.add(reader);
    return reader;
  }
}

/** 0, 1 and 2 are open in every process, as something else. A caller that leaves a descriptor out names 0. */
function isStandardStream(fd: number): boolean {
  return fd >= 0 && fd < FIRST_FD;
}

/** The one place where `-errno` becomes an exception, for calls beside bpf(2). */
function check<T>(op: string, answer: T | number, detail?: string): T {
  if (typeof answer === 'number' && answer < 0) throw new BpfError(op, -answer, detail);
  return answer as T;
}

function describeEvent(event: PerfEventSpec): string {
  switch (event.kind) {
    case 'tracepoint':
      return `tracepoint ${event.category}:${event.name}`;
    case 'kprobe':
    case 'kretprobe':
      return `${event.kind} ${event.symbol}`;
    case 'uprobe':
    case 'uretprobe':
      return `${event.kind} ${event.path}`;
    case 'event':
      return `event ${event.type}:${event.config}`;
  }
}

/**
 * The machine's kernel behind the waist: every question becomes a system call of this process.
 *
 * Descriptors are this process's own. What was opened and not closed by the caller is closed by `close`.
 *
 * What only some questions need is loaded when the first of them is asked: a command that shows one list starts sooner.
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { view } from '../base/bytes.ts';
import { EAGAIN, EBADF, EBUSY, EINVAL, EIO, ENOTDIR, errnoOf } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import { loadSystem, type System } from '../native/index.ts';
import type {
  BpfFs,
  Elements,
  EventReader,
  EventWriter,
  Fd,
  Kernel,
  LineReader,
  MapMemory,
  NetAttach,
  NetDevice,
  PerfEventSpec,
  PerfHolder,
  Sockets,
  SystemConfig,
} from '../sys/index.ts';
import { type Attr, COMMANDS, type CommandName, type Result } from '../uapi/commands.ts';
import {
  BPF_MAP_TYPE_PERF_EVENT_ARRAY,
  BPF_MAP_TYPE_RINGBUF,
  BPF_MAP_TYPE_USER_RINGBUF,
} from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';
import { BpfCalls } from './bpf-call.ts';
import { linuxBpfFs } from './bpffs.ts';
import { onlineCpus, possibleCpus, systemConfig } from './machine.ts';

const DEFAULT_PAGES_PER_CPU = 64;
const ITERATOR_READ = 1 << 16;
/** ioctl_ns(2): which kind of namespace a file is. */
const NS_GET_NSTYPE = 0xb703;
const CLONE_NEWNET = 0x40000000;

/** The machine's kernel. UnsupportedError where this is not Linux, or koffi is missing. */
export async function openLinuxKernel(): Promise<Kernel> {
  return new LinuxKernel(loadSystem());
}

class LinuxKernel implements Kernel {
  readonly kind = 'linux';
  readonly possibleCpus = possibleCpus();
  readonly elements: Elements;
  readonly bpffs: BpfFs;
  readonly net: NetAttach;
  readonly sockets: Sockets;
  private readonly system: System;
  private readonly calls: BpfCalls;
  private readonly fds = new Set<Fd>();
  private readonly readers = new Set<{ close(): Promise<void> }>();
  /** Ring buffer maps that are being read, by id: two readers would steal each other's records. */
  private readonly rings = new Set<number>();
  private closed = false;

  constructor(system: System) {
    this.system = system;
    this.calls = new BpfCalls(system, (fd) => this.fds.has(fd), this.possibleCpus);
    const { calls } = this;
    this.elements = {
      lookup: (fd, key, size) => {
        this.checkOpen('BPF_MAP_LOOKUP_ELEM');
        return calls.lookup(fd, key, size);
      },
      update: (fd, key, value, flags = 0) => {
        this.checkOpen('BPF_MAP_UPDATE_ELEM');
        calls.update(fd, key, value, flags);
      },
      remove: (fd, key) => {
        this.checkOpen('BPF_MAP_DELETE_ELEM');
        return calls.remove(fd, key);
      },
    };
    const net = () => import('./net.ts').then(({ linuxNet }) => linuxNet(system));
    this.net = {
      query: async () => (await net()).query(),
      attachXdp: async (...args) => (await net()).attachXdp(...args),
      detachXdp: async (...args) => (await net()).detachXdp(...args),
      attachTc: async (...args) => (await net()).attachTc(...args),
      detachTc: async (...args) => (await net()).detachTc(...args),
      removeClsact: async (...args) => (await net()).removeClsact(...args),
    };
    const sockets = () =>
      import('./sockets.ts').then(({ linuxSockets }) => linuxSockets(system, (fd) => this.fds.add(fd)));
    this.sockets = {
      openPacket: async (...args) => (await sockets()).openPacket(...args),
      receive: async (...args) => (await sockets()).receive(...args),
      attachFilter: async (...args) => (await sockets()).attachFilter(...args),
      detachFilter: async (...args) => (await sockets()).detachFilter(...args),
      attachReuseport: async (...args) => (await sockets()).attachReuseport(...args),
      detachReuseport: async (...args) => (await sockets()).detachReuseport(...args),
    };
    this.bpffs = linuxBpfFs(
      async (pathname) => (await this.bpf('OBJ_GET', { pathname })).ret,
      (fd) => this.closeFd(fd),
    );
  }

  async bpf<C extends CommandName>(command: C, attr: Attr<C>): Promise<Result<C>> {
    this.checkOpen(`BPF_${command}`);
    const result = this.calls.call(command, attr);
    if (COMMANDS[command].returns === 'fd') this.fds.add(result.ret);
    return result;
  }

  async closeFd(fd: Fd): Promise<void> {
    // Only what was opened here: a wrong number must not close a descriptor of the application's.
    if (!this.fds.delete(fd)) throw new BpfError('close', EBADF, `descriptor ${fd}`);
    this.calls.forget(fd);
    this.system.call('close', fd);
  }

  async fdInfo(fd: Fd): Promise<Record<string, string>> {
    // Read at once: the file is made of memory, and a turn of the event loop costs many times what it does.
    let text: string;
    try {
      text = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch (cause) {
      throw new BpfError('fdinfo', EBADF, `descriptor ${fd}`, { cause });
    }
    const rows = text.split('\n').map((line) => /^([^:]+):\s*(.*)$/.exec(line));
    return Object.fromEntries(rows.flatMap((row) => (row ? [[row[1]!, row[2]!]] : [])));
  }

  async openCgroup(path: string): Promise<Fd> {
    const fd = this.openFile(path);
    if (fstatSync(fd).isDirectory()) return fd;
    await this.closeFd(fd);
    throw new BpfError('open', ENOTDIR, path);
  }

  async openNetns(path = '/proc/thread-self/ns/net'): Promise<Fd> {
    const fd = this.openFile(path);
    // What another file would be taken for depends on who is asked: say it here.
    if (this.system.call('ioctl', fd, NS_GET_NSTYPE) === CLONE_NEWNET) return fd;
    await this.closeFd(fd);
    throw new BpfError('open', EINVAL, `${path} is no network namespace`);
  }

  async perfEventOpen(event: PerfEventSpec): Promise<Fd> {
    const { openAttachable } = await import('./perf-event.ts');
    this.checkOpen('perf_event_open');
    const fd = openAttachable(this.system, event);
    this.fds.add(fd);
    return fd;
  }

  async perfEventAttach(eventFd: Fd, progFd: Fd): Promise<void> {
    const { attachToEvent } = await import('./perf-event.ts');
    attachToEvent(this.system, eventFd, progFd);
  }

  async readBinary(name: string): Promise<{ path: string; bytes: Uint8Array }> {
    return (await import('./binary.ts')).readBinary(name);
  }

  async openRingBuffer(mapFd: Fd): Promise<EventReader> {
    const { RingBufferReader } = await import('./ring-buffer.ts');
    const map = await this.mapOf(mapFd, BPF_MAP_TYPE_RINGBUF, 'a ring buffer');
    if (this.rings.has(map.id)) throw new BpfError('ring buffer', EBUSY, `map ${map.id} is being read already`);
    const reader = new RingBufferReader(this.system, mapFd, map.max_entries);
    this.rings.add(map.id);
    return this.track(reader, () => this.rings.delete(map.id));
  }

  async openPerfBuffer(mapFd: Fd, options: { pagesPerCpu?: number } = {}): Promise<EventReader> {
    const { PerfBufferReader } = await import('./perf-buffer.ts');
    const map = await this.mapOf(mapFd, BPF_MAP_TYPE_PERF_EVENT_ARRAY, 'a perf event array');
    const pages = options.pagesPerCpu ?? DEFAULT_PAGES_PER_CPU;
    if (!Number.isInteger(Math.log2(pages))) {
      throw new BpfError('perf buffer', EINVAL, `${pages} pages: the number must be a power of two`);
    }
    const cpus = onlineCpus().filter((cpu) => cpu < map.max_entries);
    const reader = await PerfBufferReader.open(this.system, cpus, pages, {
      put: async (cpu, fd) => {
        await this.bpf('MAP_UPDATE_ELEM', { map_fd: mapFd, key: u32(cpu), value: u32(fd) });
      },
      take: async (cpu) => {
        if (!this.fds.has(mapFd)) return; // the map went first, and the event with it
        try {
          this.calls.call('MAP_DELETE_ELEM', { map_fd: mapFd, key: u32(cpu) });
        } catch (error) {
          if (!(error instanceof BpfError)) throw error; // somebody emptied the slot
        }
      },
    });
    return this.track(reader, () => {});
  }

  async openUserRingBuffer(mapFd: Fd): Promise<EventWriter> {
    const { UserRingBufferWriter } = await import('./user-ring-buffer.ts');
    const map = await this.mapOf(mapFd, BPF_MAP_TYPE_USER_RINGBUF, 'a user ring buffer');
    if (this.rings.has(map.id)) throw new BpfError('user ring buffer', EBUSY, `map ${map.id} has a writer already`);
    const writer = new UserRingBufferWriter(this.system, mapFd, map.max_entries);
    this.rings.add(map.id);
    return this.track(writer, () => this.rings.delete(map.id));
  }

  async readIterator(iterFd: Fd, size = ITERATOR_READ): Promise<Uint8Array> {
    const bytes = new Uint8Array(size);
    const at = this.system.addressOf(bytes);
    for (;;) {
      const read = this.system.call('read', iterFd, at, size);
      if (read >= 0) return bytes.subarray(0, read);
      // It saw many objects and printed none of them yet: it goes on where it was.
      if (read !== -EAGAIN) throw new BpfError('read', read, 'an iterator');
    }
  }

  async mapMemory(mapFd: Fd): Promise<MapMemory> {
    const { mapMemory } = await import('./map-memory.ts');
    const { info } = await this.bpf('OBJ_GET_INFO_BY_FD', { bpf_fd: mapFd, info: { of: 'map' } });
    if (info.of !== 'map') throw new BpfError('mmap', EINVAL, `descriptor ${mapFd} is no map`);
    return this.track(mapMemory(this.system, mapFd, info), () => {});
  }

  async traceableFunctions(): Promise<readonly string[] | undefined> {
    return (await import('./tracefs.ts')).traceableFunctions();
  }

  async openTracePipe({ fromNow = false }: { fromNow?: boolean } = {}): Promise<LineReader> {
    const { openTracePipe } = await import('./trace-pipe.ts');
    this.checkOpen('open');
    return this.track(openTracePipe(fromNow), () => {});
  }

  async perfHolders(): Promise<PerfHolder[]> {
    return (await import('./perf-holders.ts')).perfHolders(this);
  }

  async netDevices(): Promise<NetDevice[]> {
    return (await import('./net.ts')).netDevices(this.system);
  }

  systemConfig(): Promise<SystemConfig> {
    return systemConfig();
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const reader of [...this.readers]) await reader.close();
    for (const fd of this.fds) closeSync(fd);
    this.fds.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What is opened after `close` would never be closed. */
  private checkOpen(op: string): void {
    if (this.closed) throw new BpfError(op, EBADF, 'this kernel was closed');
  }

  /** A descriptor of a file or directory, of ours from now on. */
  private openFile(path: string): Fd {
    this.checkOpen('open');
    try {
      const fd = openSync(path, 'r');
      this.fds.add(fd);
      return fd;
    } catch (cause) {
      throw new BpfError('open', errnoOf((cause as NodeJS.ErrnoException).code ?? '') ?? EIO, path, { cause });
    }
  }

  private async mapOf(fd: Fd, type: number, what: string): Promise<MapInfo> {
    const { info } = await this.bpf('OBJ_GET_INFO_BY_FD', { bpf_fd: fd, info: { of: 'map' } });
    if (info.of !== 'map' || info.type !== type) throw new BpfError('read', EINVAL, `the map is not ${what}`);
    return info;
  }

  /** The reader, closed with this kernel at the latest. */
  private track<R extends { close(): Promise<void> }>(reader: R, closed: () => void): R {
    const close = reader.close.bind(reader);
    reader.close = async () => {
      if (this.readers.delete(reader)) closed();
      await close();
    };
    this.readers.add(reader);
    return reader;
  }
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, value, true);
  return bytes;
}

/** The asking end: a Kernel whose answers come from another process. */
import { connect, type Socket } from 'node:net';
import { FormatError, SkepError } from '../base/errors.ts';
import {
  type BpfFs,
  type BpfFsEntry,
  type EventReader,
  type EventRecord,
  type Fd,
  type Kernel,
  type LineReader,
  type NetAttach,
  type NetDevice,
  type NetInterface,
  type PerfEventSpec,
  type PerfHolder,
  type SystemConfig,
  unsupported,
  unsupportedNet,
  unsupportedSockets,
} from '../sys/index.ts';
import type { Attr, CommandName, Result } from '../uapi/commands.ts';
import { FrameReader, frame } from './frames.ts';
import { commOf } from './peer.ts';
import { errorOf, MAGIC, VERSION } from './protocol.ts';
import type { Value } from './value.ts';

/** How long a kernel may take to greet. One that does not is not ours, or stands still. */
const GREETING_MS = 10_000;

const HERE = 'a kernel over a socket';

interface Waiting {
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** The kernel that is served at a path. Rejects with what connect(2) says: ENOENT, ECONNREFUSED (nobody serves it). */
export async function connectKernel(path: string): Promise<Kernel> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    const refused = (cause: NodeJS.ErrnoException) =>
      reject(new SkepError(cause.code ?? 'ERR_CONNECT', `no kernel answers at ${path}: ${cause.message}`, { cause }));
    socket.once('error', refused);
    socket.once('connect', () => {
      socket.off('error', refused);
      resolve();
    });
  });
  const kernel = new RemoteKernel(socket);
  try {
    await kernel.greet();
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return kernel;
}

class RemoteKernel implements Kernel {
  readonly kind = 'remote';
  possibleCpus = 0;
  readonly bpffs: BpfFs = {
    mounts: async () => (await this.#ask('bpffs.mounts')) as string[],
    list: async (path) => (await this.#ask('bpffs.list', path)) as unknown as BpfFsEntry[],
    mkdir: async (path) => void (await this.#ask('bpffs.mkdir', path)),
    remove: async (path) => void (await this.#ask('bpffs.remove', path)),
    stat: async (path) => (await this.#ask('bpffs.stat', path)) as unknown as BpfFsEntry | null,
  };
  readonly net: NetAttach = {
    ...unsupportedNet(HERE),
    query: async () => (await this.#ask('net.query')) as unknown as NetInterface[],
    attachXdp: async (ifindex, prog, options) =>
      void (await this.#ask('net.attachXdp', ifindex, prog, options as unknown as Value)),
    detachXdp: async (ifindex, options) =>
      void (await this.#ask('net.detachXdp', ifindex, options as unknown as Value)),
  };
  readonly sockets = unsupportedSockets(HERE);
  readonly openNetns = unsupported('attaching to network namespaces', HERE);
  readonly openUserRingBuffer = unsupported('writing to user ring buffers', HERE);
  readonly readBinary = unsupported('reading executables', HERE);
  readonly mapMemory = unsupported('mapping the memory of maps', HERE);
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #greeting: Waiting | undefined;
  #lastId = 0;
  #gone: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) =>
      this.#fail(new SkepError('ERR_KERNEL_GONE', `the kernel's connection broke: ${error.message}`)),
    );
    socket.on('close', () => this.#fail(new SkepError('ERR_KERNEL_GONE', 'the kernel ended the connection')));
  }

  async greet(): Promise<void> {
    const comm = commOf(process.pid) ?? 'node';
    const answer = new Promise<Value>((resolve, reject) => {
      this.#greeting = { resolve, reject };
    });
    const late = new SkepError('ERR_KERNEL_SILENT', 'what listens there does not answer like a kernel of skep');
    const timer = setTimeout(() => this.#greeting?.reject(late), GREETING_MS);
    try {
      this.#socket.write(frame([MAGIC, VERSION, process.pid, comm]));
      const [magic, version, cpus] = (await answer) as [Value, Value, Value];
      if (magic !== MAGIC || version !== VERSION || typeof cpus !== 'number') {
        throw new FormatError('what listens there is not a kernel of this version of skep');
      }
      this.possibleCpus = cpus;
    } finally {
      clearTimeout(timer);
    }
  }

  async bpf<C extends CommandName>(command: C, attr: Attr<C>): Promise<Result<C>> {
    return (await this.#ask('bpf', command, attr as unknown as Value)) as unknown as Result<C>;
  }

  async closeFd(fd: Fd): Promise<void> {
    await this.#ask('closeFd', fd);
  }

  async fdInfo(fd: Fd): Promise<Record<string, string>> {
    return (await this.#ask('fdInfo', fd)) as Record<string, string>;
  }

  async openCgroup(path: string): Promise<Fd> {
    return (await this.#ask('openCgroup', path)) as number;
  }

  async perfEventOpen(event: PerfEventSpec): Promise<Fd> {
    return (await this.#ask('perfEventOpen', event as unknown as Value)) as number;
  }

  async perfEventAttach(eventFd: Fd, progFd: Fd): Promise<void> {
    await this.#ask('perfEventAttach', eventFd, progFd);
  }

  async openRingBuffer(mapFd: Fd): Promise<EventReader> {
    return this.#reader<EventRecord>((await this.#ask('openRingBuffer', mapFd)) as number);
  }

  async openPerfBuffer(mapFd: Fd, options: { pagesPerCpu?: number } = {}): Promise<EventReader> {
    return this.#reader<EventRecord>((await this.#ask('openPerfBuffer', mapFd, options.pagesPerCpu)) as number);
  }

  async openTracePipe({ fromNow = false }: { fromNow?: boolean } = {}): Promise<LineReader> {
    return this.#reader<string>((await this.#ask('openTracePipe', fromNow)) as number);
  }

  async perfHolders(): Promise<PerfHolder[]> {
    return (await this.#ask('perfHolders')) as unknown as PerfHolder[];
  }

  async readIterator(iterFd: Fd, size?: number): Promise<Uint8Array> {
    return (await this.#ask('readIterator', iterFd, size)) as Uint8Array;
  }

  async netDevices(): Promise<NetDevice[]> {
    return (await this.#ask('netDevices')) as unknown as NetDevice[];
  }

  async systemConfig(): Promise<SystemConfig> {
    return (await this.#ask('systemConfig')) as unknown as SystemConfig;
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()));
    this.#fail(new SkepError('ERR_KERNEL_GONE', 'this connection was closed'));
    this.#socket.end();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #reader<T>(number: number): Omit<LineReader, 'read'> & { read(): Promise<T[]> } {
    let closed = false;
    return {
      read: async () => {
        try {
          return closed ? [] : ((await this.#ask('read', number)) as T[]);
        } catch (error) {
          if (closed) return []; // closed while it waited
          throw error;
        }
      },
      close: async () => {
        if (closed) return;
        closed = true;
        if (this.#gone === undefined) await this.#ask('closeReader', number);
      },
      [Symbol.asyncDispose]() {
        return this.close();
      },
    };
  }

  #ask(method: string, ...args: Value[]): Promise<Value> {
    if (this.#gone) return Promise.reject(this.#gone);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const request = frame([id, method, args]); // throws where it is too large to be sent
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(request);
    });
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const value of this.#frames.push(bytes)) this.#handle(value);
    } catch (error) {
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  #handle(value: Value): void {
    if (!Array.isArray(value)) throw new FormatError('the kernel sent what is no message');
    if (value[0] === 'error') throw errorOf(value[1]);
    if (this.#greeting) {
      this.#greeting.resolve(value);
      this.#greeting = undefined;
      return;
    }
    const [id, ok, answer] = value as [Value, Value, Value];
    const waiting = this.#waiting.get(id as number);
    if (waiting === undefined) throw new FormatError('the kernel answered what nobody asked');
    this.#waiting.delete(id as number);
    if (ok === true) waiting.resolve(answer);
    else waiting.reject(errorOf(answer));
  }

  /** Nothing more will come: whoever waits is told. */
  #fail(error: Error): void {
    this.#gone ??= error;
    this.#greeting?.reject(this.#gone);
    this.#greeting = undefined;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone);
    this.#waiting.clear();
  }
}

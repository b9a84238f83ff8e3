/** What a running command has: its options, its output, its kernel, and the descriptors to close when it ends. */
import type { Bpf, Fd, Kernel } from '../sys/index.ts';
import type { Io } from './io.ts';
import { JsonWriter } from './json-writer.ts';

export interface Options {
  json: boolean;
  pretty: boolean;
  /** -f: pin paths in listings. */
  showPinned: boolean;
  /** -n: never mount a bpf file system. */
  noMount: boolean;
  /** -d: the verifier's log of what loads, too. */
  debug: boolean;
  /** -L: load through a loader program. */
  useLoader: boolean;
  /** -B: base BTF for split BTF. */
  baseBtf: string | undefined;
  /** -S with -k and -i: sign what is loaded. */
  sign: boolean;
  privateKey: string | undefined;
  certificate: string | undefined;
}

/** Flushes when this much text has gathered. */
const CHUNK = 1 << 16;

export class Context {
  readonly io: Io;
  readonly options: Options;
  /** The writer of the document, in JSON mode. */
  readonly json: JsonWriter | undefined;
  readonly #open: () => Promise<Kernel>;
  #kernel: Promise<Kernel> | undefined;
  #gathered: string[] = [];
  #size = 0;
  #fds: Fd[] = [];

  /** The usage text of the whole. */
  readonly usage: string;

  constructor(env: { io: Io; openKernel(): Promise<Kernel>; usage: string }, options: Options) {
    this.io = env.io;
    this.usage = env.usage;
    this.options = options;
    this.#open = () => env.openKernel();
    this.json = options.json ? new JsonWriter((text) => this.print(text), options.pretty) : undefined;
  }

  /** The kernel that answers; opened when the first command needs it. */
  kernel(): Promise<Kernel> {
    this.#kernel ??= this.#open();
    return this.#kernel;
  }

  /** The same, by its commands. */
  async bpf(): Promise<Bpf> {
    const sys = await import('../sys/index.ts');
    return new sys.Bpf(await this.kernel());
  }

  /** Text for stdout. Reaches it when enough has gathered, before an error, and at the end. */
  print(text: string): void {
    this.#gathered.push(text);
    this.#size += text.length;
    if (this.#size >= CHUNK) this.flush();
  }

  flush(): void {
    if (this.#gathered.length === 0) return;
    this.io.out(this.#gathered.join(''));
    this.#gathered = [];
    this.#size = 0;
  }

  /** `Error: text` on stderr; `{"error": text}` on stdout in JSON. */
  printError(text: string): void {
    if (this.json) this.json.startObject().field('error', text).endObject();
    else this.note(`Error: ${text}\n`);
  }

  printUsage(text: string): void {
    this.note(text);
  }

  /** Text for stderr in either mode. */
  note(text: string): void {
    this.flush();
    this.io.err(text);
  }

  /** Keeps a descriptor until the command ends. */
  own(fd: Fd): Fd {
    this.#fds.push(fd);
    return fd;
  }

  async closeDescriptors(): Promise<void> {
    const fds = this.#fds.splice(0);
    if (fds.length === 0) return;
    const kernel = await this.kernel();
    await Promise.allSettled(fds.map((fd) => kernel.closeFd(fd)));
  }

  /** Ends the run: what gathered goes out, the kernel's client is closed. */
  async close(): Promise<void> {
    this.flush();
    if (this.#kernel) await this.#kernel.then((kernel) => kernel.close()).catch(() => {});
  }
}

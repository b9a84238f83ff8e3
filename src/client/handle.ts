/** What programs, maps and links have in common: a descriptor that is closed once, and pins. */
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';
import { asked } from './about.ts';
import { text } from './arguments.ts';

export abstract class Handle {
  /** The kernel that it is in. */
  readonly kernel: Kernel;
  /** The descriptor; not to be used after `close`. */
  readonly fd: Fd;
  protected readonly bpf: Bpf;
  #open = true;

  constructor(kernel: Kernel, fd: Fd) {
    this.kernel = kernel;
    this.fd = fd;
    this.bpf = new Bpf(kernel);
  }

  /** Gives the object a name in the bpf file system, which keeps it alive: EEXIST, ENOENT, EPERM. */
  async pin(path: string): Promise<void> {
    await asked(`pin '${text('the path of a pin', path)}'`, this.bpf.objPin(path, this.fd));
  }

  /** Removes a pin. The object lives as long as something else refers to it. */
  async unpin(path: string): Promise<void> {
    await this.kernel.bpffs.remove(text('the path of a pin', path));
  }

  /** Closes the descriptor; the object lives on where something else refers to it. Further calls do nothing. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected release(): Promise<void> {
    return this.kernel.closeFd(this.fd);
  }
}

/** A descriptor of what is pinned at a path. */
export async function openPin(kernel: Kernel, path: string): Promise<Fd> {
  const pathname = text('the path of a pin', path);
  return (await asked(`pin '${pathname}'`, kernel.bpf('OBJ_GET', { pathname }))).ret;
}

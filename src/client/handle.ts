/** What programs, maps and links have in common: a descriptor that is closed once, and pins. */
import { Bpf, type Fd, type Kernel } from '../sys/index.ts';

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
  pin(path: string): Promise<void> {
    return this.bpf.objPin(path, this.fd);
  }

  /** Removes a pin. The object lives as long as something else refers to it. */
  unpin(path: string): Promise<void> {
    return this.kernel.bpffs.remove(path);
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

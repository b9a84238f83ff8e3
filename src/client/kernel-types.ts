/** The running kernel's own types, fetched when something first asks for them: 5 MB on a real kernel. */
import { UnsupportedError } from '../base/errors.ts';
import { type Btf, parseBtf } from '../btf/index.ts';
import type { Bpf } from '../sys/index.ts';

export class KernelTypes {
  readonly #bpf: Bpf;
  #btf: Promise<Btf> | undefined;

  constructor(bpf: Bpf, given?: Btf) {
    this.#bpf = bpf;
    if (given) this.#btf = Promise.resolve(given);
  }

  btf(): Promise<Btf> {
    this.#btf ??= this.#fetch();
    return this.#btf;
  }

  async #fetch(): Promise<Btf> {
    for await (const id of this.#bpf.btfIds()) {
      const bytes = await this.#bpf.withFd(this.#bpf.btfById(id), async (fd) => {
        const { kernel_btf, name } = await this.#bpf.btfInfo(fd);
        return kernel_btf && name === 'vmlinux' ? (await this.#bpf.btfInfo(fd, { bytes: true })).btf : undefined;
      });
      if (bytes) return parseBtf(bytes);
    }
    throw new UnsupportedError('CO-RE and typed attach points: this kernel has no BTF of its own', { since: '5.4' });
  }
}

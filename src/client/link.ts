/** A program at the place where it runs. */
import { UnsupportedError } from '../base/errors.ts';
import type { Fd, Kernel } from '../sys/index.ts';
import type { LinkInfo } from '../uapi/infos.ts';
import { asked } from './about.ts';
import { wholeNumber } from './arguments.ts';
import { Handle, openPin } from './handle.ts';
import type { Owned } from './owned.ts';
import type { BpfProgram } from './program.ts';

export class BpfLink extends Handle {
  /** The perf event that the link hangs on; it has to stay open as long as the link. */
  readonly #event: Fd | undefined;

  constructor(kernel: Kernel, fd: Fd, event?: Fd) {
    super(kernel, fd);
    this.#event = event;
  }

  /** The link pinned at a path. */
  static async open(kernel: Kernel, path: string): Promise<BpfLink> {
    return new BpfLink(kernel, await openPin(kernel, path));
  }

  /** The link with an id: ENOENT where there is none. */
  static async byId(kernel: Kernel, id: number): Promise<BpfLink> {
    const link_id = wholeNumber('the id of a link', id);
    const { ret } = await asked(`link ${id}`, kernel.bpf('LINK_GET_FD_BY_ID', { link_id }));
    return new BpfLink(kernel, ret);
  }

  /** What the kernel says of it: id, kind, program, place. */
  info(): Promise<LinkInfo> {
    return this.bpf.linkInfo(this.fd);
  }

  /** Puts another program in this one's place without a gap; not every link can: EINVAL, EOPNOTSUPP. */
  update(program: BpfProgram): Promise<void> {
    return this.bpf.linkUpdate({ link_fd: this.fd, new_prog_fd: program.fd });
  }

  /** Detaches the program for good, whoever else holds the link: EOPNOTSUPP for kinds that cannot. */
  detach(): Promise<void> {
    return this.bpf.linkDetach(this.fd);
  }

  /** What an iterator program prints, from its begin, piece by piece. EINVAL for links of other kinds. */
  async *iterate(): AsyncGenerator<Uint8Array> {
    const { ret: fd } = await this.kernel.bpf('ITER_CREATE', { link_fd: this.fd });
    try {
      for (;;) {
        const piece = await this.kernel.readIterator(fd);
        if (piece.length === 0) return;
        yield piece;
      }
    } finally {
      await this.kernel.closeFd(fd);
    }
  }

  /** All that an iterator program prints, as text. */
  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const piece of this.iterate()) text += decoder.decode(piece, { stream: true });
    return text + decoder.decode();
  }

  protected override async release(): Promise<void> {
    await super.release();
    if (this.#event !== undefined) await this.kernel.closeFd(this.#event);
  }
}

/** A program at several places, with a link to each. Closing takes it from all of them. */
export class ManyLinks extends BpfLink {
  readonly #links: readonly BpfLink[];
  readonly #owned: Owned;

  /** `links`: at least one; `owned` closes them. */
  constructor(links: readonly BpfLink[], owned: Owned) {
    super(links[0]!.kernel, links[0]!.fd);
    this.#links = links;
    this.#owned = owned;
  }

  override async pin(path: string): Promise<void> {
    if (this.#links.length === 1) return super.pin(path);
    throw new UnsupportedError(`one pin for the ${this.#links.length} places that the program is at`);
  }
  override async update(program: BpfProgram): Promise<void> {
    for (const link of this.#links) await link.update(program);
  }
  override async detach(): Promise<void> {
    for (const link of this.#links) await link.detach();
  }

  protected override release(): Promise<void> {
    return this.#owned.close();
  }
}

/** What is attached and has no link in the kernel: a program at a socket. Closing it detaches. */
export class Attachment extends BpfLink {
  readonly #what: string;
  readonly #detach: () => Promise<void>;

  /** `what` is attached, for errors. */
  constructor(kernel: Kernel, what: string, detach: () => Promise<void>) {
    super(kernel, -1);
    this.#what = what;
    this.#detach = detach;
  }

  override info(): Promise<LinkInfo> {
    return this.#noLink('information');
  }
  override update(): Promise<void> {
    return this.#noLink('another program; attach that one');
  }
  override pin(): Promise<void> {
    return this.#noLink('a pin');
  }
  override detach(): Promise<void> {
    return this.close();
  }

  protected override release(): Promise<void> {
    return this.#detach();
  }

  async #noLink(missing: string): Promise<never> {
    throw new UnsupportedError(`${this.#what} has no link, and so ${missing}`);
  }
}

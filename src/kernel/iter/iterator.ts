/**
 * An open iterator: the program runs for each object while somebody reads, and once more, with NULL in its place, when
 * there are no more.
 *
 *     struct bpf_iter__NAME   +0 struct bpf_iter_meta *   +8 the object, and what else there is of it
 *     struct bpf_iter_meta    +0 struct seq_file *        +8 u64 session_id        +16 u64 seq_num
 */
import { E2BIG, EAGAIN, ENOMEM } from '../../base/errno.ts';
import type { Addr } from '../../base/memory.ts';
import type { Client } from '../client.ts';
import type { Core } from '../core.ts';
import type { Link } from '../objects/link.ts';
import { KernelObject } from '../objects/object.ts';
import { Blocks } from './blocks.ts';
import { Sequence } from './sequence.ts';
import type { Walk } from './targets.ts';

const META_SIZE = 24;
const SEQ_FILE_SIZE = 128;
const WORD = 8;

export class Iterator extends KernelObject {
  readonly kind = 'iter';
  readonly #core: Core;
  readonly #link: Link;
  readonly #walk: Walk;
  readonly #blocks: Blocks;
  readonly #objects: Generator<readonly Addr[]>;
  readonly #sequence = new Sequence();
  readonly #session: bigint;
  /** The object whose output did not fit behind that of the others. */
  #again: readonly Addr[] | undefined;
  #number = 0n;
  #ended = false;
  #rest: Uint8Array = new Uint8Array(0);

  /** Takes a reference to the link. */
  constructor(core: Core, link: Link, walk: Walk) {
    super();
    this.#core = core;
    this.#link = link.hold();
    this.#walk = walk;
    this.#blocks = new Blocks(core);
    this.#objects = walk.objects(core, this.#blocks);
    this.#session = BigInt(link.id);
  }

  /** The next bytes, `size` at most, none at the end; -errno. */
  read(client: Client, size: number): Uint8Array | number {
    while (this.#rest.length === 0 && !this.#ended) {
      const error = this.#fill(client, size);
      if (error !== 0) return error;
    }
    const piece = this.#rest.slice(0, size);
    this.#rest = this.#rest.subarray(size);
    return piece;
  }

  /** Runs the program for objects until there are `size` bytes, or no objects. */
  #fill(client: Client, size: number): number {
    const sequence = this.#sequence;
    let error = 0;
    while (error === 0 && sequence.length < size && !this.#ended) {
      const next = this.#again ?? this.#next();
      this.#again = undefined;
      const before = sequence.length;
      error = this.#show(client, next ?? new Array<Addr>(this.#walk.words).fill(0));
      if (error === 0 && sequence.overflowed) error = before === 0 ? -E2BIG : -EAGAIN;
      if (error !== 0) {
        sequence.cut(before);
        if (error === -EAGAIN && before > 0) this.#again = next;
      }
      if (next === undefined && this.#again === undefined && error !== -EAGAIN) this.#ended = true;
      if (this.#again === undefined) {
        this.#number++;
        this.#blocks.free();
      }
    }
    this.#rest = sequence.take();
    return this.#rest.length > 0 ? 0 : error;
  }

  #next(): readonly Addr[] | undefined {
    const { value, done } = this.#objects.next();
    return done ? undefined : value;
  }

  /** 0, or -EAGAIN where the program wants the object once more. */
  #show(client: Client, object: readonly Addr[]): number {
    const { mem, execution } = this.#core;
    const ctx = mem.alloc(WORD * (1 + object.length) + META_SIZE + SEQ_FILE_SIZE, 16);
    if (ctx === 0) return -ENOMEM;
    const meta = ctx + WORD * (1 + object.length);
    mem.setU64(ctx, BigInt(meta));
    object.forEach((word, i) => {
      mem.setU64(ctx + WORD * (i + 1), BigInt(word));
    });
    mem.setU64(meta, BigInt(meta + META_SIZE));
    mem.setU64(meta + WORD, this.#session);
    mem.setU64(meta + 2 * WORD, this.#number);
    try {
      const scope = { task: client.task, sequence: this.#sequence };
      return execution.start(this.#link.prog, ctx, scope) === 0 ? 0 : -EAGAIN;
    } finally {
      mem.free(ctx);
    }
  }

  protected override destroy(): void {
    this.#blocks.free();
    this.#objects.return(undefined);
    this.#link.drop();
  }
}

/**
 * The list of programs at a hook, in the order in which they run.
 */

import type { Addr, Memory } from '../../base/memory.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Execution } from '../run/execution.ts';
import type { WorldTask } from '../world/task.ts';
import type { Hook, HookKind } from './hook.ts';

/** A program at a hook. Who made it holds the program, and may put another in its place. */
export interface Attachment {
  prog: LoadedProg;
  readonly cookie: bigint;
  /** Of the link that holds it, 0 where it was attached without one. */
  readonly linkId: number;
}

/** What hooks need of their kernel. */
export interface HookEnv {
  readonly mem: Memory;
  readonly execution: Execution;
  /** In whose context things run that belong to nobody. */
  readonly swapper: WorldTask;
  /** Tells whoever watches that programs came or went. */
  changed(hook: Hook): void;
}

export abstract class AttachPoint implements Hook {
  abstract readonly kind: HookKind;
  readonly name: string;
  readonly attachments: Attachment[] = [];
  protected readonly env: HookEnv;
  /** Counts changes of the list. */
  #revision = 1n;
  #busy = false;

  constructor(env: HookEnv, name: string) {
    this.env = env;
    this.name = name;
  }

  get attached(): boolean {
    return this.attachments.length > 0;
  }

  get revision(): bigint {
    return this.#revision;
  }

  /** Puts a program at position `at` of the list; by default last. */
  attach(attachment: Attachment, at = this.attachments.length): void {
    this.attachments.splice(at, 0, attachment);
    this.#revision++;
    this.env.changed(this);
  }

  detach(attachment: Attachment): void {
    const at = this.attachments.indexOf(attachment);
    if (at < 0) return;
    this.attachments.splice(at, 1);
    this.#revision++;
    this.env.changed(this);
  }

  /**
   * Runs `use` with room for a context of `size` bytes. Left out while programs of this hook already run (what a
   * program does never fires its own hook again), and where memory is out.
   */
  protected withContext(size: number, use: (ctx: Addr) => void): void {
    if (this.#busy) return;
    const ctx = this.env.mem.alloc(size, 16);
    if (ctx === 0) return;
    this.#busy = true;
    try {
      use(ctx);
    } finally {
      this.#busy = false;
      this.env.mem.free(ctx);
    }
  }
}

/**
 * A perf event: what perf_event_open(2) answers. A program attached to it stands at the hook that it names, for as
 * long as the event lives.
 */
import type { MapObject, PerfSink } from '../../maps/index.ts';
import type { PerfEventSpec } from '../../sys/index.ts';
import type { Attachment, AttachPoint } from '../hooks/attach-point.ts';
import { KernelObject } from './object.ts';
import type { LoadedProg } from './prog.ts';

/** What it was opened for; `output` is the software event that perf buffers are read through. */
export type PerfEventKind = PerfEventSpec | { kind: 'output'; cpu: number };

export class PerfEvent extends KernelObject implements MapObject {
  readonly kind = 'perf_event';
  readonly spec: PerfEventKind;
  readonly sink?: PerfSink;
  /** User space cannot read back which event a slot holds; programs see only that there is one. */
  readonly id = 0;
  readonly value = 1;
  readonly hook: AttachPoint | undefined;
  #attachment: Attachment | undefined;

  constructor(spec: PerfEventKind, sink?: PerfSink, hook?: AttachPoint) {
    super();
    this.spec = spec;
    if (sink !== undefined) this.sink = sink;
    this.hook = hook;
  }

  /** The program that runs for it. */
  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  /** Attaches a program, taking a reference. One at most. */
  attach(prog: LoadedProg, cookie: bigint, linkId: number): void {
    this.#attachment = { prog: prog.hold(), cookie, linkId };
    this.hook?.attach(this.#attachment);
  }

  detach(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#attachment = undefined;
    this.hook?.detach(attachment);
    attachment.prog.drop();
  }

  protected override destroy(): void {
    this.detach();
  }
}

/**
 * A loaded program: verified, compiled, and what BPF_OBJ_GET_INFO_BY_FD tells of it.
 */

import type { MapObject } from '../../maps/index.ts';
import type { Runnable } from '../../vm/index.ts';
import type { BtfObject } from './btf.ts';
import type { Ids } from './ids.ts';
import type { LiveMap } from './map.ts';
import { KernelObject } from './object.ts';

const PAGE = 4096;
/** struct bpf_prog before its instructions. */
const PROG_OVERHEAD = 56;

/** A program's instructions, as they are called and shown. */
export interface ProgText {
  /** First 8 bytes of the SHA-256 of the instructions, see load/tag.ts. */
  readonly tag: Uint8Array;
  /** One tag a subprogram, 8 bytes each. */
  readonly subprogTags: Uint8Array;
  /** Instructions as `dump xlated` shows them: map references hold ids. */
  readonly xlated: Uint8Array;
  /** Bytes of `xlated`. */
  readonly size: number;
  /** Whether it calls one of these helpers. */
  calls(helpers: ReadonlySet<number>): boolean;
}

/** What PROG_LOAD settled about a program. */
export interface ProgFacts {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly flags: number;
  readonly gplCompatible: boolean;
  readonly uid: number;
  /** Nanoseconds since boot. */
  readonly loadTime: bigint;
  readonly text: ProgText;
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
  /** Slots of the instructions where each subprogram begins. */
  readonly subprogStarts: readonly number[];
  readonly verifiedInsns: number;
  readonly attachBtfId: number;
  /** How far it reaches into the buffers that an iterator gives it, in bytes: keys, and values. */
  readonly bufferAccess: { readonly readOnly: number; readonly writable: number };
}

export class LoadedProg extends KernelObject implements MapObject {
  readonly kind = 'prog';
  readonly id: number;
  readonly facts: ProgFacts;
  readonly runnable: Runnable;
  /** In the order of first use; each is held. */
  readonly maps: LiveMap[];
  readonly btf: BtfObject | undefined;
  /** Counted while somebody holds a BPF_ENABLE_STATS descriptor. */
  runCount = 0n;
  runTimeNs = 0n;
  /** It may not interrupt itself. */
  running = false;
  /** Runs that were left out because it was already running. */
  recursionMisses = 0n;
  readonly #ids: Ids<LoadedProg>;

  /** Takes over the caller's references to `maps` and `btf`. */
  constructor(ids: Ids<LoadedProg>, facts: ProgFacts, runnable: Runnable, maps: LiveMap[], btf: BtfObject | undefined) {
    super();
    this.#ids = ids;
    this.facts = facts;
    this.runnable = runnable;
    this.maps = maps;
    this.btf = btf;
    this.id = ids.add(this);
  }

  get type(): number {
    return this.facts.type;
  }
  get attachType(): number {
    return this.facts.attachType;
  }
  /** Its entry in the engine's function table: what prog arrays hold. */
  get value(): number {
    return this.runnable.slot;
  }

  /** Bytes it takes, in whole pages as Linux counts them. */
  memoryUsage(): number {
    return Math.ceil((this.facts.text.size + PROG_OVERHEAD) / PAGE) * PAGE;
  }

  protected override destroy(): void {
    this.#ids.remove(this.id);
    this.runnable.dispose();
    for (const map of this.maps) map.drop();
    this.btf?.drop();
  }
}

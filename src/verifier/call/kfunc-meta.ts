/**
 * What the arguments of one kernel function's call taught, for the arguments after them and for the answer.
 */

import type { Root } from '../resource/graph.ts';
import type { IterPlace } from '../resource/iterator.ts';

export class KfuncMeta {
  refId = 0;
  releaseRegno = 0;
  /** The constant argument (`__k`, `__szk`). */
  constant: bigint | null = null;
  /** Bytes of memory that is answered, where an argument says it. */
  bufferSize = 0;
  bufferReadOnly = false;
  /** Number of the map among the arguments, -1 for none, and the id of the inner map it came from. */
  map = -1;
  mapUid = 0;
  subprog = 0;
  /** BTF and id of the object that was passed. */
  objectBtf = 0;
  objectId = 0;
  owningRef = false;
  iter: IterPlace | null = null;
  dynptr = { id: 0, kind: 0, refId: 0 };
  root: Root | null = null;
}

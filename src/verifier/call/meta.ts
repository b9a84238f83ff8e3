/**
 * What the arguments of one helper call taught, for the arguments after them and for the answer.
 */
import type { MapField } from '../structure/map-record.ts';

export class CallMeta {
  id = 0;
  name = '';
  pktAccess = false;
  /** Number of the map among the arguments, -1 for none, and the id of the inner map it came from. */
  map = -1;
  mapUid = 0;
  /** The key's value where it is known and bounded maps need no NULL check, else -1. */
  constKey = -1n;
  /** The memory argument is written without being read. */
  raw = false;
  /** Raw memory to be marked written: register and bytes. */
  rawRegno = 0;
  rawSize = 0;
  refId = 0;
  releaseRegno = 0;
  memSize = 0;
  maxSize = 0n;
  subprog = 0;
  /** bpf_kptr_xchg: the field that is exchanged, once its first argument was looked at. */
  kptr: MapField | null = null;
  /** The per-CPU variable or object among the arguments: BTF, type, and whether a program allocated it. */
  percpu = { btf: 0, id: 0, own: false };
  /** The dynptr among the arguments that was there before. */
  dynptr = { id: 0, kind: 0, refId: 0 };
}

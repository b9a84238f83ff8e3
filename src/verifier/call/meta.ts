/**
 * What the arguments of one helper call taught, for the arguments after them and for the answer.
 */
import type { MapField } from '../structure/map-record.ts';

const NO_KEY = -1n;
const NO_PERCPU = { btf: 0, id: 0, own: false };
const NO_DYNPTR = { id: 0, kind: 0, refId: 0 };

export class CallMeta {
  id = 0;
  name = '';
  pktAccess = false;
  /** Number of the map among the arguments, -1 for none, and the id of the inner map it came from. */
  map = -1;
  mapUid = 0;
  /** The key's value where it is known and bounded maps need no NULL check, else -1. */
  constKey = NO_KEY;
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
  percpu: { readonly btf: number; readonly id: number; readonly own: boolean } = NO_PERCPU;
  /** The dynptr among the arguments that was there before. */
  dynptr: { readonly id: number; readonly kind: number; readonly refId: number } = NO_DYNPTR;

  /** For the next call. */
  reset(id: number, name: string, pktAccess: boolean): void {
    this.id = id;
    this.name = name;
    this.pktAccess = pktAccess;
    this.map = -1;
    this.mapUid = 0;
    this.constKey = NO_KEY;
    this.raw = false;
    this.rawRegno = 0;
    this.rawSize = 0;
    this.refId = 0;
    this.releaseRegno = 0;
    this.memSize = 0;
    this.maxSize = 0n;
    this.subprog = 0;
    this.kptr = null;
    this.percpu = NO_PERCPU;
    this.dynptr = NO_DYNPTR;
  }
}

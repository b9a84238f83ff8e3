/**
 * Reserve, submit, discard and output of ring buffers: what maps/ringbuf.ts does. Left to the helper: records whose
 * commit wakes a reader, which is the first one after the reader took everything.
 */
import { EAGAIN, EINVAL } from '../../base/errno.ts';
import { MAP_HEADER_MAX_ENTRIES, MAP_HEADER_STORAGE } from '../../base/map-header.ts';
import { RING_CONSUMER, RING_DATA, RING_LENGTH_MASK, RING_PAGE, RING_PRODUCER } from '../../base/map-storage.ts';
import {
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
} from '../../uapi/generated/constants.ts';
import type { CodeWriter } from '../wasm/code.ts';
import {
  BR_IF,
  ELSE,
  I32_ADD,
  I32_AND,
  I32_EQ,
  I32_EQZ,
  I32_GE_U,
  I32_GT_S,
  I32_GT_U,
  I32_LE_U,
  I32_LOAD,
  I32_LOAD8_U,
  I32_OR,
  I32_SHL,
  I32_SHR_U,
  I32_STORE,
  I32_STORE8,
  I32_SUB,
  I32_WRAP_I64,
  I64,
  I64_ADD,
  I64_EQ,
  I64_EXTEND_I32_U,
  I64_GE_U,
  I64_LOAD,
  I64_STORE,
  I64_SUB,
  IF,
  LOOP,
} from '../wasm/opcodes.ts';
import type { HelperFunction } from './helper-function.ts';

const PAGE_BITS = Math.log2(RING_PAGE);
/** Up to here a loop is quicker than the engine's own copy. */
const SHORT_COPY = 64;

/** Locals with what the header of a ring's map says. */
interface Ring {
  /** Address of its first page. */
  readonly pages: number;
  /** Address of the data, and bytes of it. */
  readonly start: number;
  readonly size: number;
}

/** (map, size, size high, flags, flags high) -> address of the data, or 0. */
export function writeReserve(f: HelperFunction): void {
  const { code } = f;
  const [size, sizeHigh, flags, flagsHigh] = [1, 2, 3, 4];
  code.get(sizeHigh).get(flags).op(I32_OR).get(flagsHigh).op(I32_OR).open(IF);
  f.answer(0);
  code.end();
  const ring = writeRing(f);
  const producer = code.newLocal(I64);
  code.get(ring.pages).memory(I64_LOAD, RING_PRODUCER).set(producer);
  const { record } = writeNewRecord(f, ring, size, producer, 0, BPF_RINGBUF_BUSY_BIT);
  code.get(record).i32(BPF_RINGBUF_HDR_SZ).op(I32_ADD);
}

/** (map, data, size, size high, flags, flags high) -> 0 or -errno. */
export function writeOutput(f: HelperFunction): void {
  const { code } = f;
  const [data, size, sizeHigh, flags, flagsHigh] = [1, 2, 3, 4, 5];
  code
    .get(flags)
    .i32(~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
    .op(I32_AND)
    .get(flagsHigh)
    .op(I32_OR)
    .open(IF);
  f.answer(-EINVAL);
  code.end();
  code.get(sizeHigh).open(IF);
  f.answer(-EAGAIN);
  code.end();
  const ring = writeRing(f);
  const producer = code.newLocal(I64);
  code.get(ring.pages).memory(I64_LOAD, RING_PRODUCER).tee(producer);
  code.get(ring.pages).memory(I64_LOAD, RING_CONSUMER).op(I64_EQ);
  writeWhetherToWake(f, flags);
  const { record, total } = writeNewRecord(f, ring, size, producer, -EAGAIN, 0);
  const to = f.local();
  code.get(record).i32(BPF_RINGBUF_HDR_SZ).op(I32_ADD).set(to);
  writeVariableCopy(code, to, data, size);
  writeMirror(code, ring, record, total);
  code.i32(0);
}

export const writeSubmit = (f: HelperFunction): void => writeCommit(f, 0);
export const writeDiscard = (f: HelperFunction): void => writeCommit(f, BPF_RINGBUF_DISCARD_BIT);

/** (data, flags, flags high): the record says itself where its ring is. */
function writeCommit(f: HelperFunction, bits: number): void {
  const { code } = f;
  const [data, flags] = [0, 1];
  const [record, page, size, length] = [f.local(), f.local(), f.local(), f.local()];
  code.get(data).i32(BPF_RINGBUF_HDR_SZ).op(I32_SUB).set(record);
  code.get(record).i32(-RING_PAGE).op(I32_AND);
  code.get(record).memory(I32_LOAD, 4).i32(PAGE_BITS).op(I32_SHL).op(I32_SUB).set(page);
  code.get(page).memory(I32_LOAD, 0).memory(I32_LOAD, MAP_HEADER_MAX_ENTRIES).set(size);
  // The next record that the reader wants is the one at its position.
  code.get(record).get(page).op(I32_SUB).i32(RING_DATA).op(I32_SUB);
  code.get(page).memory(I32_LOAD, RING_CONSUMER).get(size).i32(1).op(I32_SUB).op(I32_AND).op(I32_EQ);
  writeWhetherToWake(f, flags);
  code.get(record).memory(I32_LOAD, 0).i32(RING_LENGTH_MASK).op(I32_AND).set(length);
  code.get(record);
  code.get(length);
  if (bits !== 0) code.i32(bits).op(I32_OR);
  code.memory(I32_STORE, 0);
  writeTotal(code, length);
  code.set(length);
  const start = f.local();
  code.get(page).i32(RING_DATA).op(I32_ADD).set(start);
  writeMirror(code, { pages: page, start, size }, record, length);
}

/** On the stack is whether the reader waits for this record. Where it is to be woken, JavaScript does the whole. */
function writeWhetherToWake(f: HelperFunction, flags: number): void {
  const { code } = f;
  code.get(flags).i32(BPF_RB_NO_WAKEUP).op(I32_AND).op(I32_EQZ).op(I32_AND);
  code.get(flags).i32(BPF_RB_FORCE_WAKEUP).op(I32_AND).op(I32_OR).open(IF);
  f.handOver();
  code.end();
}

/** The ring of the map in the first argument. */
function writeRing(f: HelperFunction): Ring {
  const { code } = f;
  const ring = { pages: f.local(), start: f.local(), size: f.local() };
  const map = 0;
  code.get(map).memory(I32_LOAD, MAP_HEADER_MAX_ENTRIES).set(ring.size);
  code.get(map).memory(I32_LOAD, MAP_HEADER_STORAGE).set(ring.start);
  code.get(ring.start).i32(RING_DATA).op(I32_SUB).set(ring.pages);
  return ring;
}

/** Puts the bytes that a record of `size` bytes takes on the stack. */
function writeTotal(code: CodeWriter, size: number): void {
  code
    .get(size)
    .i32(BPF_RINGBUF_HDR_SZ + 7)
    .op(I32_ADD)
    .i32(-8)
    .op(I32_AND);
}

/** Makes a record with `bits` set; the function answers `full` where there is no room. */
function writeNewRecord(
  f: HelperFunction,
  ring: Ring,
  size: number,
  producer: number,
  full: number,
  bits: number,
): { record: number; total: number } {
  const { code } = f;
  const [record, total, at] = [f.local(), f.local(), f.local()];
  const end = code.newLocal(I64);
  code.get(size).i32(RING_LENGTH_MASK).op(I32_GT_U).open(IF);
  f.answer(full);
  code.end();
  writeTotal(code, size);
  code.tee(total).op(I64_EXTEND_I32_U).get(producer).op(I64_ADD).tee(end);
  // Never round to the consumer's position: one full lap would look like none.
  code.get(ring.pages).memory(I64_LOAD, RING_CONSUMER).op(I64_SUB);
  code.get(ring.size).op(I64_EXTEND_I32_U).op(I64_GE_U).open(IF);
  f.answer(full);
  code.end();
  code.get(producer).op(I32_WRAP_I64).get(ring.size).i32(1).op(I32_SUB).op(I32_AND).tee(at);
  code.get(ring.start).op(I32_ADD).set(record);
  code.get(record).get(size);
  if (bits !== 0) code.i32(bits).op(I32_OR);
  code.memory(I32_STORE, 0);
  code.get(record).get(at).i32(RING_DATA).op(I32_ADD).i32(PAGE_BITS).op(I32_SHR_U).memory(I32_STORE, 4);
  code.get(ring.pages).get(end).memory(I64_STORE, RING_PRODUCER);
  return { record, total };
}

/** Copies what a record wrote past the end of the ring to where the ring has it. Changes `total`. */
function writeMirror(code: CodeWriter, { start, size }: Ring, record: number, total: number): void {
  code.get(record).get(total).op(I32_ADD).get(start).op(I32_SUB).get(size).op(I32_SUB).tee(total);
  code.i32(0).op(I32_GT_S).open(IF);
  code.get(start).get(start).get(size).op(I32_ADD).get(total).copyMemory();
  code.end();
}

/** Copies as many bytes as local `size` says. Changes `to` and, where they are few, `from` and `size`. */
function writeVariableCopy(code: CodeWriter, to: number, from: number, size: number): void {
  code.get(size).i32(SHORT_COPY).op(I32_LE_U).open(IF);
  writeStep(code, to, from, size, 8);
  writeStep(code, to, from, size, 1);
  code.else(ELSE);
  code.get(to).get(from).get(size).copyMemory();
  code.end();
}

/** Copies `width` bytes at a time as long as that many are left. */
function writeStep(code: CodeWriter, to: number, from: number, size: number, width: 1 | 8): void {
  const [load, store] = width === 8 ? [I64_LOAD, I64_STORE] : [I32_LOAD8_U, I32_STORE8];
  code.get(size).i32(width).op(I32_GE_U).open(IF);
  const again = code.open(LOOP);
  code.get(to).get(from).memory(load, 0).memory(store, 0);
  code.get(to).i32(width).op(I32_ADD).set(to);
  code.get(from).i32(width).op(I32_ADD).set(from);
  code.get(size).i32(width).op(I32_SUB).tee(size);
  code.i32(width).op(I32_GE_U).branch(BR_IF, again);
  code.end().end();
}

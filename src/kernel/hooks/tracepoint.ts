/**
 * Tracepoints: programs that get a record, laid out as tracefs `format` files say.
 *
 *     +0 u16 common_type (the id)   +2 u8 common_flags   +3 u8 common_preempt_count   +4 s32 common_pid   +8 the fields
 */
import { concat, utf8, view } from '../../base/bytes.ts';
import type { WorldTask } from '../world/task.ts';
import { AttachPoint, type HookEnv } from './attach-point.ts';
import type { FieldValue, TracepointField, TracepointHook } from './hook.ts';

/** Bytes of the common fields, which the kernel fills in. */
export const COMMON_SIZE = 8;

export const COMMON_FIELDS: readonly TracepointField[] = [
  { type: 'unsigned short', name: 'common_type', offset: 0, size: 2, signed: false },
  { type: 'unsigned char', name: 'common_flags', offset: 2, size: 1, signed: false },
  { type: 'unsigned char', name: 'common_preempt_count', offset: 3, size: 1, signed: false },
  { type: 'int', name: 'common_pid', offset: 4, size: 4, signed: true },
];

export class Tracepoint extends AttachPoint implements TracepointHook {
  readonly kind = 'tracepoint';
  readonly category: string;
  readonly id: number;
  readonly fields: readonly TracepointField[];
  /** Bytes of the fixed part of a record. */
  readonly size: number;

  /** `fields` without the common ones. */
  constructor(env: HookEnv, category: string, name: string, id: number, fields: readonly TracepointField[]) {
    super(env, `${category}:${name}`);
    this.category = category;
    this.id = id;
    this.fields = [...COMMON_FIELDS, ...fields];
    this.size = Math.max(...this.fields.map((field) => field.offset + field.size));
  }

  fire(task: WorldTask, given: Uint8Array | Readonly<Record<string, FieldValue>>): void {
    if (!this.attached) return;
    const record = given instanceof Uint8Array ? given : this.encode(given);
    const size = Math.max(record.length, this.size);
    this.withContext(size, (ctx) => {
      const { mem } = this.env;
      for (const { prog, cookie } of [...this.attachments]) {
        mem.fill(ctx, size, 0);
        mem.write(ctx, record);
        mem.setU16(ctx, this.id);
        mem.setU16(ctx + 2, 0);
        mem.setU32(ctx + 4, task.pid >>> 0);
        this.env.execution.start(prog, ctx, { task, cookie });
      }
    });
  }

  /** The record of these values; fields left out are zero, names that are no field are ignored. */
  encode(values: Readonly<Record<string, FieldValue>>): Uint8Array {
    const fixed = new Uint8Array(this.size);
    const pieces: Uint8Array[] = [fixed];
    let end = this.size;
    for (const field of this.fields) {
      const value = values[field.name];
      if (value === undefined) continue;
      if (typeof value !== 'string') {
        writeNumber(fixed, field, BigInt(value));
      } else if (field.type.startsWith('__data_loc')) {
        // The text stands behind the record; the field says where and how long.
        const text = concat([utf8(value), new Uint8Array(1)]);
        view(fixed).setUint32(field.offset, (text.length << 16) | end, true);
        pieces.push(text);
        end += text.length;
      } else {
        fixed.set(utf8(value).subarray(0, field.size - 1), field.offset);
      }
    }
    return concat(pieces);
  }
}

function writeNumber(record: Uint8Array, field: TracepointField, value: bigint): void {
  const dv = view(record);
  if (field.size >= 8) dv.setBigUint64(field.offset, BigInt.asUintN(64, value), true);
  else if (field.size === 4) dv.setUint32(field.offset, Number(BigInt.asUintN(32, value)), true);
  else if (field.size === 2) dv.setUint16(field.offset, Number(BigInt.asUintN(16, value)), true);
  else dv.setUint8(field.offset, Number(BigInt.asUintN(8, value)));
}

/**
 * From a typed command to the bytes of `union bpf_attr` and back, by the rows of uapi/commands.ts.
 *
 * Whoever makes the system call owns the memory that pointers point to: `AttrMemory` says where bytes are.
 */
import { fixedCString, utf8, view } from '../base/bytes.ts';
import { bug } from '../base/errors.ts';
import { type Attr, COMMANDS, type CommandName, type CommandRow, type Field, type Result } from '../uapi/commands.ts';
import { ATTR_LAYOUTS, type FieldLayout, type Layout } from '../uapi/generated/layouts.ts';
import type { InfoRequest } from '../uapi/infos.ts';
import { type AttrMemory, fieldOf, readNumber, writeNumber } from './fields.ts';
import { encodeInfo } from './info-bytes.ts';

export interface EncodedAttr<C extends CommandName> {
  /** The attr, as large as the command's arm. The kernel writes into it. */
  readonly bytes: Uint8Array;
  /** Reads what the kernel wrote, after the call answered `ret`. */
  answer(ret: number): Result<C>;
}

type Values = Readonly<Record<string, unknown>>;

/** `member`: for OBJ_GET_INFO_BY_FD of a link, see info-bytes.ts. */
export function encodeAttr<C extends CommandName>(
  command: C,
  attr: Attr<C>,
  memory: AttrMemory,
  member?: string,
): EncodedAttr<C> {
  const row: CommandRow = COMMANDS[command];
  const layout = armLayout(row);
  const bytes = new Uint8Array(layout.size);
  const dv = view(bytes);
  const values = attr as Values;
  /** Reads of the answer, name -> value; run after the call. */
  const reads: Record<string, () => unknown> = {};

  const put = (name: string, field: Field, value: number | bigint) =>
    writeNumber(dv, place(layout, name, field), value);
  const putCount = (field: Field, size: number) => {
    if (field.count !== undefined) writeNumber(dv, fieldOf(layout, field.count), size / (field.unit ?? 1));
  };

  for (const [name, field] of Object.entries(row.fields)) {
    const value = values[name];
    const at = place(layout, name, field);
    switch (field.kind) {
      case 'u32':
      case 's32':
      case 'u64':
        if (field.dir !== 'out' && value !== undefined) put(name, field, value as number | bigint);
        if (field.dir !== 'in') reads[name] = () => readNumber(dv, at, field.kind === 'u64');
        break;
      case 'name':
        if (value !== undefined) bytes.set(fixedCString(value as string, at.size), at.offset);
        break;
      case 'cstr':
        if (value !== undefined) put(name, field, memory.addressOf(utf8(`${value as string}\0`)));
        break;
      case 'cstrs':
        if (value !== undefined) put(name, field, memory.addressOf(pointers(value as readonly string[], memory)));
        break;
      case 'bytes': {
        const given = value as Uint8Array | undefined;
        if (given === undefined || given.length === 0) break;
        put(name, field, memory.addressOf(given));
        putCount(field, given.length);
        break;
      }
      case 'room': {
        const size = (value as number | undefined) ?? 0;
        const room = new Uint8Array(size);
        if (size > 0) {
          put(name, field, memory.addressOf(room));
          putCount(field, size);
        }
        reads[name] = () => written(room, dv, layout, field);
        break;
      }
      case 'info': {
        const info = encodeInfo(value as InfoRequest, memory, member);
        put(name, field, memory.addressOf(info.bytes));
        if (field.count !== undefined) writeNumber(dv, fieldOf(layout, field.count), info.bytes.length);
        reads[name] = () => info.answer();
        break;
      }
    }
  }
  return {
    bytes,
    answer(ret) {
      const result: Record<string, unknown> = { ret };
      for (const name in reads) result[name] = reads[name]!();
      return result as Result<C>;
    },
  };
}

/** What the kernel filled of a room: all of it, or as much as it says in the field that counts. */
function written(room: Uint8Array, dv: DataView, layout: Layout, field: Field): Uint8Array {
  if (field.count === undefined) return room;
  const size = Number(readNumber(dv, fieldOf(layout, field.count), false)) * (field.unit ?? 1);
  return size < room.length ? room.subarray(0, size) : room;
}

/** An array of pointers to C strings. */
function pointers(texts: readonly string[], memory: AttrMemory): Uint8Array {
  const out = new Uint8Array(8 * texts.length);
  const dv = view(out);
  texts.forEach((text, i) => {
    dv.setBigUint64(8 * i, BigInt(memory.addressOf(utf8(`${text}\0`))), true);
  });
  return out;
}

/** The layout of a command's member of the union. */
export function armLayout(row: CommandRow): Layout {
  return (ATTR_LAYOUTS as Readonly<Record<string, Layout>>)[row.arm] ?? bug(`no layout of bpf_attr.${row.arm}`);
}

function place(layout: Layout, name: string, field: Field): FieldLayout {
  return fieldOf(layout, field.path === '' ? name : field.path);
}

/**
 * From the bytes of `union bpf_attr` to a typed command, and its answer back into them: what whoever answers bpf(2) of
 * another process needs. The counterpart of attr.ts.
 *
 * As bpf(2) does, it takes an attr shorter than ours as one with zeros behind it, a longer one only with zeros behind,
 * and refuses bits in fields that the command does not have.
 */
import { cString, view } from '../base/bytes.ts';
import { E2BIG, EFAULT, EINVAL } from '../base/errno.ts';
import { type Attr, COMMANDS, type CommandName, type CommandRow, type Field, type Result } from '../uapi/commands.ts';
import * as abi from '../uapi/generated/constants.ts';
import type { FieldLayout, Layout } from '../uapi/generated/layouts.ts';
import { armLayout } from './attr.ts';
import { fieldOf, readName, readNumber, writeNumber } from './fields.ts';

/** The memory of the process that asks. */
export interface CallerMemory {
  /** A copy of `size` bytes, or null where they are not all mapped. */
  read(addr: bigint, size: number): Uint8Array | null;
  /** False where they cannot all be written. */
  write(addr: bigint, bytes: Uint8Array): boolean;
}

/**
 * Bytes behind a pointer that the attr does not count: keys and values have the size that the map says, arrays that of
 * their other fields. `values` are the numbers of the attr. 0 where there is nothing to be read or written.
 */
export type SizeOf = (field: string, values: Readonly<Record<string, number | bigint>>) => number;

export interface DecodedAttr<C extends CommandName> {
  readonly attr: Attr<C>;
  /** Where the pointers of rooms and of `info` point, and how many bytes there are. */
  readonly rooms: ReadonlyMap<string, { addr: bigint; size: number }>;
  /**
   * Writes an answer, or the part of one that came with an errno: numbers into the attr's bytes, the rest where the
   * caller asked for it. 0 or -EFAULT. The attr's bytes go back to the caller as far as it gave them.
   */
  write(answer: Partial<Result<C>>): number;
}

/** The largest attr that bpf(2) looks at. */
const PAGE = 4096;
const MAX_TEXT = 4096;
const POINTER = 8;

/** The command's attributes, or -errno. `bytes` is written to by `write`. */
export function decodeAttr<C extends CommandName>(
  command: C,
  bytes: Uint8Array,
  memory: CallerMemory,
  sizeOf: SizeOf,
): DecodedAttr<C> | number {
  if (bytes.length > PAGE) return -E2BIG;
  const row: CommandRow = COMMANDS[command];
  const layout = armLayout(row);
  const known = new Uint8Array(Math.max(layout.size, bytes.length));
  known.set(bytes);
  const error = checkUnknown(known, row, layout);
  if (error !== 0) return error;

  const dv = view(known);
  const values: Record<string, number | bigint> = {};
  for (const [name, field] of Object.entries(row.fields)) {
    if (isNumber(field)) values[name] = readNumber(dv, place(layout, name, field), field.kind === 'u64');
  }
  const rooms = new Map<string, { addr: bigint; size: number }>();
  const attr: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(row.fields)) {
    if (command === 'LINK_CREATE' && !isOfLink(name, field, Number(values['attach_type']))) continue;
    const at = place(layout, name, field);
    if (isNumber(field)) {
      if (field.dir !== 'out') attr[name] = field.kind === 's32' ? dv.getInt32(at.offset, true) : values[name];
      continue;
    }
    if (field.kind === 'name') {
      if (known[at.offset + at.size - 1] !== 0) return -EINVAL;
      attr[name] = readName(known, at);
      continue;
    }
    const addr = readNumber(dv, at, true) as bigint;
    if (addr === 0n) continue;
    const size = field.count === undefined ? sizeOf(name, values) : counted(dv, layout, field);
    if (field.kind === 'room' || field.kind === 'info') {
      rooms.set(name, { addr, size });
      if (field.kind === 'room') attr[name] = size;
      continue;
    }
    const given = readPointed(memory, field, addr, size);
    if (given === null) return -EFAULT;
    attr[name] = given;
  }
  return {
    attr: attr as Attr<C>,
    rooms,
    write: (answer) => writeAnswer(bytes, row, layout, memory, rooms, answer as Readonly<Record<string, unknown>>),
  };
}

/** Fields of LINK_CREATE that every link has. The others share their place, and the attach type says whose it is. */
const COMMON_LINK_FIELDS: ReadonlySet<string> = new Set(['prog_fd', 'target_fd', 'attach_type', 'flags']);
const LINK_MEMBERS: Readonly<Record<number, string>> = {
  [abi.BPF_PERF_EVENT]: 'perf_event',
  [abi.BPF_TRACE_ITER]: 'iter_info',
  [abi.BPF_TRACE_KPROBE_MULTI]: 'kprobe_multi',
  [abi.BPF_TRACE_KPROBE_SESSION]: 'kprobe_multi',
  [abi.BPF_TRACE_UPROBE_MULTI]: 'uprobe_multi',
  [abi.BPF_TRACE_UPROBE_SESSION]: 'uprobe_multi',
  [abi.BPF_NETFILTER]: 'netfilter',
  [abi.BPF_TCX_INGRESS]: 'tcx',
  [abi.BPF_TCX_EGRESS]: 'tcx',
  [abi.BPF_NETKIT_PRIMARY]: 'tcx',
  [abi.BPF_NETKIT_PEER]: 'tcx',
  [abi.BPF_TRACE_FENTRY]: 'tracing',
  [abi.BPF_TRACE_FEXIT]: 'tracing',
  [abi.BPF_MODIFY_RETURN]: 'tracing',
  [abi.BPF_LSM_MAC]: 'tracing',
  [abi.BPF_TRACE_RAW_TP]: 'tracing',
};

function isOfLink(name: string, field: Field, attachType: number): boolean {
  if (COMMON_LINK_FIELDS.has(name)) return true;
  const [member] = (field.path === '' ? name : field.path).split('.');
  return member === (LINK_MEMBERS[attachType] ?? 'target_btf_id');
}

/** Bits where the command has no field: what they would mean is unknown. */
function checkUnknown(known: Uint8Array, row: CommandRow, layout: Layout): number {
  let end = 0;
  for (const [name, field] of Object.entries(row.fields)) {
    const at = place(layout, name, field);
    end = Math.max(end, at.offset + at.size);
    if (field.count !== undefined) end = Math.max(end, fieldOf(layout, field.count).offset + 4);
  }
  if (known.subarray(layout.size).some((byte) => byte !== 0)) return -E2BIG;
  return known.subarray(end, layout.size).some((byte) => byte !== 0) ? -EINVAL : 0;
}

function readPointed(memory: CallerMemory, field: Field, addr: bigint, size: number): unknown {
  if (field.kind === 'cstr') return readText(memory, addr);
  const bytes = memory.read(addr, size);
  if (bytes === null || field.kind !== 'cstrs') return bytes;
  const pointers = view(bytes);
  const texts: string[] = [];
  for (let at = 0; at + POINTER <= bytes.length; at += POINTER) {
    const text = readText(memory, pointers.getBigUint64(at, true));
    if (text === null) return null;
    texts.push(text);
  }
  return texts;
}

/** Text up to its zero, page by page: what follows it may not be mapped. Cut at 4096 bytes, as a path is. */
function readText(memory: CallerMemory, addr: bigint): string | null {
  const all = new Uint8Array(MAX_TEXT);
  for (let length = 0; length < MAX_TEXT; ) {
    const at = addr + BigInt(length);
    const size = Math.min(PAGE - Number(at % BigInt(PAGE)), MAX_TEXT - length);
    const piece = memory.read(at, size);
    if (piece === null) return null;
    all.set(piece, length);
    length += size;
    if (piece.includes(0)) break;
  }
  return cString(all);
}

function writeAnswer(
  bytes: Uint8Array,
  row: CommandRow,
  layout: Layout,
  memory: CallerMemory,
  rooms: ReadonlyMap<string, { addr: bigint; size: number }>,
  answer: Readonly<Record<string, unknown>>,
): number {
  const dv = view(bytes);
  const put = (at: FieldLayout, value: number | bigint) => {
    // An older caller's attr ends before fields that came later: it does not want them.
    if (at.offset + at.size <= bytes.length) writeNumber(dv, at, value);
  };
  for (const [name, field] of Object.entries(row.fields)) {
    const value = answer[name];
    if (value === undefined) continue;
    if (isNumber(field)) {
      if (field.dir !== 'in') put(place(layout, name, field), value as number | bigint);
    } else if (field.kind === 'room') {
      const room = rooms.get(name);
      const given = value as Uint8Array;
      if (room !== undefined && !memory.write(room.addr, given.subarray(0, room.size))) return -EFAULT;
    }
  }
  return 0;
}

/** Bytes behind a pointer, by the field that counts them. */
function counted(dv: DataView, layout: Layout, field: Field): number {
  return Number(readNumber(dv, fieldOf(layout, field.count!), false)) * (field.unit ?? 1);
}

function isNumber(field: Field): boolean {
  return field.kind === 'u32' || field.kind === 's32' || field.kind === 'u64';
}

function place(layout: Layout, name: string, field: Field): FieldLayout {
  return fieldOf(layout, field.path === '' ? name : field.path);
}

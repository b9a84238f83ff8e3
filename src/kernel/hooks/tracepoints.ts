/**
 * The tracepoints that the embedded kernel has: those that a source can fire from outside a kernel. Formats are those
 * of the reference kernel's tracefs (Linux 6.18, x86-64).
 */
import { SYSCALLS_BY_NAME } from '../../uapi/syscalls.ts';
import type { TracepointField } from './hook.ts';
import { COMMON_SIZE } from './tracepoint.ts';

export interface TracepointFormat {
  readonly id: number;
  readonly category: string;
  readonly name: string;
  /** Without the common ones. */
  readonly fields: readonly TracepointField[];
}

/** `[type, name, size, signed]`, one after another from offset 8, each at a multiple of its size or of `align`. */
type Column = readonly [type: string, name: string, size: number, signed: boolean, align?: number];

function fieldsOf(columns: readonly Column[]): TracepointField[] {
  let offset = COMMON_SIZE;
  return columns.map(([type, name, size, signed, align = Math.min(size, 8)]) => {
    offset = Math.ceil(offset / align) * align;
    const field = { type, name, offset, size, signed };
    offset += size;
    return field;
  });
}

/** Ids are this kernel's own, as they are every kernel's own. Those of system calls follow. */
const OTHERS: readonly TracepointFormat[] = [
  {
    id: 101,
    category: 'sched',
    name: 'sched_process_exec',
    fields: fieldsOf([
      ['__data_loc char[]', 'filename', 4, false],
      ['pid_t', 'pid', 4, true],
      ['pid_t', 'old_pid', 4, true],
    ]),
  },
  {
    id: 102,
    category: 'sched',
    name: 'sched_process_fork',
    fields: fieldsOf([
      ['__data_loc char[]', 'parent_comm', 4, false],
      ['pid_t', 'parent_pid', 4, true],
      ['__data_loc char[]', 'child_comm', 4, false],
      ['pid_t', 'child_pid', 4, true],
    ]),
  },
  {
    id: 103,
    category: 'sched',
    name: 'sched_process_exit',
    fields: fieldsOf([
      ['char[16]', 'comm', 16, false, 1],
      ['pid_t', 'pid', 4, true],
      ['int', 'prio', 4, true],
      ['bool', 'group_dead', 1, false],
    ]),
  },
  {
    id: 111,
    category: 'raw_syscalls',
    name: 'sys_enter',
    fields: fieldsOf([
      ['long', 'id', 8, true],
      ['unsigned long[6]', 'args', 48, false],
    ]),
  },
  {
    id: 112,
    category: 'raw_syscalls',
    name: 'sys_exit',
    fields: fieldsOf([
      ['long', 'id', 8, true],
      ['long', 'ret', 8, true],
    ]),
  },
];
const FIRST_SYSCALL_ID = 1000;

/** A system call's two tracepoints have ids that follow from its number, so nothing needs to be listed. */
function syscallFormat(name: string): TracepointFormat | undefined {
  const match = /^sys_(enter|exit)_(\w+)$/.exec(name);
  const call = match && SYSCALLS_BY_NAME.get(match[2]!);
  if (!call) return undefined;
  const enter = match[1] === 'enter';
  const id = FIRST_SYSCALL_ID + 2 * call.nr + (enter ? 0 : 1);
  const number: Column = ['int', '__syscall_nr', 4, true];
  if (!enter) return { id, category: 'syscalls', name, fields: fieldsOf([number, ['long', 'ret', 8, true]]) };
  const args = call.args.map((text): Column => {
    const at = /\w+$/.exec(text)!.index;
    return [text.slice(0, at).trim(), text.slice(at), 8, false];
  });
  return { id, category: 'syscalls', name, fields: fieldsOf([number, ...args]) };
}

export function tracepointFormat(category: string, name: string): TracepointFormat | undefined {
  if (category === 'syscalls') return syscallFormat(name);
  return OTHERS.find((format) => format.category === category && format.name === name);
}

export function tracepointFormatById(id: number): TracepointFormat | undefined {
  if (id < FIRST_SYSCALL_ID) return OTHERS.find((format) => format.id === id);
  const nr = (id - FIRST_SYSCALL_ID) >> 1;
  for (const call of SYSCALLS_BY_NAME.values()) {
    if (call.nr === nr) return syscallFormat(`sys_${id % 2 === 0 ? 'enter' : 'exit'}_${call.name}`);
  }
  return undefined;
}

/** The raw tracepoints: what the tracepoints above hang on in Linux. */
export const RAW_TRACEPOINTS: ReadonlySet<string> = new Set([
  'sys_enter',
  'sys_exit',
  'sched_process_exec',
  'sched_process_fork',
  'sched_process_exit',
]);

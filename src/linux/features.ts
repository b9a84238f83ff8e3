/**
 * What the running kernel knows, found by asking it, when it has refused something with EINVAL or E2BIG: those are its
 * words for commands, fields and types that are newer than it. Distributions port features back and leave others out,
 * so a version number would be a guess.
 *
 * Every question is harmless: it names descriptor -1, an id that nobody has, or a program of two instructions that is
 * closed at once. Answers are kept, since kernels do not change while they run.
 */
import { readFileSync } from 'node:fs';
import { view } from '../base/bytes.ts';
import { E2BIG, EINVAL } from '../base/errno.ts';
import { UnsupportedError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import { encodeAttr } from '../sys/index.ts';
import { ATTACH_TYPES, type AttachTypeName, type AttachTypeRow, attachTypeName } from '../uapi/attach-types.ts';
import { type Attr, COMMANDS, type CommandName, type CommandRow } from '../uapi/commands.ts';
import { BPF_F_SLEEPABLE } from '../uapi/flags.ts';
import * as C from '../uapi/generated/constants.ts';
import { ATTR_LAYOUTS, type Layout } from '../uapi/generated/layouts.ts';
import { MAP_TYPES, mapTypeName } from '../uapi/map-types.ts';
import { PROG_TYPES, progTypeName } from '../uapi/prog-types.ts';

/** The oldest kernel that this layer is made for: what it has is not asked for. */
const OLDEST = '5.4';
const NO_FD = 0xffffffff;
const NO_ID = 0x7ffffffe;
/** MOV r0, 0; EXIT. */
const TRIVIAL = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
const LOG_ROOM = 512;

/** Questions that a kernel which knows the command answers with another error than EINVAL. */
const QUESTIONS: Partial<{ readonly [K in CommandName]: Attr<K> }> = {
  MAP_CREATE: { map_type: C.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 0xffffffff, max_entries: 1 },
  PROG_LOAD: {},
  BTF_LOAD: {},
  PROG_ATTACH: { attach_type: C.BPF_CGROUP_INET_EGRESS, attach_bpf_fd: NO_FD, target_fd: NO_FD },
  PROG_TEST_RUN: { prog_fd: NO_FD },
  OBJ_PIN: { bpf_fd: NO_FD },
  OBJ_GET: {},
  RAW_TRACEPOINT_OPEN: { prog_fd: NO_FD },
  MAP_LOOKUP_BATCH: { map_fd: NO_FD },
  MAP_LOOKUP_AND_DELETE_BATCH: { map_fd: NO_FD },
  MAP_UPDATE_BATCH: { map_fd: NO_FD },
  MAP_DELETE_BATCH: { map_fd: NO_FD },
  LINK_CREATE: { prog_fd: NO_FD },
  LINK_UPDATE: { link_fd: NO_FD },
  LINK_GET_FD_BY_ID: { link_id: NO_ID },
  LINK_GET_NEXT_ID: { start_id: NO_ID },
  ENABLE_STATS: { type: C.BPF_STATS_RUN_TIME },
  ITER_CREATE: { link_fd: NO_FD },
  LINK_DETACH: { link_fd: NO_FD },
  PROG_BIND_MAP: { prog_fd: NO_FD, map_fd: NO_FD },
  TOKEN_CREATE: { bpffs_fd: NO_FD },
  PROG_STREAM_READ_BY_FD: { prog_fd: NO_FD },
};

/** Fields that mean nothing, and are EINVAL, without a certain type or flag: only their place can be asked for. */
const BY_SIZE_ONLY: ReadonlySet<string> = new Set(['map_extra', 'path_fd', 'btf_flags', 'btf_token_fd']);

/** Maps whose smallest kind is not four bytes of key, four of value, one entry. */
const SMALLEST_MAP: Readonly<Record<number, Attr<'MAP_CREATE'>>> = {
  [C.BPF_MAP_TYPE_STACK_TRACE]: { value_size: 8 },
  [C.BPF_MAP_TYPE_LPM_TRIE]: { key_size: 8, map_flags: C.BPF_F_NO_PREALLOC },
  [C.BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED]: { key_size: 16, value_size: 8, max_entries: 0 },
  [C.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED]: { key_size: 16, value_size: 8, max_entries: 0 },
  [C.BPF_MAP_TYPE_QUEUE]: { key_size: 0 },
  [C.BPF_MAP_TYPE_STACK]: { key_size: 0 },
  [C.BPF_MAP_TYPE_STRUCT_OPS]: { btf_vmlinux_value_type_id: 1 },
  [C.BPF_MAP_TYPE_RINGBUF]: { key_size: 0, value_size: 0, max_entries: 4096 },
  [C.BPF_MAP_TYPE_USER_RINGBUF]: { key_size: 0, value_size: 0, max_entries: 4096 },
  [C.BPF_MAP_TYPE_BLOOM_FILTER]: { key_size: 0 },
  [C.BPF_MAP_TYPE_ARENA]: { key_size: 0, value_size: 0, map_flags: C.BPF_F_MMAPABLE },
};
/** These want BTF; a value that is far too large is E2BIG before it is looked at. */
const STORAGE: ReadonlySet<number> = new Set([
  C.BPF_MAP_TYPE_SK_STORAGE,
  C.BPF_MAP_TYPE_INODE_STORAGE,
  C.BPF_MAP_TYPE_TASK_STORAGE,
  C.BPF_MAP_TYPE_CGRP_STORAGE,
]);
const STORAGE_MAP = {
  value_size: 1 << 30,
  max_entries: 0,
  map_flags: C.BPF_F_NO_PREALLOC,
  btf_fd: NO_FD,
  btf_key_type_id: 1,
  btf_value_type_id: 1,
};
/** Program types that are asked with a type of the kernel's BTF that is no function. */
const NEEDS_TARGET: ReadonlySet<number> = new Set([
  C.BPF_PROG_TYPE_TRACING,
  C.BPF_PROG_TYPE_LSM,
  C.BPF_PROG_TYPE_EXT,
  C.BPF_PROG_TYPE_STRUCT_OPS,
]);

/** Commands that name a place by its attach type. */
const ATTACHING: ReadonlySet<CommandName> = new Set(['LINK_CREATE', 'PROG_ATTACH', 'PROG_QUERY']);

export class KernelFeatures {
  private readonly system: System;
  private readonly btf: string;
  private readonly known = new Map<string, boolean>();
  private size: number | undefined;

  /** `btf`: where the BTF of the kernel is. */
  constructor(system: System, btf = '/sys/kernel/btf/vmlinux') {
    this.system = system;
    this.btf = btf;
  }

  /** What a refused call asked for that this kernel does not know; undefined where it knows all of it. */
  missing<C extends CommandName>(command: C, attr: Attr<C>, errno: number): UnsupportedError | undefined {
    if (errno !== EINVAL && errno !== E2BIG) return undefined;
    if (!this.hasCommand(command)) {
      return new UnsupportedError(`BPF_${command}`, { since: COMMANDS[command].since, hint: NOT_KNOWN });
    }
    const row: CommandRow = COMMANDS[command];
    for (const [name, field] of Object.entries(row.fields)) {
      const { since } = field;
      const value = (attr as Readonly<Record<string, unknown>>)[name];
      if (since === undefined || !isGiven(value) || this.hasField(command, name)) continue;
      return new UnsupportedError(`the field ${name} of BPF_${command}`, { since, hint: NOT_KNOWN });
    }
    return undefined;
  }

  /** A sentence about the type that a refused command named, where the kernel does not have it. */
  missingType(command: CommandName, attr: Attr<CommandName>): string | undefined {
    if (command === 'MAP_CREATE') {
      const { map_type = 0 } = attr as Attr<'MAP_CREATE'>;
      const name = mapTypeName(map_type);
      if (this.hasMapType(map_type)) return undefined;
      return `this kernel has no map type ${name ?? map_type}${sinceOf(name && MAP_TYPES[name].since)}`;
    }
    if (command === 'PROG_LOAD') {
      const { prog_type = 0 } = attr as Attr<'PROG_LOAD'>;
      const name = progTypeName(prog_type);
      if (this.hasProgType(prog_type)) return undefined;
      return `this kernel has no program type ${name ?? prog_type}${sinceOf(name && PROG_TYPES[name].since)}`;
    }
    if (ATTACHING.has(command)) {
      const { attach_type = 0 } = attr as Attr<'LINK_CREATE'>;
      const name = attachTypeName(attach_type);
      if (name === undefined) return `there is no attach type ${attach_type}`;
      if (!this.hasAttachType(name))
        return `this kernel has no attach type ${name}${sinceOf(ATTACH_TYPES[name].since)}`;
    }
    return undefined;
  }

  hasCommand(command: CommandName): boolean {
    const question = QUESTIONS[command];
    if (question === undefined || !isNewer(COMMANDS[command].since)) return true;
    return this.once(`command ${command}`, () => this.ask(command, question) !== -EINVAL);
  }

  /**
   * Whether the kernel's attr has the field: it refuses bytes past its own union with E2BIG, and inside it those past
   * the fields that the command has with EINVAL, before it looks at anything else.
   */
  hasField(command: CommandName, name: string): boolean {
    const row: CommandRow = COMMANDS[command];
    const layout: Layout = ATTR_LAYOUTS[row.arm as keyof typeof ATTR_LAYOUTS];
    const field = row.fields[name];
    const place = layout.fields[field?.path || name];
    if (field?.since === undefined || place === undefined) return true;
    if (place.offset + place.size > this.attrSize()) return false;
    const question = QUESTIONS[command];
    if (question === undefined || BY_SIZE_ONLY.has(name)) return true;
    return this.once(`field ${command}.${name}`, () => this.ask(command, question, place.offset) !== -EINVAL);
  }

  hasMapType(type: number): boolean {
    return this.once(`map ${type}`, () => {
      const details = STORAGE.has(type) ? STORAGE_MAP : SMALLEST_MAP[type];
      const smallest = { map_type: type, key_size: 4, value_size: 4, max_entries: 1, ...details };
      if (type === C.BPF_MAP_TYPE_ARRAY_OF_MAPS || type === C.BPF_MAP_TYPE_HASH_OF_MAPS) {
        return this.ask('MAP_CREATE', { ...smallest, inner_map_fd: NO_FD }) !== -EINVAL;
      }
      return this.ask('MAP_CREATE', smallest) !== -EINVAL;
    });
  }

  hasProgType(type: number): boolean {
    return this.once(`prog ${type}`, () => {
      const name = progTypeName(type);
      const rows: AttachTypeRow[] = Object.values(ATTACH_TYPES);
      const attachType = rows.find((row) => name !== undefined && row.progTypes.includes(name));
      const attr: Attr<'PROG_LOAD'> = {
        prog_type: type,
        expected_attach_type: attachType?.id ?? 0,
        insns: TRIVIAL,
        license: 'GPL',
        log_level: 1,
        log_buf: LOG_ROOM,
        prog_flags: type === C.BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0,
        attach_btf_id: NEEDS_TARGET.has(type) ? 1 : 0,
      };
      const held: Uint8Array[] = [];
      const { ret, log_buf } = this.call('PROG_LOAD', attr, held);
      // A word from the verifier means that the program came that far.
      return ret !== -EINVAL || log_buf?.[0] !== 0;
    });
  }

  /**
   * Whether the kernel's headers had the attach type when it was built: the text of its BTF has the names of them all.
   * A kernel without BTF is believed.
   */
  hasAttachType(name: AttachTypeName): boolean {
    return this.once(`attach ${name}`, () => {
      try {
        return readFileSync(this.btf).includes(`\0BPF_${name.toUpperCase()}\0`);
      } catch {
        return true;
      }
    });
  }

  /** Bytes of the kernel's own union bpf_attr, as far as ours goes: it refuses what is set past it. */
  private attrSize(): number {
    this.size ??= this.findAttrSize();
    return this.size;
  }

  private findAttrSize(): number {
    const ours = ATTR_LAYOUTS.any.size;
    for (let size = ours; size > 0; size -= 8) {
      const bytes = new Uint8Array(size);
      bytes[size - 1] = 1;
      // No such command: EINVAL, or E2BIG before that is found out.
      if (this.system.bpf(-1, this.system.addressOf(bytes), size) !== -E2BIG) return size;
    }
    return ours;
  }

  private once(what: string, ask: () => boolean): boolean {
    const known = this.known.get(what);
    if (known !== undefined) return known;
    const answer = ask();
    this.known.set(what, answer);
    return answer;
  }

  /** The answer to a command; what it opens is closed. `mark`: a byte of the attr that is to be set. */
  private ask(command: CommandName, attr: Attr<CommandName>, mark?: number): number {
    return this.call(command, attr, [], mark).ret;
  }

  private call<C extends CommandName>(command: C, attr: Attr<C>, held: Uint8Array[], mark?: number) {
    const addressOf = (bytes: Uint8Array): number => {
      held.push(bytes);
      return this.system.addressOf(bytes);
    };
    const encoded = encodeAttr(command, attr, { addressOf });
    if (mark !== undefined) view(encoded.bytes).setUint8(mark, 1);
    const ret = this.system.bpf(COMMANDS[command].id, addressOf(encoded.bytes), encoded.bytes.length);
    if (ret >= 0 && COMMANDS[command].returns === 'fd') this.system.call('close', ret);
    return encoded.answer(ret) as { ret: number; log_buf?: Uint8Array };
  }
}

const NOT_KNOWN = 'this kernel does not know it';

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== 0 && value !== 0n && value !== '';
}

function sinceOf(since: string | undefined): string {
  return since === undefined ? '' : `; Linux has it since ${since}, where it is configured`;
}

/** Whether a version is newer than the oldest kernel there is. */
function isNewer(since: string): boolean {
  const [major = 0, minor = 0] = since.split('.').map(Number);
  const [oldMajor = 0, oldMinor = 0] = OLDEST.split('.').map(Number);
  return major > oldMajor || (major === oldMajor && minor > oldMinor);
}

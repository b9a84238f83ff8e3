/** bpf(2) on the machine's kernel: a typed command in, a typed answer or a typed error out. */
import { E2BIG, EACCES, EBADF, EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../base/errno.ts';
import { BpfError, VerifierError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import { encodeAttr, type Fd, linkMember, refusal } from '../sys/index.ts';
import { type Attr, COMMANDS, type CommandName, type Result } from '../uapi/commands.ts';
import {
  BPF_TRACE_KPROBE_MULTI,
  BPF_TRACE_KPROBE_SESSION,
  BPF_TRACE_UPROBE_MULTI,
  BPF_TRACE_UPROBE_SESSION,
} from '../uapi/generated/constants.ts';
import type { MapInfo } from '../uapi/infos.ts';
import { whyNoCgroup } from './cgroup-target.ts';
import { ElementCalls, type ElementCommand, isElementCommand } from './element-calls.ts';
import { kindOfFd } from './fd-kind.ts';
import { KernelFeatures } from './features.ts';
import { raiseLockedMemory } from './locked-memory.ts';
import { KnownMaps } from './map-sizes.ts';
import { whyForbidden } from './permission.ts';

/** Links that a kernel may know and have left out, and the option of its configuration. */
const NEEDS_CONFIG: Readonly<Record<number, string>> = {
  [BPF_TRACE_KPROBE_MULTI]: 'CONFIG_FPROBE',
  [BPF_TRACE_KPROBE_SESSION]: 'CONFIG_FPROBE',
  [BPF_TRACE_UPROBE_MULTI]: 'CONFIG_UPROBES',
  [BPF_TRACE_UPROBE_SESSION]: 'CONFIG_UPROBES',
};

/** What counts as locked memory on kernels before 5.11. */
const TAKES_MEMORY: ReadonlySet<CommandName> = new Set(['MAP_CREATE', 'PROG_LOAD', 'BTF_LOAD']);

export class BpfCalls {
  private readonly system: System;
  private readonly features: KernelFeatures;
  private readonly maps: KnownMaps;
  private readonly elements: ElementCalls;

  /** `isOurs`: see KnownMaps. */
  constructor(system: System, isOurs: (fd: Fd) => boolean, cpus: number) {
    this.system = system;
    this.features = new KernelFeatures(system);
    this.elements = new ElementCalls(system);
    this.maps = new KnownMaps((fd) => this.mapInfo(fd), isOurs, cpus);
  }

  call<C extends CommandName>(command: C, attr: Attr<C>): Result<C> {
    if (isElementCommand(command) && this.elements.fits(attr)) {
      return this.element(command, attr as Attr<ElementCommand>) as Result<C>;
    }
    if (command === 'OBJ_GET_INFO_BY_FD') return this.info(attr as Attr<'OBJ_GET_INFO_BY_FD'>) as Result<C>;
    this.maps.check(command, attr);
    return this.once(command, attr);
  }

  /** The value, or null where the key is not there: MAP_LOOKUP_ELEM without an error for what is usual. */
  lookup(map_fd: Fd, key: Uint8Array, value: number): Uint8Array | null {
    const attr = { map_fd, key, value };
    if (!this.isPlain(map_fd, key, value)) return orNull(() => this.call('MAP_LOOKUP_ELEM', attr).value);
    const ret = this.elements.ofKey('MAP_LOOKUP_ELEM', map_fd, key);
    if (ret >= 0) return this.elements.written(value);
    if (ret === -ENOENT) return null;
    throw this.refused('MAP_LOOKUP_ELEM', attr, ret);
  }

  update(map_fd: Fd, key: Uint8Array, value: Uint8Array, flags: number): void {
    const attr = { map_fd, key, value, flags };
    if (!this.isPlain(map_fd, key, value.length)) {
      this.call('MAP_UPDATE_ELEM', attr);
      return;
    }
    const ret = this.elements.update(map_fd, key, value, flags);
    if (ret < 0) throw this.refused('MAP_UPDATE_ELEM', attr, ret);
  }

  /** Whether there was such a key. */
  remove(map_fd: Fd, key: Uint8Array): boolean {
    const attr = { map_fd, key };
    const size = this.maps.of(map_fd)?.value ?? 0;
    if (!this.isPlain(map_fd, key, size)) return orNull(() => this.call('MAP_DELETE_ELEM', attr)) !== null;
    const ret = this.elements.ofKey('MAP_DELETE_ELEM', map_fd, key);
    if (ret >= 0) return true;
    if (ret === -ENOENT) return false;
    throw this.refused('MAP_DELETE_ELEM', attr, ret);
  }

  /** Whether key and value are just what an ordinary map takes, and have room in the block. */
  private isPlain(fd: Fd, key: Uint8Array, valueSize: number): boolean {
    const sizes = this.maps.of(fd);
    if (sizes === undefined || sizes.asksForValue || sizes.key === 0) return false;
    return key.length === sizes.key && valueSize === sizes.value && this.elements.hasRoom(sizes.key, sizes.value);
  }

  /** To be told when a descriptor is closed: its number will mean something else. */
  forget(fd: Fd): void {
    this.maps.forget(fd);
  }

  private info(attr: Attr<'OBJ_GET_INFO_BY_FD'>): Result<'OBJ_GET_INFO_BY_FD'> {
    const { bpf_fd = 0, info: request } = attr;
    const kind = kindOfFd(bpf_fd);
    // The kernel answers with the facts of whatever it is, and those of a map, read as a program's, are nonsense.
    if (request !== undefined && kind !== undefined && kind !== 'other' && kind !== request.of) {
      throw new BpfError('BPF_OBJ_GET_INFO_BY_FD', EINVAL, `descriptor ${bpf_fd} is a ${kind}, no ${request.of}`);
    }
    if (request?.of !== 'link' || request.want === undefined) return this.once('OBJ_GET_INFO_BY_FD', attr);
    // Which texts and arrays a link has depends on its type: ask that first.
    const { info } = this.once('OBJ_GET_INFO_BY_FD', { bpf_fd, info: { of: 'link' } });
    return this.once('OBJ_GET_INFO_BY_FD', attr, info.of === 'link' ? linkMember(info) : undefined);
  }

  /** Facts of a map; undefined where the descriptor is none. */
  private mapInfo(fd: Fd): MapInfo | undefined {
    try {
      const { info } = this.info({ bpf_fd: fd, info: { of: 'map' } });
      return info.of === 'map' ? info : undefined;
    } catch (error) {
      if (error instanceof BpfError) return undefined;
      throw error;
    }
  }

  private element(command: ElementCommand, attr: Attr<ElementCommand>): Result<ElementCommand> {
    this.maps.check(command, attr);
    const asksForValue = command === 'MAP_LOOKUP_ELEM' && this.maps.of(attr.map_fd ?? 0)?.asksForValue === true;
    const ret = this.elements.call(command, attr, asksForValue);
    if (ret < 0) throw this.refused(command, attr, ret);
    const { value, next_key } = attr as { value?: Uint8Array | number; next_key?: number };
    if (command === 'MAP_GET_NEXT_KEY') return { ret, next_key: this.elements.written(next_key ?? 0) } as never;
    if (typeof value === 'number') return { ret, value: this.elements.written(value) } as never;
    return { ret } as never;
  }

  private once<C extends CommandName>(command: C, attr: Attr<C>, member?: string): Result<C> {
    // Every buffer whose address the kernel gets stays reachable until the answer is read.
    const held: Uint8Array[] = [];
    const addressOf = (bytes: Uint8Array): number => {
      held.push(bytes);
      return this.system.addressOf(bytes);
    };
    const encoded = encodeAttr(command, attr, { addressOf }, member);
    const ask = () => this.system.bpf(COMMANDS[command].id, addressOf(encoded.bytes), encoded.bytes.length);
    let ret = ask();
    if (ret === -EPERM && TAKES_MEMORY.has(command) && raiseLockedMemory(this.system)) ret = ask();
    const answer = encoded.answer(ret);
    held.length = 0;
    if (ret < 0) throw this.refused(command, attr, ret, answer);
    return answer;
  }

  private refused<C extends CommandName>(command: C, attr: Attr<C>, ret: number, answer?: Result<C>): Error {
    const error = refusal(command, ret, answer);
    if (error instanceof VerifierError) return error;
    const why = this.why(command, attr, error.errno);
    if (why === undefined || why instanceof Error) return why ?? error;
    return new BpfError(error.op, error.errno, why, answer === undefined ? {} : { answer });
  }

  /** What is in the way, where that can be found out. */
  private why<C extends CommandName>(command: C, attr: Attr<C>, errno: number): string | Error | undefined {
    if (errno === EPERM) return whyForbidden(command, attr);
    if (errno === EACCES && command === 'OBJ_GET') {
      return 'nothing is pinned there, or the permissions of the pin or of a directory above it are in the way';
    }
    if (errno === EBADF && (command === 'LINK_CREATE' || command === 'PROG_ATTACH')) {
      const { target_fd = 0, attach_type = 0 } = attr as Attr<'LINK_CREATE'>;
      return whyNoCgroup(target_fd, attach_type);
    }
    if (errno === EOPNOTSUPP && command === 'LINK_CREATE') {
      const { attach_type = 0 } = attr as Attr<'LINK_CREATE'>;
      const option = NEEDS_CONFIG[attach_type];
      return option && `this kernel is built without ${option}`;
    }
    if (errno !== EINVAL && errno !== E2BIG) return undefined;
    return this.features.missing(command, attr, errno) ?? this.features.missingType(command, attr);
  }
}

function orNull<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof BpfError && error.errno === ENOENT) return null;
    throw error;
  }
}

/**
 * The commands about one element of a map, which are called a million times: their attr and buffers lie in one block
 * whose address is known, so that a call is a few stores, the system call, and one copy.
 */
import type { System } from '../native/index.ts';
import { type Attr, COMMANDS, type CommandName } from '../uapi/commands.ts';
import { ATTR_LAYOUTS } from '../uapi/generated/layouts.ts';

export type ElementCommand =
  | 'MAP_LOOKUP_ELEM'
  | 'MAP_LOOKUP_AND_DELETE_ELEM'
  | 'MAP_UPDATE_ELEM'
  | 'MAP_DELETE_ELEM'
  | 'MAP_GET_NEXT_KEY';

/** What such a command is given; `value` is bytes or room. */
interface ElementAttr {
  map_fd?: number;
  key?: Uint8Array;
  value?: Uint8Array | number;
  next_key?: number;
  flags?: number | bigint;
}

const { size: ATTR_SIZE, fields: AT } = ATTR_LAYOUTS.map_elem;
const KEY = 64;
const KEY_ROOM = 1024;
const VALUE = KEY + KEY_ROOM;
const VALUE_ROOM = 1 << 14;
const EMPTY = new Uint8Array(0);

const IDS: Readonly<Record<ElementCommand, number>> = {
  MAP_LOOKUP_ELEM: COMMANDS.MAP_LOOKUP_ELEM.id,
  MAP_LOOKUP_AND_DELETE_ELEM: COMMANDS.MAP_LOOKUP_AND_DELETE_ELEM.id,
  MAP_UPDATE_ELEM: COMMANDS.MAP_UPDATE_ELEM.id,
  MAP_DELETE_ELEM: COMMANDS.MAP_DELETE_ELEM.id,
  MAP_GET_NEXT_KEY: COMMANDS.MAP_GET_NEXT_KEY.id,
};

export function isElementCommand(command: CommandName): command is ElementCommand {
  return command in IDS;
}

/** Up to so many bytes a loop copies sooner than `set` and `slice` begin. */
const FEW = 16;

export class ElementCalls {
  private readonly system: System;
  private readonly block = new Uint8Array(VALUE + VALUE_ROOM);
  /** The same memory, for the attr's numbers: little-endian, as both machines are. */
  private readonly words = new Uint32Array(this.block.buffer, 0, ATTR_SIZE / 4);
  private readonly address: number;

  constructor(system: System) {
    this.system = system;
    this.address = system.addressOf(this.block);
  }

  /** Whether key and value have room in the block. */
  fits({ key = EMPTY, value = EMPTY, next_key = 0 }: ElementAttr): boolean {
    return this.hasRoom(key.length, sizeOf(value)) && next_key <= VALUE_ROOM;
  }
  hasRoom(keySize: number, valueSize: number): boolean {
    return keySize <= KEY_ROOM && valueSize <= VALUE_ROOM;
  }

  /**
   * The system call's answer; what it wrote is there for `written` until the next call. `attr` must fit. With
   * `keyIsValue` the key goes where the value comes back.
   */
  call<C extends ElementCommand>(command: C, attr: Attr<C>, keyIsValue = false): number {
    const { map_fd = 0, value = EMPTY, next_key = 0, flags = 0 }: ElementAttr = attr;
    const given = (attr as ElementAttr).key ?? EMPTY;
    if (keyIsValue) this.put(given, VALUE);
    if (typeof value === 'object') this.put(value, VALUE);
    return this.one(command, map_fd, keyIsValue ? EMPTY : given, sizeOf(value) + next_key > 0, flags);
  }

  /** MAP_LOOKUP_ELEM and MAP_DELETE_ELEM of a key that fits. */
  ofKey(command: 'MAP_LOOKUP_ELEM' | 'MAP_DELETE_ELEM', fd: number, key: Uint8Array): number {
    return this.one(command, fd, key, command === 'MAP_LOOKUP_ELEM', 0);
  }

  /** MAP_UPDATE_ELEM of a key and a value that fit. */
  update(fd: number, key: Uint8Array, value: Uint8Array, flags: number): number {
    this.put(value, VALUE);
    return this.one('MAP_UPDATE_ELEM', fd, key, true, flags);
  }

  /** A copy of the first `size` bytes that the last call wrote. */
  written(size: number): Uint8Array {
    if (size > FEW) return this.block.slice(VALUE, VALUE + size);
    const out = new Uint8Array(size);
    for (let i = 0; i < size; i++) out[i] = this.block[VALUE + i]!;
    return out;
  }

  private one(command: ElementCommand, fd: number, key: Uint8Array, hasValue: boolean, flags: number | bigint): number {
    const { words } = this;
    words[AT.map_fd.offset / 4] = fd;
    this.point(AT.key.offset / 4, key.length > 0 ? this.address + KEY : 0);
    this.point(AT.value.offset / 4, hasValue ? this.address + VALUE : 0);
    const wide = typeof flags === 'bigint';
    words[AT.flags.offset / 4] = wide ? Number(flags & 0xffff_ffffn) : flags;
    words[AT.flags.offset / 4 + 1] = wide ? Number(BigInt.asUintN(64, flags) >> 32n) : 0;
    this.put(key, KEY);
    return this.system.bpf(IDS[command], this.address, ATTR_SIZE);
  }

  private point(at: number, address: number): void {
    this.words[at] = address;
    this.words[at + 1] = address / 2 ** 32;
  }

  private put(bytes: Uint8Array, at: number): void {
    const { block } = this;
    if (bytes.length > FEW) block.set(bytes, at);
    else for (let i = 0; i < bytes.length; i++) block[at + i] = bytes[i]!;
  }
}

function sizeOf(value: Uint8Array | number): number {
  return typeof value === 'number' ? value : value.length;
}

/**
 * The commands about one element of a map, which are called a million times: their attr and buffers lie in one block
 * whose address is known, so that a call is a few stores, the system call, and one copy.
 */
import { view } from '../base/bytes.ts';
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
const NULL = 0n;

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

export class ElementCalls {
  private readonly system: System;
  private readonly block = new Uint8Array(VALUE + VALUE_ROOM);
  private readonly dv = view(this.block);
  private readonly address: number;
  private readonly keyAddress: bigint;
  private readonly valueAddress: bigint;

  constructor(system: System) {
    this.system = system;
    this.address = system.addressOf(this.block);
    this.keyAddress = BigInt(this.address + KEY);
    this.valueAddress = BigInt(this.address + VALUE);
  }

  /** Whether key and value have room in the block. */
  fits({ key = EMPTY, value = EMPTY, next_key = 0 }: ElementAttr): boolean {
    return key.length <= KEY_ROOM && sizeOf(value) <= VALUE_ROOM && next_key <= VALUE_ROOM;
  }

  /**
   * The system call's answer; what it wrote is there for `written` until the next call. `attr` must fit. With
   * `keyIsValue` the key goes where the value comes back.
   */
  call<C extends ElementCommand>(command: C, attr: Attr<C>, keyIsValue = false): number {
    const { map_fd = 0, value = EMPTY, next_key = 0, flags = 0 }: ElementAttr = attr;
    const given = (attr as ElementAttr).key ?? EMPTY;
    const key = keyIsValue ? EMPTY : given;
    if (keyIsValue) this.block.set(given, VALUE);
    const { dv } = this;
    dv.setUint32(AT.map_fd.offset, map_fd, true);
    dv.setBigUint64(AT.key.offset, key.length > 0 ? this.keyAddress : NULL, true);
    dv.setBigUint64(AT.value.offset, sizeOf(value) + next_key > 0 ? this.valueAddress : NULL, true);
    dv.setBigUint64(AT.flags.offset, flags ? BigInt.asUintN(64, BigInt(flags)) : 0n, true);
    this.block.set(key, KEY);
    if (typeof value === 'object') this.block.set(value, VALUE);
    return this.system.bpf(IDS[command], this.address, ATTR_SIZE);
  }

  /** A copy of the first `size` bytes that the last call wrote. */
  written(size: number): Uint8Array {
    return this.block.slice(VALUE, VALUE + size);
  }
}

function sizeOf(value: Uint8Array | number): number {
  return typeof value === 'number' ? value : value.length;
}

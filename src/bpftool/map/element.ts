/** Keys and values as words: `key DATA`, `value VALUE`, and the update flags, in any order and each at most once. */
import { view } from '../../base/bytes.ts';
import { isPerCpu } from '../../sys/index.ts';
import {
  BPF_ANY,
  BPF_EXIST,
  BPF_MAP_TYPE_ARRAY_OF_MAPS,
  BPF_MAP_TYPE_HASH_OF_MAPS,
  BPF_MAP_TYPE_PROG_ARRAY,
  BPF_NOEXIST,
} from '../../uapi/generated/constants.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { type Args, parseNumber } from '../args.ts';
import type { Context } from '../context.ts';
import { fail } from '../failure.ts';
import { takeMap, takeProg } from '../handles.ts';

export interface Element {
  /** Empty for maps without keys. */
  key: Uint8Array;
  /** As user space passes it: for per-CPU maps the same value for every CPU. */
  value: Uint8Array;
  flags: number;
}

export interface Wanted {
  readonly value: boolean;
  readonly flags: boolean;
}

/** Reads words until none are left. What is wanted and not there is an error, unless the map has none of it. */
export async function takeElement(context: Context, args: Args, map: MapInfo, wanted: Wanted): Promise<Element> {
  const element: Element = { key: new Uint8Array(), value: new Uint8Array(), flags: BPF_ANY };
  let key = map.key_size > 0;
  let value = wanted.value && map.value_size > 0;
  let flags = wanted.flags;
  while (args.left > 0) {
    if (args.take('key')) {
      if (!key) fail(map.key_size > 0 ? 'duplicate key' : 'unnecessary key');
      element.key = takeBytes(args, 'key', map.key_size);
      key = false;
    } else if (args.take('value')) {
      if (!value) fail(wanted.value && map.value_size > 0 ? 'duplicate value' : 'unnecessary value');
      element.value = await takeValue(context, args, map);
      value = false;
    } else if (args.is('any') || args.is('noexist') || args.is('exist')) {
      if (!flags) fail(`flags specified multiple times: ${args.peek()}`);
      element.flags = args.take('any') ? BPF_ANY : args.take('noexist') ? BPF_NOEXIST : BPF_EXIST;
      if (element.flags === BPF_EXIST) args.next();
      flags = false;
    } else {
      fail(`expected key or value, got: ${args.peek()}`);
    }
  }
  if (key) fail('did not find key');
  if (value) fail('did not find value');
  return element;
}

/** `[hex] BYTES`: exactly `size` of them. Numbers as strtoul(3) reads them, cut to a byte. */
function takeBytes(args: Args, what: string, size: number): Uint8Array {
  const base = args.take('hex') ? 16 : 0;
  const out = new Uint8Array(size);
  let count = 0;
  for (; count < size && args.left > 0; count++) {
    const word = args.next();
    const byte = parseByte(word, base);
    if (byte === undefined) fail(`error parsing byte: ${word}`);
    out[count] = byte;
  }
  if (count !== size) fail(`${what} expected ${size} bytes got ${count}`);
  return out;
}

function parseByte(word: string, base: 0 | 16): number | undefined {
  const digits = base === 16 && !/^[+-]?0x/i.test(word) ? word.replace(/^([+-]?)/, '$10x') : word;
  const value = word === '' ? 0n : parseNumber(digits);
  return value === undefined ? undefined : Number(BigInt.asUintN(8, value));
}

async function takeValue(context: Context, args: Args, map: MapInfo): Promise<Uint8Array> {
  const kind = holdsMaps(map.type) ? 'map' : map.type === BPF_MAP_TYPE_PROG_ARRAY ? 'prog' : undefined;
  if (!kind) return everyCpu(context, map, takeBytes(args, 'value', map.value_size));

  const where = kind === 'map' ? 'map in map' : 'map of progs';
  if (map.value_size !== 4) fail(`value smaller than 4B for ${where}?`);
  if (args.left < 2) fail(`not enough value arguments for ${where}`);
  if (kind === 'prog' && args.is('id') && !context.json) {
    context.note(
      'Warning: updating program array via MAP_ID, make sure this map is kept open\n' +
        '         by some process or pinned otherwise update will be lost\n',
    );
  }
  const { fd } = kind === 'map' ? await takeMap(context, args) : await takeProg(context, args);
  const value = new Uint8Array(4);
  view(value).setUint32(0, fd, true);
  return value;
}

async function everyCpu(context: Context, map: MapInfo, one: Uint8Array): Promise<Uint8Array> {
  if (!isPerCpu(map.type)) return one;
  const { possibleCpus } = await context.kernel();
  const stride = Math.ceil(map.value_size / 8) * 8;
  const out = new Uint8Array(stride * possibleCpus);
  for (let cpu = 0; cpu < possibleCpus; cpu++) out.set(one, cpu * stride);
  return out;
}

/** Whether the values of a map are maps. */
export function holdsMaps(type: number): boolean {
  return type === BPF_MAP_TYPE_ARRAY_OF_MAPS || type === BPF_MAP_TYPE_HASH_OF_MAPS;
}

/** How an element of a map is shown: as hex, as JSON, or by its BTF. */
import { view } from '../../base/bytes.ts';
import { type Btf, parseBtf } from '../../btf/index.ts';
import { isPerCpu } from '../../sys/index.ts';
import type { MapInfo } from '../../uapi/infos.ts';
import { writeTyped } from '../btf/typed-value.ts';
import type { Context } from '../context.ts';
import { orFail } from '../failure.ts';
import type { JsonWriter } from '../json-writer.ts';
import { hexRows, hexStrings } from '../text/hex.ts';
import { holdsMaps } from './element.ts';

/** What is needed to show elements of one map. */
export interface EntryShape {
  readonly info: MapInfo;
  /** The BTF of its key and value, where it has one. */
  readonly btf: Btf | undefined;
  readonly cpus: number;
}

/** Short keys and values share a line. */
const ONE_LINE = 24;
/** Longer than a row of hex: the name stands on a line of its own. */
const ROW = 16;

export async function entryShape(context: Context, info: MapInfo): Promise<EntryShape> {
  const kernel = await context.kernel();
  return { info, btf: await mapBtf(context, info), cpus: kernel.possibleCpus };
}

/** The map's own BTF, read if its values have a type. */
async function mapBtf(context: Context, info: MapInfo): Promise<Btf | undefined> {
  if (info.btf_value_type_id === 0) return undefined;
  const bpf = await context.bpf();
  const ask = bpf.withFd(bpf.btfById(info.btf_id), (fd) => bpf.btfInfo(fd, { bytes: true }));
  return parseBtf((await orFail('failed to get btf', ask)).btf);
}

export function plainEntry({ info, cpus }: EntryShape, key: Uint8Array, value: Uint8Array): string {
  if (isPerCpu(info.type)) {
    let out = info.key_size > 0 ? `key:\n${hexRows(key)}\n` : '';
    for (const [cpu, bytes] of perCpu(info, cpus, value)) {
      out += `value (CPU ${String(cpu).padStart(2, '0')}):${info.value_size > ROW ? '\n' : ' '}${hexRows(bytes)}\n`;
    }
    return out;
  }
  const { after, between } = spacing(info);
  const shown = holdsMaps(info.type)
    ? `inner_map_id:${after}${view(value).getUint32(0, true)} `
    : `value:${after}${hexRows(value)}`;
  return `${keyText(info, key, after, between)}${info.value_size > 0 ? shown : ''}\n`;
}

/** An element whose value could not be read. */
export function plainUnreadable({ info }: EntryShape, key: Uint8Array, why: string): string {
  const { after, between } = spacing(info);
  return `${keyText(info, key, after, between)}value:${after}${why}\n`;
}

function spacing(info: MapInfo): { after: string; between: string } {
  const broken = info.key_size > ROW || info.value_size > ROW;
  return {
    after: broken ? '\n' : ' ',
    between: !broken && info.key_size + info.value_size <= ONE_LINE ? '  ' : '\n',
  };
}

function keyText(info: MapInfo, key: Uint8Array, after: string, between: string): string {
  return info.key_size > 0 ? `key:${after}${hexRows(key)}${between}` : '';
}

/** The members of the object that stands for an element. */
export function jsonEntry(writer: JsonWriter, shape: EntryShape, key: Uint8Array, value: Uint8Array): void {
  const { info, btf, cpus } = shape;
  writer.startObject();
  writer.list('key', hexStrings(key));
  if (isPerCpu(info.type)) {
    writer.name('values').startArray();
    for (const [cpu, bytes] of perCpu(info, cpus, value)) {
      writer.startObject().field('cpu', cpu).list('value', hexStrings(bytes)).endObject();
    }
    writer.endArray();
  } else {
    writer.list('value', hexStrings(value));
    if (holdsMaps(info.type)) writer.field('inner_map_id', view(value).getUint32(0, true));
  }
  if (btf) {
    writer.name('formatted');
    typedEntry(writer, { ...shape, btf }, key, value, false);
  }
  writer.endObject();
}

/** Key and value by their types. `plain`: for people, where not everything need be JSON. */
export function typedEntry(
  writer: JsonWriter,
  { info, btf, cpus }: EntryShape & { btf: Btf },
  key: Uint8Array,
  value: Uint8Array,
  plain: boolean,
): void {
  writer.startObject();
  if (info.btf_key_type_id !== 0) {
    writer.name('key');
    writeTyped(writer, btf, info.btf_key_type_id, key, plain);
  }
  if (isPerCpu(info.type)) {
    writer.name('values').startArray();
    for (const [cpu, bytes] of perCpu(info, cpus, value)) {
      writer.startObject().field('cpu', cpu).name('value');
      writeTyped(writer, btf, info.btf_value_type_id, bytes, plain);
      writer.endObject();
    }
    writer.endArray();
  } else {
    writer.name('value');
    writeTyped(writer, btf, info.btf_value_type_id, value, plain);
  }
  writer.endObject();
}

/** The value of each CPU, without its padding. */
function* perCpu(info: MapInfo, cpus: number, value: Uint8Array): Generator<[number, Uint8Array]> {
  const stride = Math.ceil(info.value_size / 8) * 8;
  for (let cpu = 0; cpu < cpus; cpu++) yield [cpu, value.subarray(cpu * stride, cpu * stride + info.value_size)];
}

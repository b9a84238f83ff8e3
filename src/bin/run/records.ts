/** Records of ring buffers and perf buffers as lines: by their type where one can be told, else as hex. */
import { toHex } from '../../base/bytes.ts';
import { type Btf, type BtfValue, decodeValue, sizeOf } from '../../btf/index.ts';

/** Names that structures of records usually have. */
const TYPICAL = /(event|record|sample|data|msg|info)(_t)?$/i;

/**
 * How to show the records of a map. Nothing in an object says which type they have, so it is found by size: among the
 * structures that have the record's size, the one named like the map (`events` holds `struct event`), then one with a
 * typical name, then the only one.
 */
export function recordFormatter(map: string, btf: Btf | undefined): (data: Uint8Array) => string {
  const bySize = new Map<number, number | undefined>();
  return (data) => {
    if (!btf) return toHex(data);
    if (!bySize.has(data.length)) bySize.set(data.length, typeOfSize(btf, map, data.length));
    const type = bySize.get(data.length);
    return type === undefined ? toHex(data) : valueText(decodeValue(btf, type, data));
  };
}

function typeOfSize(btf: Btf, map: string, size: number): number | undefined {
  const ids: number[] = [];
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (type?.kind === 'struct' && type.name !== '' && sizeOf(btf, id) === size) ids.push(id);
  }
  const nameOf = (id: number) => btf.type(id)?.name ?? '';
  const singular = map.replace(/s$/, '');
  return (
    ids.find((id) => nameOf(id) === map || nameOf(id) === singular) ??
    ids.find((id) => TYPICAL.test(nameOf(id))) ??
    (ids.length === 1 ? ids[0] : undefined)
  );
}

/** JSON on one line; 64-bit numbers are numbers, bytes are hex. */
export function valueText(value: BtfValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return `"${toHex(value)}"`;
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([name, member]) => `"${name}": ${valueText(member)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

export type BtfValue = number | bigint | boolean | string | Uint8Array | BtfValue[] | { [name: string]: BtfValue };

import { view } from '../base/bytes.ts';
import { type Btf, resolve, sizeOf } from '../btf/index.ts';
export function decodeValue(_btf: Btf, _id: number, bytes: Uint8Array): BtfValue {
  return bytes;
}
export function encodeValue(btf: Btf, id: number, value: BtfValue): Uint8Array {
  const out = new Uint8Array(sizeOf(btf, id));
  void resolve;
  const n = BigInt(value as number);
  for (let i = 0; i < out.length; i++) view(out).setUint8(i, Number((n >> BigInt(8 * i)) & 255n));
  return out;
}

/**
 * Messages of netlink(7): a header, a structure of the family's own, then attributes `length:16 type:16 payload`, each
 * padded to 4 bytes, some with attributes inside.
 *
 * Reading never trusts a length: whatever does not fit ends what is read.
 */
import { concat, utf8, view } from '../../base/bytes.ts';

const HEADER = 16;
const ATTR_HEADER = 4;
const align = (n: number): number => (n + 3) & ~3;
/** The two top bits of an attribute's type say how it is coded: NLA_F_NESTED, NLA_F_NET_BYTEORDER. */
const TYPE_MASK = 0x3fff;
const NESTED = 0x8000;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

export function encodeMessage(type: number, flags: number, seq: number, body: readonly Uint8Array[]): Uint8Array {
  const bytes = concat([new Uint8Array(HEADER), ...body]);
  const dv = view(bytes);
  dv.setUint32(0, bytes.length, true);
  dv.setUint16(4, type, true);
  dv.setUint16(6, flags, true);
  dv.setUint32(8, seq, true);
  return bytes;
}

/** The messages of one datagram. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  const dv = view(bytes);
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const length = dv.getUint32(at, true);
    if (length < HEADER || at + length > bytes.length) break;
    messages.push({
      type: dv.getUint16(at + 4, true),
      flags: dv.getUint16(at + 6, true),
      seq: dv.getUint32(at + 8, true),
      body: bytes.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

export function attr(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(ATTR_HEADER + payload.length));
  const dv = view(bytes);
  dv.setUint16(0, ATTR_HEADER + payload.length, true);
  dv.setUint16(2, type, true);
  bytes.set(payload, ATTR_HEADER);
  return bytes;
}
export function attrU32(type: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  view(payload).setUint32(0, value, true);
  return attr(type, payload);
}
export function attrText(type: number, text: string): Uint8Array {
  return attr(type, utf8(`${text}\0`));
}
export function attrNest(type: number, inside: readonly Uint8Array[]): Uint8Array {
  return attr(type | NESTED, concat(inside));
}

/** Attributes by type; of several of one type, the last. */
export type Attrs = ReadonlyMap<number, Uint8Array>;

export function decodeAttrs(bytes: Uint8Array, from = 0): Attrs {
  const attrs = new Map<number, Uint8Array>();
  const dv = view(bytes);
  for (let at = from; at + ATTR_HEADER <= bytes.length; ) {
    const length = dv.getUint16(at, true);
    if (length < ATTR_HEADER || at + length > bytes.length) break;
    attrs.set(dv.getUint16(at + 2, true) & TYPE_MASK, bytes.subarray(at + ATTR_HEADER, at + length));
    at += align(length);
  }
  return attrs;
}

/** The number in an attribute of 1 or 4 bytes; 0 where it is missing. */
export function numberOf(attrs: Attrs, type: number): number {
  const payload = attrs.get(type);
  if (payload === undefined) return 0;
  return payload.length >= 4 ? view(payload).getUint32(0, true) : (payload[0] ?? 0);
}

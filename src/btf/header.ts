/**
 * The header of BTF: where types and strings lie. All positions are byte offsets from the start of the blob.
 */
import { view } from '../base/bytes.ts';
import { BtfError } from '../base/errors.ts';
import { BTF_MAGIC, BTF_VERSION, HEADER_SIZE, MAX_NAME_OFFSET } from './kinds.ts';

export interface BtfHeader {
  readonly headerSize: number;
  readonly types: number;
  readonly typesSize: number;
  readonly strings: number;
  readonly stringsSize: number;
}

/** Reads and checks the header. A longer header is accepted where the bytes we do not know are zero, as Linux does. */
export function readHeader(bytes: Uint8Array): BtfHeader {
  const fail = (what: string, at: number): never => {
    throw new BtfError(what, `BTF header, offset ${at}`);
  };
  if (bytes.length < HEADER_SIZE) fail(`BTF needs a header of ${HEADER_SIZE} bytes, and there are ${bytes.length}`, 0);
  const dv = view(bytes);
  const magic = dv.getUint16(0, true);
  if (magic === 0x9feb) fail('this is big-endian BTF; only little-endian BTF can be read', 0);
  if (magic !== BTF_MAGIC) fail(`this is not BTF: its magic is 0x${magic.toString(16)}, not 0xeb9f`, 0);
  if (dv.getUint8(2) !== BTF_VERSION) fail(`BTF version ${dv.getUint8(2)} is not known, only ${BTF_VERSION}`, 2);
  if (dv.getUint8(3) !== 0) fail(`BTF flags 0x${dv.getUint8(3).toString(16)} are not known`, 3);
  const headerSize = dv.getUint32(4, true);
  if (headerSize < HEADER_SIZE || headerSize > bytes.length) fail(`the header cannot have ${headerSize} bytes`, 4);
  for (let at = HEADER_SIZE; at < headerSize; at++) {
    if (bytes[at] !== 0) fail('the header holds fields that are not known', at);
  }
  const types = headerSize + dv.getUint32(8, true);
  const typesSize = dv.getUint32(12, true);
  const strings = headerSize + dv.getUint32(16, true);
  const stringsSize = dv.getUint32(20, true);
  if (types % 4 !== 0) fail('the type section is not aligned to 4 bytes', 8);
  if (types + typesSize > bytes.length)
    fail(`the type section ends at ${types + typesSize} of ${bytes.length} bytes`, 8);
  if (strings + stringsSize > bytes.length) {
    fail(`the string section ends at ${strings + stringsSize} of ${bytes.length} bytes`, 16);
  }
  if (stringsSize > MAX_NAME_OFFSET + 1) fail(`the string section has ${stringsSize} bytes, too many`, 20);
  if (types < strings + stringsSize && strings < types + typesSize) fail('types and strings overlap', 8);
  return { headerSize, types, typesSize, strings, stringsSize };
}

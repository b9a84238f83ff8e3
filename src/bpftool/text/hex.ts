/** Bytes as bpftool shows them. */

/** `01 02 …`, 16 a row, two blanks in the middle. */
export function hexRows(bytes: Uint8Array): string {
  let out = '';
  for (let i = 0; i < bytes.length; i++) {
    if (i > 0) out += i % 16 === 0 ? '\n' : i % 8 === 0 ? '  ' : ' ';
    out += hexByte(bytes[i]!);
  }
  return out;
}

export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** `"0x01","0x02"`: the strings of a JSON array. */
export function hexStrings(bytes: Uint8Array): string[] {
  return Array.from(bytes, (byte) => `0x${hexByte(byte)}`);
}

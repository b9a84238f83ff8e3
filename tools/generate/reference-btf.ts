/** src/btf/reference/generated/packed.ts: the BTF that ships with the package, from a kernel's own. */
import { deflateRawSync, constants as zlib } from 'node:zlib';
import type { Btf } from '../../src/btf/index.ts';
import { generatedHead } from './head.ts';
import { packBtf } from './pack-btf.ts';

/**
 * The text of the module. The same BTF gives the same text with one version of zlib; another version may deflate to
 * other bytes that inflate to the same.
 */
export function generatePackedBtf(kernel: Btf): string {
  const deflated = deflateRawSync(packBtf(kernel), { level: 9, memLevel: 9, strategy: zlib.Z_DEFAULT_STRATEGY });
  return `${generatedHead('all of its types, packed (see ../columns.ts), deflated, in base64')}
export const PACKED_BTF: string =
  '${deflated.toString('base64')}';
`;
}

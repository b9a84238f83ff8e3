/** What Linux 6.18 said to the programs of this folder: cases, and the BTF that they name. `record.ts` writes it. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ProgramCase } from '../../../src/bin/cases/case.ts';

export const RECORD = new URL('./recorded.json.gz', import.meta.url).pathname;

export interface Recorded {
  cases: ProgramCase[];
  /** Base64 by name. */
  btf: Record<string, string>;
}

export function readRecorded(): { cases: ProgramCase[]; blobs: Map<string, Uint8Array> } {
  const { cases, btf } = JSON.parse(gunzipSync(readFileSync(RECORD)).toString('utf8')) as Recorded;
  return {
    cases,
    blobs: new Map(Object.entries(btf).map(([name, text]) => [name, new Uint8Array(Buffer.from(text, 'base64'))])),
  };
}

/** Writes files of cases: the cases, their level-2 logs in a file beside, and the BTF blobs that they name in `btf/`. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { SkepError, UsageError } from '../../base/errors.ts';
import type { CaseHost } from './host.ts';
import { type Recorded, recordObject } from './record.ts';

const ENDING = /\.jsonl(\.gz)?$/;

/** Records every program of the object files into `path`. Answers how many, and tells `warn` of those left out. */
export async function recordCases(
  host: CaseHost,
  path: string,
  objects: readonly string[],
  warn: (message: string) => void,
): Promise<number> {
  if (!ENDING.test(path)) throw new UsageError(`cases are recorded into FILE.jsonl or FILE.jsonl.gz, not '${path}'`);
  const recorded: Recorded[] = [];
  for (const object of objects) {
    try {
      for await (const one of recordObject(host, basename(object), new Uint8Array(readFileSync(object)))) {
        if ('case' in one) recorded.push(one);
        else warn(`${one.name}: ${one.reason}`);
      }
    } catch (error) {
      if (!(error instanceof SkepError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      warn(`${object}: ${(error as Error).message}`);
    }
  }
  const directory = join(dirname(path), 'btf');
  mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of recorded.flatMap((one) => [...one.blobs])) {
    writeFileSync(join(directory, `${name}.btf`), bytes);
  }
  writeLines(
    path,
    recorded.map((one) => one.case),
  );
  writeLines(
    path.replace(ENDING, (ending) => `_log2${ending}`),
    recorded.map((one) => one.log2),
  );
  return recorded.length;
}

function writeLines(path: string, values: readonly unknown[]): void {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
  writeFileSync(path, path.endsWith('.gz') ? gzipSync(text) : text);
}

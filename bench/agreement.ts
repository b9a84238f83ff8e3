/**
 * How both kernels agree with the recorded answers of the shared program cases, and with the logs of their states, into
 * docs/figures.md.
 *
 *   npx tsx bench/agreement.ts [embedded|linux]... [--limit N]
 */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCaseFile } from '../src/bin/cases/case.ts';
import { Comparison, type Count, type Row } from '../src/bin/cases/compare.ts';
import { openCaseHost } from '../src/bin/cases/host.ts';
import { answerFile } from '../src/bin/cases/runner.ts';
import { table, writeFigures } from '../tools/house/figures.mjs';

const CORPUS = fileURLToPath(new URL('../../shared/corpus/', import.meta.url));
const COUNTS = ['verdict', 'errno', 'message', 'processed', 'states', 'results', 'lines'] as const;

const wanted = process.argv.slice(2);
const limitAt = wanted.indexOf('--limit');
const limit = limitAt < 0 ? Number.POSITIVE_INFINITY : Number(wanted.splice(limitAt, 2)[1]);
const selection = { limit, tier: undefined, only: new Set<string>() };
const ofEach = limitAt < 0 ? '' : ` --limit ${limit}`;
if (!existsSync(CORPUS)) throw new Error(`the shared program cases are not at ${CORPUS}`);
for (const kernel of wanted.length > 0 ? wanted : ['embedded', 'linux']) {
  const comparison = new Comparison();
  for (const name of readdirSync(CORPUS).filter((file) => file.endsWith('.jsonl.gz'))) {
    const file = readCaseFile(CORPUS + name);
    const host = await openCaseHost(kernel);
    for await (const answered of answerFile(host, file, selection)) comparison.add(file.name, answered);
    await host.kernel.close();
  }
  writeFigures(
    `Program cases, ${kernel} kernel`,
    `skep cases ../shared/corpus/*.jsonl.gz --kernel ${kernel} --compare${ofEach}`,
    `${casesTable(comparison)}\n\nOf cases whose answer does not come from the machine's configuration. Wrong: accepted and rejected where the record says otherwise.`,
  );
}

function casesTable({ rows }: Comparison): string {
  const files = new Map<string, Row>();
  for (const row of rows.values()) {
    const sum = files.get(row.file);
    if (sum) add(sum, row);
    else files.set(row.file, structuredClone(row));
  }
  const share = ({ same, of }: Count) => (of === 0 ? '' : `${same}/${of}`);
  return table(
    [
      'file',
      'cases',
      'verdict',
      'wrong',
      'errno',
      'message',
      'processed',
      'states',
      'results or logs',
      'log lines',
      's',
    ],
    [...files.values()].map((row) => [
      row.file,
      row.cases,
      share(row.verdict),
      row.verdict.of === 0 ? '' : `${row.wronglyAccepted} ${row.wronglyRejected}`,
      share(row.errno),
      share(row.message),
      share(row.processed),
      share(row.states),
      share(row.results),
      share(row.lines),
      (row.ms / 1000).toFixed(1),
    ]),
  );
}

function add(sum: Row, row: Row): void {
  for (const name of COUNTS) {
    sum[name].same += row[name].same;
    sum[name].of += row[name].of;
  }
  for (const name of ['cases', 'env', 'errors', 'wronglyAccepted', 'wronglyRejected', 'ms'] as const)
    sum[name] += row[name];
}

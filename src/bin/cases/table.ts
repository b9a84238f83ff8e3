/** A comparison as text for people: a row per file and tier, a line per disagreement. */
import type { Comparison, Count, Disagreement, Row } from './compare.ts';

const LONGEST = 160;

export function comparisonText({ rows, disagreements }: Comparison): string {
  const sorted = [...rows.values()].sort((a, b) =>
    a.file === b.file ? (a.tier ?? -1) - (b.tier ?? -1) : a.file < b.file ? -1 : 1,
  );
  const columns = COLUMNS.filter(([title, cell]) => ALWAYS.has(title) || sorted.some((row) => cell(row) !== ''));
  const cells = [columns.map(([title]) => title), ...sorted.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, k) => Math.max(...cells.map((line) => line[k]!.length)));
  const table = cells.map((line) =>
    line
      .map((text, k) => pad(text, widths[k]!, k))
      .join('  ')
      .trimEnd(),
  );
  return `${[...table, ...(disagreements.length > 0 ? ['', ...disagreements.map(sentence)] : [])].join('\n')}\n`;
}

function sentence({ id, tier, what, ours, theirs, why }: Disagreement): string {
  const where = tier === undefined ? id : `${id} (tier ${tier})`;
  return `${where}: ${what}: '${shorten(ours)}', recorded '${shorten(theirs)}'${why === undefined ? '' : ` (${why})`}`;
}

const COLUMNS: readonly [title: string, cell: (row: Row) => string][] = [
  ['file', (row) => row.file],
  ['tier', (row) => (row.tier === undefined ? '' : String(row.tier))],
  ['cases', (row) => String(row.cases)],
  ['env', (row) => (row.env === 0 ? '' : String(row.env))],
  ['errors', (row) => (row.errors === 0 ? '' : String(row.errors))],
  ['verdict', (row) => share(row.verdict)],
  ['wrongly accepted', (row) => (row.verdict.of === 0 ? '' : String(row.wronglyAccepted))],
  ['wrongly rejected', (row) => (row.verdict.of === 0 ? '' : String(row.wronglyRejected))],
  ['same errno', (row) => share(row.errno)],
  ['same message', (row) => share(row.message)],
  ['same processed', (row) => share(row.processed)],
  ['same states', (row) => share(row.states)],
  ['same results', (row) => (row.lines.of > 0 ? '' : share(row.results))],
  ['same logs', (row) => (row.lines.of > 0 ? share(row.results) : '')],
  ['same lines', (row) => share(row.lines)],
  ['ms', (row) => row.ms.toFixed(0)],
];
const ALWAYS: ReadonlySet<string> = new Set(['file', 'cases', 'ms']);

function share({ same, of }: Count): string {
  return of === 0 ? '' : `${same}/${of}`;
}

function pad(text: string, width: number, column: number): string {
  return column === 0 ? text.padEnd(width) : text.padStart(width);
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

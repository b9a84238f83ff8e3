/**
 * docs/figures.md: what was measured, a section per script. A script that measures calls `writeFigures` with its own
 * section; the others stay as they are.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './steps.mjs';

const FILE = join(ROOT, 'docs', 'figures.md');
const HEAD = `# Figures

Written by the scripts that measure; each section says which. Machines are noisy: ratios count, not times.
`;

/**
 * Replaces the section `title` (made where it is not there). `command` is how to measure again, `body` is Markdown.
 * Sections are kept in the order of their titles.
 */
export function writeFigures(title, command, body) {
  const sections = new Map();
  if (existsSync(FILE)) {
    for (const part of readFileSync(FILE, 'utf8').split(/^## /m).slice(1)) {
      const end = part.indexOf('\n');
      sections.set(part.slice(0, end), part.slice(end + 1).trim());
    }
  }
  const machine = `Node ${process.versions.node}, ${process.platform} ${release().replace(/-.*/, '')} ${process.arch}, ${cpus().length} CPUs`;
  sections.set(title, `\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${machine}\n\n${body.trim()}`);
  const text = [...sections]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, content]) => `## ${name}\n\n${content}\n`);
  writeFileSync(FILE, `${HEAD}\n${text.join('\n')}`);
}

/** A Markdown table whose columns line up in the source too. Numbers are right-aligned. */
export function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => /^[-\d.,%×/ ]*$/.test(String(row[i]))));
  const line = (row) =>
    `| ${row.map((c, i) => (numeric[i] ? c.padStart(widths[i]) : c.padEnd(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((w, i) => (numeric[i] ? `${'-'.repeat(w - 1)}:` : '-'.repeat(w))).join(' | ')} |`;
  return [line(cells[0]), rule, ...cells.slice(1).map(line)].join('\n');
}

/**
 * A line of a batch file as words: blanks separate, single or double quotes keep them, `#` begins a comment, and a
 * backslash at the end of a line joins the next one.
 */
import { fail } from '../failure.ts';

const MAX_LINE = 4096;

/** Logical lines of a file: comments cut off, continuations joined. */
export function* logicalLines(text: string): Generator<string> {
  let joined = '';
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*$/s, '');
    if (joined.length + line.length > MAX_LINE) fail('command too long');
    if (line.endsWith('\\')) {
      joined += `${line.slice(0, -1)} `;
      continue;
    }
    yield joined + line;
    joined = '';
  }
  if (joined !== '') yield joined;
}

/** Words of a line. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && /\s/.test(line[at]!)) at++;
    const c = line[at];
    if (c === undefined) return words;
    if (c === '"' || c === "'") {
      const end = line.indexOf(c, at + 1);
      if (end < 0) fail('unterminated quoted string');
      words.push(line.slice(at + 1, end));
      at = end + 1;
    } else {
      let end = at;
      while (end < line.length && !/\s/.test(line[end]!)) end++;
      words.push(line.slice(at, end));
      at = end;
    }
  }
}

/** Assembly text as tokens, each with its place. Statements end at a newline or `;`; `//` and `/* … *\/` are comments. */
import { AsmError } from '../../base/errors.ts';

export interface Token {
  readonly kind: 'word' | 'number' | 'mark' | 'end';
  /** As written; for an end of statement `;` or a newline, or '' at the end of the text. */
  readonly text: string;
  /** Of a number, without its sign. */
  readonly value: bigint;
  /** Offset in the text. */
  readonly at: number;
}

/**
 * Signed comparisons and operators begin with the letter s, so they are tried before words. A number longer than 64
 * bits can be is no token.
 */
const TOKEN =
  /(?<skip>[ \t\r]+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<end>[;\n])|(?<mark>s>>=|s>=|s<=|s>|s<|s\/=|s%=|<<=|>>=|[-+*/|&^%=!<>]=|[-+*&=<>()[\],:#@])|(?<number>0[xX][0-9a-fA-F]{1,16}(?![\w.])|[0-9]{1,20}(?![\w.]))|(?<word>[A-Za-z_.$][\w.$]*)/y;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw new AsmError(`${unreadable(text, at)} cannot be read`, placeOf(text, at));
    const groups = match.groups!;
    const found = match[0];
    if (groups['end'] !== undefined) tokens.push({ kind: 'end', text: found, value: 0n, at });
    else if (groups['mark'] !== undefined) tokens.push({ kind: 'mark', text: found, value: 0n, at });
    else if (groups['number'] !== undefined) tokens.push({ kind: 'number', text: found, value: BigInt(found), at });
    else if (groups['word'] !== undefined) tokens.push({ kind: 'word', text: found, value: 0n, at });
    at += found.length;
  }
  tokens.push({ kind: 'end', text: '', value: 0n, at });
  return tokens;
}

/** `line:column`, both from 1, of an offset. */
export function placeOf(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  return `${line}:${at - before.lastIndexOf('\n')}`;
}

function unreadable(text: string, at: number): string {
  const word = /[\w.]{1,24}/y;
  word.lastIndex = at;
  return `"${word.exec(text)?.[0] ?? text.slice(at, at + 1)}"`;
}

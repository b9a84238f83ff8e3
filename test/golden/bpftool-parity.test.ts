/**
 * The invocations of bpftool 7.8 that need no kernel, answered by skep: text, JSON and exit status have to be equal.
 * The recorded transcripts lie in ../shared/bpftool; without them the test skips.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/golden.ts';
import { differencesOf } from './known-differences.ts';

const SHARED = fileURLToPath(new URL('../../../shared/bpftool/', import.meta.url));
const EXPECTED = join(SHARED, 'expected-7.8');
const OBJECTS = join(SHARED, 'obj');

interface Case {
  name: string;
  words: string[];
  /** Exit status, stdout and stderr as recorded. */
  expected: string;
}

function cases(): Case[] {
  if (!existsSync(EXPECTED))
    return [{ name: '(skipped: the transcripts are not beside the repository)', words: [], expected: '' }];
  return readdirSync(EXPECTED)
    .sort()
    .flatMap((file) => {
      const text = readFileSync(join(EXPECTED, file), 'utf8');
      const command = /^cmd: (.*)\n/.exec(text)?.[1];
      if (command === undefined || !needsNoKernel(Number.parseInt(file, 10), command)) return [];
      const words = command.replaceAll('<OBJ>', OBJECTS).replaceAll('<W>', '/nowhere').split(' ').filter(Boolean);
      return [{ name: file.replace(/\.txt$/, ''), words, expected: text.slice(text.indexOf('\n') + 1) }];
    });
}

function needsNoKernel(number: number, command: string): boolean {
  // The files of batch commands were made by the script that recorded.
  if (/<W>\/(?!nope)/.test(command)) return false;
  if (number <= 51) return command !== 'm sh';
  if (/vmlinux/.test(command)) return existsSync('/sys/kernel/btf/vmlinux');
  return /(^| )btf dump file|list_builtins/.test(command);
}

/** As the recordings are masked: places, usage texts, and of very long answers only their hash. */
function masked(words: readonly string[], status: number, out: string, err: string): string {
  const place = (text: string) => text.replaceAll(OBJECTS, '<OBJ>').replaceAll('/nowhere', '<W>');
  const long = words.some((word) => word.endsWith('/vmlinux')) && out.length > 400;
  const hash = createHash('sha256').update(out).digest('hex');
  const lines = out.split('\n').length - 1;
  const shown = long ? `sha256 ${hash} lines ${lines} bytes ${out.length}\n` : place(out);
  return `rc: ${status}\n--- stdout\n${shown}\n--- stderr\n${place(err)}\n`.replace(
    /^Usage: [\s\S]*?(?=^--- |$(?![\s\S]))/gm,
    '<usage>\n',
  );
}

describe.skipIf(!existsSync(EXPECTED))('bpftool 7.8, where no kernel is needed', () => {
  it.each(cases())('$name', async ({ name, words, expected }) => {
    const noKernel = () => Promise.reject(new Error('this command should not need a kernel'));
    const { status, out, err } = await runCommand(words, noKernel);
    const actual = masked(words, status, out, err);
    // A difference that has gone is news too.
    if (name in differencesOf('none')) expect(actual).not.toBe(expected);
    else expect(actual).toBe(expected);
  });
});

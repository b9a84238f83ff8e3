/** bpftool batch file FILE: one command a line, until one fails. `-` reads stdin. */
import { cString } from '../../base/bytes.ts';
import { SkepError } from '../../base/errors.ts';
import type { Args } from '../args.ts';
import type { Context } from '../context.ts';
import { CommandError, FAILED, fail, orFail } from '../failure.ts';
import { runWords } from '../main.ts';
import { logicalLines, wordsOf } from './tokens.ts';

export async function runBatch(context: Context, args: Args): Promise<number> {
  try {
    return await batch(context, args);
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    context.printError(error instanceof CommandError ? (error.text ?? error.message) : error.message);
    return error instanceof CommandError ? error.status : FAILED;
  }
}

async function batch(context: Context, args: Args): Promise<number> {
  if (args.left < 2) fail('too few parameters for batch');
  if (!args.take('file')) fail(`expected 'file', got: ${args.peek()}`);
  if (args.left > 1) fail('too many parameters for batch');
  const path = args.next();
  const bytes =
    path === '-' ? await context.io.readStdin() : await orFail(`Can't open file (${path})`, context.io.readFile(path));

  context.json?.startArray();
  const status = await runLines(context, cString(bytes));
  context.json?.endArray();
  return status;
}

async function runLines(context: Context, text: string): Promise<number> {
  let count = 0;
  for (const line of logicalLines(text)) {
    const words = wordsOf(line);
    if (words.length === 0) continue;
    context.json?.startObject().list('command', words).name('output');
    const status = await runWords(context, words);
    context.json?.endObject();
    if (status !== 0) return status;
    count++;
  }
  if (!context.json) context.print(`processed ${count} commands\n`);
  return 0;
}

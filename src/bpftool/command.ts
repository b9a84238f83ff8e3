/**
 * A command: get the data, then two ways to show it. And the table that finds one.
 */
import { SkepError, UnsupportedError } from '../base/errors.ts';
import type { Args } from './args.ts';
import { isPrefix } from './args.ts';
import type { Context } from './context.ts';
import { CommandError, FAILED, hintOf, ShowUsage } from './failure.ts';
import type { JsonWriter } from './json-writer.ts';

export interface Command<T> {
  run(context: Context, args: Args): Promise<T>;
  /** Writes one value. Left out: `null`, as bpftool says when there is nothing to say. */
  json?(writer: JsonWriter, data: T): void;
  /** The text, with its newline. Left out: nothing. */
  plain?(data: T): string;
  /** Exit status after success; 0 where left out. A lookup that misses shows its key and exits with -ENOENT. */
  status?(data: T): number;
}

/** What a command comes to: shows its answer and says the exit status. */
export type Verb = (context: Context, args: Args) => Promise<number>;

export function command<T>(c: Command<T>): Verb {
  return async (context, args) => {
    const data = await c.run(context, args);
    if (context.json) {
      if (c.json) c.json(context.json, data);
      else context.json.null();
    } else if (c.plain) context.print(c.plain(data));
    return c.status?.(data) ?? 0;
  };
}

export interface VerbEntry {
  /** What follows the word in the usage text, one entry a form; empty: an alias that another entry documents. */
  readonly usage: readonly string[];
  /** Loaded when it is asked for, so that a short command starts fast. */
  load(): Promise<Verb>;
}

/** An object of the command line. The order of its verbs decides what a prefix means; the first is the default. */
export interface Noun {
  readonly name: string;
  readonly verbs: Readonly<Record<string, VerbEntry>>;
  /** What the capital words of the usage lines stand for. */
  readonly terms?: readonly string[];
}

/** Finds the verb that the next word begins, runs it, and says its exit status. */
export async function runNoun(noun: Noun, context: Context, args: Args): Promise<number> {
  const entries = Object.entries(noun.verbs);
  const word = args.peek();
  const found = word === undefined ? entries[0] : entries.find(([name]) => isPrefix(word, name));
  try {
    if (!found) throw new ShowUsage();
    if (word !== undefined) args.next();
    return await guarded(context, found[1], args);
  } catch (error) {
    if (!(error instanceof ShowUsage)) throw error;
    showUsage(noun, context);
    return FAILED;
  }
}

async function guarded(context: Context, entry: VerbEntry, args: Args): Promise<number> {
  try {
    const verb = await entry.load();
    return await verb(context, args);
  } catch (error) {
    if (error instanceof ShowUsage || !(error instanceof SkepError)) throw error;
    if (error instanceof CommandError) {
      if (error.text !== undefined) context.printError(error.text);
      const hint = context.json ? undefined : hintOf(error);
      if (hint !== undefined) context.note(`       ${hint}\n`);
      return error.status;
    }
    context.printError(error.message);
    return FAILED;
  } finally {
    await context.closeDescriptors();
  }
}

/** The noun's usage text on stderr, `null` in JSON. */
function showUsage(noun: Noun, context: Context): void {
  if (context.json) {
    context.json.null();
    return;
  }
  const lines: string[] = [];
  for (const [name, verb] of Object.entries(noun.verbs)) {
    for (const form of verb.usage) lines.push(`skep ${noun.name} ${name} ${form}`.trimEnd());
  }
  const text = lines.map((line, i) => `${i === 0 ? 'Usage: ' : '       '}${line}`);
  const terms = noun.terms ?? [];
  if (terms.length > 0) text.push('', ...terms.map((term) => `       ${term}`));
  context.printUsage(`${text.join('\n')}\n`);
}

/** The `help` verb of every noun. The noun is asked for late: it contains this entry. */
export function helpOf(noun: () => Noun): VerbEntry {
  return {
    usage: [''],
    load: async () => async (context) => {
      showUsage(noun(), context);
      return 0;
    },
  };
}

/** A verb that bpftool has and skep has not yet: it is in the table so that prefixes mean the same. */
export function notYet(what: string, usage: readonly string[], hint: string): VerbEntry {
  return {
    usage,
    load: async () => async () => {
      throw new UnsupportedError(what, { hint });
    },
  };
}

/** `list` beside `show`: the same verb under another name. */
export function alias(entry: VerbEntry): VerbEntry {
  return { usage: [], load: entry.load };
}

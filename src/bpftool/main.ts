/**
 * The command line: options, then an object, then its verb.
 *
 * Options stand before the object only; the first word that is none ends them. Short ones may be joined (`-jp`), long
 * ones shortened as far as they stay unique, as getopt_long(3) has it.
 */
import { EINVAL } from '../base/errno.ts';
import { bug, SkepError } from '../base/errors.ts';
import type { Kernel } from '../sys/index.ts';
import { Args, isPrefix } from './args.ts';
import { runNoun } from './command.ts';
import { Context, type Options } from './context.ts';
import { FAILED } from './failure.ts';
import type { Io } from './io.ts';
import { NOUNS } from './nouns.ts';
import { showVersion } from './version.ts';

export interface BpftoolEnv {
  readonly io: Io;
  /** Opens the kernel that answers; asked at most once, and only by commands that need one. */
  openKernel(): Promise<Kernel>;
  /** What bare `help` says. Begins with `Usage: `, as whoever compares outputs expects. */
  readonly usage: string;
}

interface Flag {
  readonly short: string;
  readonly long?: string;
  readonly value?: boolean;
}

const FLAGS: readonly Flag[] = [
  { short: 'V', long: 'version' },
  { short: 'h', long: 'help' },
  { short: 'p', long: 'pretty' },
  { short: 'j', long: 'json' },
  { short: 'f', long: 'bpffs' },
  { short: 'm', long: 'mapcompat' },
  { short: 'L', long: 'use-loader' },
  { short: 'n', long: 'nomount' },
  { short: 'd', long: 'debug' },
  { short: 'S', long: 'sign' },
  { short: 'i', value: true },
  { short: 'k', value: true },
  { short: 'B', long: 'base-btf', value: true },
];

/** Runs a command line (without the program's name); answers the exit status, 0 to 255. */
export async function runBpftool(argv: readonly string[], env: BpftoolEnv): Promise<number> {
  const options: Options = {
    json: false,
    pretty: false,
    showPinned: false,
    noMount: false,
    debug: false,
    useLoader: false,
    baseBtf: undefined,
    sign: false,
    privateKey: undefined,
    certificate: undefined,
  };
  const parsed = parseOptions(argv, options);
  const context = new Context(env, options);
  try {
    if ('unknown' in parsed) {
      context.printError(`unrecognized option '${parsed.unknown}'`);
      if (context.json) context.json.end();
      else context.printUsage(context.usage);
      return FAILED;
    }
    const status = parsed.help
      ? showHelp(context)
      : parsed.version
        ? showVersion(context)
        : (refuseSigning(context) ?? (await runWords(context, parsed.rest)));
    context.json?.end();
    return status & 0xff;
  } catch (error) {
    if (!(error instanceof SkepError)) throw error;
    context.printError(error.message);
    context.json?.end();
    return FAILED;
  } finally {
    await context.close();
  }
}

/** Runs the words after the options: an object and what follows. Batch files come here line by line. */
export async function runWords(context: Context, words: readonly string[]): Promise<number> {
  const word = words[0];
  const found = word === undefined ? 'help' : Object.keys(NOUNS).find((name) => isPrefix(word, name));
  switch (found) {
    case undefined:
      showHelp(context);
      return FAILED;
    case 'help':
      return showHelp(context);
    case 'version':
      return showVersion(context);
    case 'batch':
      return (await import('./batch/file.ts')).runBatch(context, new Args(words, 1));
  }
  const noun = await NOUNS[found]?.();
  return noun ? runNoun(noun, context, new Args(words, 1)) : bug(`no table for ${found}`);
}

type Parsed = { unknown: string } | { rest: readonly string[]; version: boolean; help: boolean };

function parseOptions(argv: readonly string[], options: Options): Parsed {
  let at = 0;
  let version = false;
  const help = false;
  while (at < argv.length) {
    const word = argv[at]!;
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    at++;
    const given = word.startsWith('--') ? longOption(word.slice(2)) : shortOptions(word.slice(1));
    if (!given) return { unknown: word };
    for (const { flag, inline } of given) {
      let value = inline;
      if (flag.value && value === undefined) {
        value = argv[at++];
        if (value === undefined) return { unknown: word };
      }
      if (flag.short === 'V') version = true;
      // Like bpftool: help is the answer as soon as it is asked for.
      else if (flag.short === 'h') return { rest: [], version: false, help: true };
      else apply(flag, value, options);
    }
  }
  return { rest: argv.slice(at), version, help };
}

function longOption(text: string): { flag: Flag; inline?: string }[] | undefined {
  const [name = '', ...tail] = text.split('=');
  const exact = FLAGS.filter((flag) => flag.long === name);
  const matching =
    exact.length > 0 ? exact : FLAGS.filter((flag) => flag.long !== undefined && isPrefix(name, flag.long));
  const flag = matching.length === 1 ? matching[0] : undefined;
  if (!flag) return undefined;
  if (tail.length === 0) return [{ flag }];
  return flag.value ? [{ flag, inline: tail.join('=') }] : undefined;
}

function shortOptions(letters: string): { flag: Flag; inline?: string }[] | undefined {
  const out: { flag: Flag; inline?: string }[] = [];
  for (let i = 0; i < letters.length; i++) {
    const flag = FLAGS.find((f) => f.short === letters[i]);
    if (!flag) return undefined;
    if (flag.value && i + 1 < letters.length) return [...out, { flag, inline: letters.slice(i + 1) }];
    out.push({ flag });
  }
  return out;
}

function apply(flag: Flag, value: string | undefined, options: Options): void {
  switch (flag.short) {
    case 'j':
      options.json = true;
      return;
    case 'p':
      options.json = true;
      options.pretty = true;
      return;
    case 'f':
      options.showPinned = true;
      return;
    case 'n':
      options.noMount = true;
      return;
    case 'd':
      options.debug = true;
      return;
    case 'L':
      options.useLoader = true;
      return;
    case 'S':
      options.sign = true;
      options.useLoader = true;
      return;
    case 'k':
      options.privateKey = value;
      return;
    case 'i':
      options.certificate = value;
      return;
    case 'B':
      options.baseBtf = value;
      return;
  }
}

function showHelp(context: Context): number {
  if (context.json) context.json.null();
  else context.printUsage(context.usage);
  return 0;
}

/** The exit status where signed loading is asked for; undefined: it is not. */
function refuseSigning(context: Context): number | undefined {
  const { sign, privateKey, certificate } = context.options;
  if (!sign) return undefined;
  const missing = privateKey === undefined || certificate === undefined;
  context.printError(
    missing
      ? '-i <identity_x509_cert> and -k <private_key> must be supplied with -S for signing'
      : 'signing programs is not supported here (Linux has it since 6.18)',
  );
  return missing ? 256 - EINVAL : FAILED;
}

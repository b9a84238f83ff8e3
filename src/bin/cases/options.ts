/** The words of `skep cases`. */
import { UsageError } from '../../base/errors.ts';

export const USAGE = `Usage: skep [--kernel KERNEL] cases FILE... [OPTIONS]
       Loads the program cases of the files (JSON lines, plain or gzipped), runs those that say how, and prints one JSON
       object a case: the verdict, the last message, what was processed, the results.

       --compare    instead, how the answers agree with those in the files: a table, then the disagreements
       --limit N    only the first N cases of each file
       --tier T     only cases of this tier
       --only ID    only the case with this id; may be repeated
       -j           the comparison as JSON
`;

export interface CasesOptions {
  files: string[];
  compare: boolean;
  limit: number;
  tier: number | undefined;
  only: ReadonlySet<string>;
  json: boolean;
  help: boolean;
  /** As in bpftool's global options, it may also stand behind. */
  kernel: string | undefined;
}

export function readOptions(words: readonly string[]): CasesOptions {
  const only = new Set<string>();
  const options: CasesOptions = {
    files: [],
    compare: false,
    limit: Number.POSITIVE_INFINITY,
    tier: undefined,
    only,
    json: false,
    help: false,
    kernel: undefined,
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const value = () => {
      const next = words[++at];
      if (next === undefined) throw new UsageError(`${word} needs a value`);
      return next;
    };
    const number = () => {
      const text = value();
      if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${word} needs a number, not '${text}'`);
      return Number(text);
    };
    if (word === '--compare') options.compare = true;
    else if (word === '--limit') options.limit = number();
    else if (word === '--tier') options.tier = number();
    else if (word === '--only') only.add(value());
    else if (word === '--kernel') options.kernel = value();
    else if (word.startsWith('--kernel=')) options.kernel = word.slice('--kernel='.length);
    else if (word === '-j' || word === '--json') options.json = true;
    else if (word === '-h' || word === '--help' || word === 'help') options.help = true;
    else if (word.startsWith('-')) throw new UsageError(`what is '${word}'? See skep cases --help`);
    else options.files.push(word);
  }
  if (options.files.length === 0 && !options.help) throw new UsageError('which file? skep cases FILE...');
  return options;
}

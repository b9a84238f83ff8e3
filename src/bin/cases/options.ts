/** The words of `skep cases`. */
import { UsageError } from '../../base/errors.ts';
import { Words } from '../words.ts';

export const USAGE = `Usage: skep [--kernel KERNEL] cases FILE... [OPTIONS]
       skep [--kernel KERNEL] cases --record FILE.jsonl[.gz] OBJ...
       Loads the program cases of the files (JSON lines, plain or gzipped), runs those that say how, and prints one JSON
       object a case: the verdict, the last message, what was processed, the results.

       --compare    instead, how the answers agree with those in the files: a table, then the disagreements
       --limit N    only the first N cases of each file
       --tier T     only cases of this tier
       --only ID    only the case with this id; may be repeated
       -j           the comparison as JSON

       The second form makes such files: every program of the object files, loaded alone, with what the kernel says;
       level-2 logs go to FILE_log2, BTF to btf/ beside.
`;

export interface CasesOptions {
  /** Cases, or with `record` object files. */
  files: string[];
  /** The file that is made. */
  record: string | undefined;
  compare: boolean;
  limit: number;
  tier: number | undefined;
  only: ReadonlySet<string>;
  json: boolean;
  help: boolean;
}

export function readOptions(words: readonly string[]): CasesOptions {
  const only = new Set<string>();
  const options: CasesOptions = {
    files: [],
    record: undefined,
    compare: false,
    limit: Number.POSITIVE_INFINITY,
    tier: undefined,
    only,
    json: false,
    help: false,
  };
  const given = new Words(words);
  for (const word of given) {
    if (word === '--compare') options.compare = true;
    else if (word === '--record') options.record = given.value(word);
    else if (word === '--limit') options.limit = given.number(word, 9);
    else if (word === '--tier') options.tier = given.number(word, 9);
    else if (word === '--only') only.add(given.value(word));
    else if (word === '-j' || word === '--json') options.json = true;
    else if (word === '-h' || word === '--help' || word === 'help') options.help = true;
    else if (word.startsWith('-')) throw new UsageError(`what is '${word}'? See skep cases --help`);
    else options.files.push(word);
  }
  if (options.files.length === 0 && !options.help) throw new UsageError('which file? skep cases FILE...');
  return options;
}

/** The words of `skep opensnoop`. */
import { UsageError } from '../../base/errors.ts';
import { Words } from '../words.ts';

export const USAGE = `Usage: skep opensnoop [OPTIONS] [-- COMMAND...]
       Shows which process opens which file: those of COMMAND and all that it starts, until it ends. With
       --kernel linux (as root) Linux itself tells; and with no COMMAND, of the whole machine, until Ctrl-C.

       -e         also how each open ended: the descriptor (FD), or the error's number (ERR)
       -x         only opens that failed
       -p PID     only this process
       -t TID     only this thread
       -u UID     only this user's
       -n NAME    only commands whose name contains NAME
       -P         also the parent's pid (PPID)
       -T         the time of day instead of seconds since the first event
`;

export interface OpensnoopOptions {
  /** See the exits: FD and ERR columns. */
  exits: boolean;
  failedOnly: boolean;
  timeOfDay: boolean;
  showParent: boolean;
  pid: number | undefined;
  tid: number | undefined;
  uid: number | undefined;
  name: string | undefined;
  /** The command to trace; empty for none. */
  command: readonly string[];
  help: boolean;
}

export function readOptions(words: readonly string[]): OpensnoopOptions {
  const options: OpensnoopOptions = {
    exits: false,
    failedOnly: false,
    timeOfDay: false,
    showParent: false,
    pid: undefined,
    tid: undefined,
    uid: undefined,
    name: undefined,
    command: [],
    help: false,
  };
  const given = new Words(words);
  for (const word of given) {
    switch (word) {
      case '-e':
        options.exits = true;
        break;
      case '-x':
        options.exits = true;
        options.failedOnly = true;
        break;
      case '-T':
      case '--timestamp':
        options.timeOfDay = true;
        break;
      case '-P':
        options.showParent = true;
        break;
      case '-p':
        options.pid = given.number(word, 10);
        break;
      case '-t':
        options.tid = given.number(word, 10);
        break;
      case '-u':
        options.uid = given.number(word, 10);
        break;
      case '-n':
        options.name = given.value(word);
        break;
      case '-h':
      case '--help':
        options.help = true;
        break;
      case '--':
        return { ...options, command: given.rest() };
      default:
        throw new UsageError(`what is '${word}'? Write the command to trace behind --`);
    }
  }
  return options;
}

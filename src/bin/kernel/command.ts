/** `skep kernel start | stop | status`: the embedded kernel that keeps what a user's commands load. */
import { UsageError } from '../../base/errors.ts';
import { start } from './start.ts';
import { showStatus } from './status.ts';
import { stop } from './stop.ts';

const USAGE = `Usage: skep kernel { start | stop | status }
       Your embedded kernel keeps what one command loads for the next to see. It starts by itself when a command needs it,
       and ends when nothing is loaded and nobody has asked for a while.

       start     start it now; an error where it runs already. --foreground: in this process, until Ctrl-C
       stop      end it, with everything that is loaded
       status    whether it runs, and what it holds
`;

export async function kernelCommand(words: readonly string[]): Promise<number> {
  const [verb, ...rest] = words;
  switch (verb) {
    case 'start':
      return start(rest);
    case 'stop':
      return stop();
    case 'status':
      return showStatus();
    case '-h':
    case '--help':
    case 'help':
      process.stdout.write(USAGE);
      return 0;
    case undefined:
      process.stderr.write(USAGE);
      return 1;
    default:
      throw new UsageError(`what is '${verb}'? skep kernel start, stop or status`);
  }
}

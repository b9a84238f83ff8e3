/**
 * Traces a command and writes what happens as JSON lines to the file named first: for tests that need a tracer they
 * can kill, interrupt, or run as another user.
 *
 *     traced-run.ts LOG notify|ptrace|any CALL,CALL… COMMAND [ARG]…
 */
import { appendFileSync } from 'node:fs';
import type { Method } from '../../src/sources/process/protocol.ts';
import { exitStatus, passSignalsOn } from '../../src/sources/process/signals.ts';
import { startProcess } from '../../src/sources/process/start.ts';
import { syscallNumbers } from '../../src/sources/process/syscalls/index.ts';

const [log = '', method = 'notify', calls = '', ...argv] = process.argv.slice(2);
const say = (line: unknown) => appendFileSync(log, JSON.stringify(line) + '\n');
const enter = syscallNumbers(calls.split(','));

const traced = await startProcess(
  {
    argv,
    calls: { enter, exit: method === 'ptrace' ? enter : [] },
    ...(method !== 'any' && { method: method as Method }),
  },
  {
    onEvent({ phase, nr, task, ret }) {
      say({ phase, nr, pid: task.pid, comm: task.comm, uid: task.uid, ret: String(ret) });
    },
  },
);
passSignalsOn(traced);
say({ started: traced.pid, method: traced.method });
const exit = await traced.exited;
say({ exit });
process.exitCode = exitStatus(exit);

/** A child that waits before it becomes the command, so that it can be put where it belongs first. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

/** Becomes the command when a line comes in on descriptor 3, and ends where none does. */
const WAIT = 'read -r go <&3 && exec 3<&- && exec "$@"';

export interface HeldCommand {
  readonly pid: number;
  /** Exit status as a shell would say it. */
  readonly status: Promise<number>;
  go(): void;
  kill(signal: NodeJS.Signals): void;
}

/** The command, which is there (see findCommand), has our terminal. */
export async function holdCommand(argv: readonly string[]): Promise<HeldCommand> {
  const child = spawn('/bin/sh', ['-c', WAIT, 'sh', ...argv], { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
  const status = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
  await once(child, 'spawn');
  const gate = child.stdio[3] as NodeJS.WritableStream;
  // A command that was killed while it waited does not read.
  gate.on('error', () => {});
  return {
    pid: child.pid ?? 0,
    status,
    go: () => void gate.end('\n'),
    kill: (signal) => void child.kill(signal),
  };
}

/**
 * A command that stands in front of another: signals go to the one behind, and its end becomes ours.
 */
import { readFileSync } from 'node:fs';
import type { Exit } from './start.ts';

const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const;
const FROM_OTHERS = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

/** The status a shell would give: the exit code, or 128 plus the signal's number. */
export function exitStatus({ code, signal }: Exit): number {
  return code ?? 128 + (signal ?? 0);
}

/**
 * Gives signals that this process gets to the command, and lets the command decide: this process does not end
 * by them any more. Answers how to stop. Ctrl-C in a terminal reaches the command by itself, so it is not sent twice.
 */
export function passSignalsOn(traced: { kill(signal: NodeJS.Signals): unknown }): () => void {
  const pass = (signal: NodeJS.Signals) => void traced.kill(signal);
  const passUnlessTerminalDid = (signal: NodeJS.Signals) => {
    if (!isForeground()) pass(signal);
  };
  for (const signal of FROM_OTHERS) process.on(signal, pass);
  for (const signal of FROM_TERMINAL) process.on(signal, passUnlessTerminalDid);
  return () => {
    for (const signal of FROM_OTHERS) process.off(signal, pass);
    for (const signal of FROM_TERMINAL) process.off(signal, passUnlessTerminalDid);
  };
}

/** Whether our process group, which the command shares, is the one that a terminal's keys go to. */
function isForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ', 6);
  return group === foreground;
}

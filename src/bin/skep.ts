#!/usr/bin/env node
/**
 * The command `skep`. What a command needs is loaded when it is asked for: a listing starts in a few milliseconds more
 * than Node itself, without the compiler, the verifier or the tracer.
 */
import * as nodeModule from 'node:module';
import { SkepError } from '../base/errors.ts';
import { MissingKernel, readCommandLine } from './argv.ts';
import { endQuietlyOnClosedPipe, reportBug } from './terminal.ts';

// What is compiled once is kept for the next start (Node 22.8).
(nodeModule as { enableCompileCache?: () => void }).enableCompileCache?.();
endQuietlyOnClosedPipe();
try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = 1;
  if (error instanceof SkepError) process.stderr.write(`Error: ${error.message}\n`);
  else if (error instanceof MissingKernel) process.stderr.write('Error: --kernel needs embedded, linux or a socket\n');
  else reportBug(error);
}

async function main(): Promise<number> {
  const { kernel, own, words } = readCommandLine(process.argv.slice(2), process.env);
  switch (own) {
    case 'run':
      return (await import('./run/command.ts')).runCommand(words, kernel);
    case 'opensnoop':
      return (await import('./opensnoop/command.ts')).opensnoopCommand(words, kernel);
    case 'build':
      return (await import('./build/command.ts')).buildCommand(words);
    case 'cases':
      return (await import('./cases/command.ts')).casesCommand(words, kernel);
    case 'kernel':
      return (await import('./kernel/command.ts')).kernelCommand(words);
    case undefined:
      return (await import('./bpftool.ts')).bpftoolCommand(words, kernel);
  }
}

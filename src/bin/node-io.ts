/** The commands' Io, answered by Node: the process's streams, files and clock. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { errnoOf } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { Io } from '../bpftool/index.ts';
import { untilInterrupted } from './terminal.ts';

export function nodeIo(): Io {
  let interrupted: AbortSignal | undefined;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    readFile: (path) => asErrno('open', path, readFile(path)),
    directories: async (path) => {
      const entries = await asErrno('open', path, readdir(path, { withFileTypes: true }));
      return entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort();
    },
    readStdin,
    writeFile: (path, bytes, mode) => asErrno('open', path, writeFile(path, bytes, { mode })),
    bootTime: () => Date.now() - Number(process.hrtime.bigint()) / 1e6,
    zoneMinutes: (at) => -new Date(at).getTimezoneOffset(),
    get interrupted() {
      interrupted ??= endingOnce();
      return interrupted;
    },
    isTerminal: process.stdout.isTTY === true,
  };
}

/** timeout(1) sends its signal to the process and to its group: the second one must not cut the ending short. */
function endingOnce(): AbortSignal {
  const signal = untilInterrupted();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => {});
  return signal;
}

async function readStdin(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Node's file errors as the errors of the house, with the errno they carry. */
async function asErrno<T>(op: string, path: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const errno = errnoOf((error as NodeJS.ErrnoException).code ?? '');
    if (errno === undefined) throw error;
    throw new BpfError(op, errno, path);
  }
}

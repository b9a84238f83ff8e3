/**
 * Golden transcripts: a file of commands and what they print, replayed against a fresh embedded kernel in this process.
 *
 *     $ skep map show            a command
 *     1: hash  name x …          its stdout, as it is
 *     ! Error: …                 its stderr, behind "! "
 *     [254]                      its exit status, where it is not 0
 *
 * Lines that begin with `#` before the first command are about the file. Time stands still and ids begin at 1; only sizes
 * that follow from how skep compiles and stores things are masked. `npx tsx test/support/golden.ts --update` writes the files anew; review reads the difference.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errnoOf } from '../../src/base/errno.ts';
import { BpfError } from '../../src/base/errors.ts';
import { type Io, runBpftool } from '../../src/bpftool/index.ts';
import { createKernel } from '../../src/kernel/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { acceptAll } from './accept-all.ts';

export const GOLDEN = fileURLToPath(new URL('../golden/', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Two minutes after the machine booted, at the epoch of the tests. */
const BOOT_TIME = Date.UTC(2026, 0, 1);
const NOW_NS = 120_000_000_000n;

export interface Answer {
  status: number;
  out: string;
  err: string;
}

/** Runs one command line of bpftool's on a kernel. Paths are relative to the repository. */
export async function runCommand(words: readonly string[], openKernel: () => Promise<Kernel>): Promise<Answer> {
  const answer: Answer = { status: 0, out: '', err: '' };
  const io: Io = {
    out: (text) => {
      answer.out += text;
    },
    err: (text) => {
      answer.err += text;
    },
    readFile: async (path) => {
      try {
        return new Uint8Array(readFileSync(path.startsWith('/') ? path : join(ROOT, path)));
      } catch (error) {
        throw new BpfError('open', errnoOf((error as NodeJS.ErrnoException).code ?? '') ?? 5, path);
      }
    },
    directories: async () => [],
    readStdin: async () => new Uint8Array(),
    writeFile: async () => {},
    bootTime: () => BOOT_TIME,
    zoneMinutes: () => 0,
    interrupted: AbortSignal.abort(),
    isTerminal: false,
  };
  answer.status = await runBpftool(words, { io, openKernel, usage: 'Usage: skep\n' });
  return answer;
}

/** The transcript with every answer as it is now. */
export async function replay(transcript: string): Promise<string> {
  const time = () => NOW_NS;
  // The transcripts are about the commands; what the verifier says and rewrites has tests of its own.
  const clock = { monotonic: time, boot: time, tai: time };
  const kernel = createKernel({ clock, seed: 1, cpus: 2, verify: acceptAll });
  // The objects of one command outlive it only where something refers to them, as for a person at a shell.
  const out: string[] = [];
  let begun = false;
  for (const line of transcript.split('\n')) {
    const command = /^\$ skep ?(.*)$/.exec(line);
    if (!command) {
      if (!begun) out.push(line);
      continue;
    }
    begun = true;
    const words = command[1]!.split(/\s+/).filter((word) => word !== '');
    const { status, out: stdout, err } = await runCommand(words, async () => kernel.open());
    out.push(line);
    if (stdout !== '') out.push(masked(stdout.replace(/\n$/, '')));
    if (err !== '')
      out.push(
        ...err
          .replace(/\n$/, '')
          .split('\n')
          .map((text) => `! ${text}`),
      );
    if (status !== 0) out.push(`[${status}]`);
  }
  return `${out.join('\n')}\n`;
}

function masked(text: string): string {
  return text.replace(/\b(jited |memlock )\d+B/g, '$1#B').replace(/("bytes_(?:jited|memlock)": ?)\d+/g, '$1#');
}

export function transcripts(): string[] {
  return readdirSync(GOLDEN).filter((name) => name.endsWith('.txt'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--update')) throw new Error('usage: npx tsx test/support/golden.ts --update');
  for (const name of transcripts()) {
    const path = join(GOLDEN, name);
    const before = readFileSync(path, 'utf8');
    const after = await replay(before);
    if (after !== before) writeFileSync(path, after);
    console.log(`${after === before ? 'same   ' : 'updated'} ${name}`);
  }
}

/** Who runs the programs: a kernel of ours or the machine's, each by PROG_TEST_RUN with its own clock; or native code. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { toHex } from '../../src/base/bytes.ts';
import { type BpfRingBuffer, type Collection, loadCollection } from '../../src/client/index.ts';
import type { Kernel } from '../../src/sys/index.ts';
import { fillMaps } from './maps.ts';

const HERE = new URL('.', import.meta.url).pathname;

export interface Batch {
  /** What the last run answered. */
  readonly answer: number;
  /** Nanoseconds of all runs together. */
  readonly ns: number;
}

export interface Contender {
  readonly name: string;
  /** Null where it does not have the program. */
  run(program: string, packet: Uint8Array, times: number): Promise<Batch | null>;
  close(): Promise<void>;
}

/** What each run of a ring_ program writes. */
const RECORDS_A_RUN = 32;

/** A ring that is not read is soon full. */
async function readAll(ring: BpfRingBuffer, records: number): Promise<void> {
  for (let read = 0; read < records; ) read += (await ring.read()).length;
}

/** The object's programs on a kernel. */
export async function onKernel(name: string, kernel: Kernel): Promise<Contender> {
  const object = new Uint8Array(readFileSync(join(HERE, 'programs.bpf.o')));
  const programs: Collection = await loadCollection(kernel, object);
  await fillMaps(programs);
  const ring: BpfRingBuffer = await programs.map('events').ring();
  return {
    name,
    async run(program, packet, times) {
      const { retval, durationNs } = await programs.program(program).testRun({ data: packet, repeat: times });
      if (program.startsWith('ring_')) await readAll(ring, times * RECORDS_A_RUN);
      return { answer: retval >>> 0, ns: durationNs * times };
    },
    async close() {
      await ring.close();
      await programs.close();
    },
  };
}

/** The programs as C, compiled for this machine. */
export function native(compiler: string): Contender {
  const work = mkdtempSync(join(tmpdir(), 'skep-bench-'));
  const binary = join(work, 'native');
  execFileSync(compiler, ['-O2', '-fno-unroll-loops', '-w', join(HERE, 'native.c'), '-o', binary]);
  const child: ChildProcess = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    name: 'native',
    async run(program, packet, times) {
      child.stdin!.write(`packet ${toHex(packet)}\n${program} ${times}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error('the native programs ended');
      const [ns, answer] = value.split(' ').map(Number);
      return answer === undefined || ns === undefined ? null : { ns, answer };
    },
    async close() {
      child.stdin!.end();
      rmSync(work, { recursive: true });
    },
  };
}

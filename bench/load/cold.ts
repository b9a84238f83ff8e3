/** What the first program of a process costs, over several processes. */
import { spawnSync } from 'node:child_process';
import { programOf } from './program.ts';

const SCRIPT = new URL('cold.mjs', import.meta.url).pathname;

/** Milliseconds: by the clock, and of those with a processor. */
interface Took {
  readonly ms: number;
  readonly cpu: number;
}

/** From BPF_PROG_LOAD to the verdict, to the descriptor, to the result of the first run. */
const FIRST_RESULT = ['verifying', 'making', 'running'] as const;
type Phase = (typeof FIRST_RESULT)[number] | 'importing' | 'kernel';

export interface Cold {
  readonly first: { readonly least: Took; readonly median: Took };
  /** The least of each, with a processor. */
  readonly phases: Readonly<Record<Phase, number>>;
}

/** Each of `processes` loads a program of `size` instructions, another one each time. */
export function cold(size: number, processes: number): Cold {
  const runs: Record<Phase, Took>[] = [];
  for (let i = 0; i < processes; i++) {
    const { stdout, stderr } = spawnSync(process.execPath, [SCRIPT], { encoding: 'utf8', input: programOf(size, i) });
    if (stdout === '') throw new Error(`no answer from the built package (npm run build):\n${stderr}`);
    runs.push(JSON.parse(stdout) as Record<Phase, Took>);
  }
  const sorted = (of: (run: Record<Phase, Took>) => number): number[] => runs.map(of).sort((a, b) => a - b);
  const ms = sorted((run) => FIRST_RESULT.reduce((sum, phase) => sum + run[phase].ms, 0));
  const cpu = sorted((run) => FIRST_RESULT.reduce((sum, phase) => sum + run[phase].cpu, 0));
  const half = processes >> 1;
  const least = (phase: Phase): number => sorted((run) => run[phase].cpu)[0]!;
  return {
    first: { least: { ms: ms[0]!, cpu: cpu[0]! }, median: { ms: ms[half]!, cpu: cpu[half]! } },
    phases: {
      verifying: least('verifying'),
      making: least('making'),
      running: least('running'),
      importing: least('importing'),
      kernel: least('kernel'),
    },
  };
}

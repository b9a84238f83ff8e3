/** The two kernels that are compared, and what each says of a case. */

import { EPERM } from '../../../src/base/errno.ts';
import type { ProgramCase } from '../../../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../../../src/bin/cases/host.ts';
import { BtfObjects } from '../../../src/bin/cases/objects.ts';
import { answerProgram, level2Log, type ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { heldCapabilities } from '../../../src/linux/permission.ts';
import { isPerCpu } from '../../../src/sys/index.ts';
import { GENERATED_BTF } from '../../support/generator/types.ts';
import { type Disagreement, disagreementOf, isResult, logDisagreement } from './disagreement.ts';
import { GENERATED_TYPES } from './program-case.ts';
import { sameResults, scribbled } from './stable.ts';

/** An embedded kernel is replaced after so many programs: what programs leave behind is not what is tested. */
const PROGRAMS_PER_KERNEL = 500;

const BLOBS = new Map([[GENERATED_BTF, GENERATED_TYPES.bytes]]);

/** A kernel, and the types that programs brought to it. */
class Side {
  readonly #host: CaseHost;
  readonly #btfs: BtfObjects;
  readonly #btfDirectory: string;

  private constructor(host: CaseHost, btfDirectory: string) {
    this.#host = host;
    this.#btfs = new BtfObjects(host.kernel, BLOBS);
    this.#btfDirectory = btfDirectory;
  }

  static async open(kernel: 'linux' | 'embedded', btfDirectory: string): Promise<Side> {
    // With what this process may do: started with fewer capabilities, it compares what they change.
    return new Side(await openCaseHost(kernel, { capabilities: heldCapabilities() }), btfDirectory);
  }

  async close(): Promise<void> {
    await this.#btfs.close();
    await this.#host.kernel.close();
  }

  /** The level-2 log. */
  async log(c: ProgramCase): Promise<string> {
    return (await level2Log(this.#host, this.#btfs, this.#btfDirectory, c)).log;
  }

  async answer(c: ProgramCase): Promise<ProgramAnswer> {
    try {
      return withoutCpus(c, await answerProgram(this.#host, this.#btfs, this.#btfDirectory, c));
    } catch (error) {
      const unrunnable = error instanceof Error ? error.message : String(error);
      return { id: c.id, accept: false, errno: -1, msg: '', processed: [], log1: '', unrunnable, ms: 0 };
    }
  }
}

/** Instructions looked at. */
const LONGEST_LOGGED = 1000;

export interface PairOptions {
  /** Where the types of cases are that were not generated. */
  btfDirectory?: string;
  /** Compare level-2 logs as well. */
  logs?: boolean;
}

export class KernelPair {
  readonly #btfDirectory: string;
  readonly #logs: boolean;
  readonly #linux: Side;
  #embedded: Side;
  #asked = 0;

  private constructor(btfDirectory: string, logs: boolean, linux: Side, embedded: Side) {
    this.#btfDirectory = btfDirectory;
    this.#logs = logs;
    this.#linux = linux;
    this.#embedded = embedded;
  }

  static async open({ btfDirectory = '', logs = false }: PairOptions = {}): Promise<KernelPair> {
    return new KernelPair(
      btfDirectory,
      logs,
      await Side.open('linux', btfDirectory),
      await Side.open('embedded', btfDirectory),
    );
  }

  async close(): Promise<void> {
    await this.#linux.close();
    await this.#embedded.close();
  }

  /** Both answers, and where they part. */
  async ask(c: ProgramCase): Promise<{ linux: ProgramAnswer; ours: ProgramAnswer; differ: Disagreement | undefined }> {
    if (++this.#asked % PROGRAMS_PER_KERNEL === 0) {
      await this.#embedded.close();
      this.#embedded = await Side.open('embedded', this.#btfDirectory);
    }
    const linux = await this.#linux.answer(c);
    const ours = await this.#embedded.answer(c);
    // Where the objects that it needs cannot be made, neither kernel sees the program.
    if (isMachines(linux)) return { linux, ours, differ: undefined };
    if (linux.unrunnable !== undefined && ours.unrunnable !== undefined) return { linux, ours, differ: undefined };
    const differ = disagreementOf(linux, ours, c.deterministic !== false);
    if (differ === undefined && this.#logs) return { linux, ours, differ: await this.#logDifference(c, linux) };
    if (differ === undefined || !isResult(differ)) return { linux, ours, differ };
    const stable = sameResults(linux, await this.#linux.answer(scribbled(c)));
    return { linux, ours, differ: stable ? differ : undefined };
  }

  /** Logs of programs that are looked at for long are too long to be compared often. */
  async #logDifference(c: ProgramCase, { processed }: ProgramAnswer): Promise<Disagreement | undefined> {
    if ((processed[0] ?? 0) > LONGEST_LOGGED) return undefined;
    return logDisagreement(await this.#linux.log(c), await this.#embedded.log(c));
  }

  /** What Linux says. */
  linux(c: ProgramCase): Promise<ProgramAnswer> {
    return this.#linux.answer(c);
  }
}

/** Refused without a look at the program: how the machine's kernel was built. */
function isMachines({ accept, errno, msg }: ProgramAnswer): boolean {
  return !accept && errno === EPERM && msg === '';
}

/** Which CPU a program ran on is chance: values of the CPUs are put in order. */
function withoutCpus(c: ProgramCase, answer: ProgramAnswer): ProgramAnswer {
  for (const [i, map] of (c.maps ?? []).entries()) {
    const values = answer.maps_after?.[i];
    if (!values || !isPerCpu(map.type)) continue;
    const perCpu = new RegExp(`.{${Math.ceil(map.value_size / 8) * 16}}`, 'g');
    for (const [key, value] of values.entries()) values[key] = value && (value.match(perCpu) ?? []).sort().join('');
  }
  return answer;
}

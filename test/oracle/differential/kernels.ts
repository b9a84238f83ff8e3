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

/** How an embedded kernel runs programs. */
interface Engine {
  readonly name: string;
  readonly mode: 'interpreter' | 'jit';
  readonly checked?: boolean;
}

const USUAL: readonly Engine[] = [{ name: '', mode: 'jit' }];
const ENGINES: readonly Engine[] = [
  { name: 'interpreter', mode: 'interpreter' },
  { name: 'checked interpreter', mode: 'interpreter', checked: true },
  { name: 'jit', mode: 'jit' },
  { name: 'checked jit', mode: 'jit', checked: true },
];

/** A kernel, and the types that programs brought to it. */
class Side {
  readonly #host: CaseHost;
  readonly #btfs: BtfObjects;
  readonly #btfDirectory: string;
  readonly #faults: string[];

  private constructor(host: CaseHost, btfDirectory: string, faults: string[]) {
    this.#host = host;
    this.#btfs = new BtfObjects(host.kernel, BLOBS);
    this.#btfDirectory = btfDirectory;
    this.#faults = faults;
  }

  static async open(kernel: 'linux' | Engine, btfDirectory: string): Promise<Side> {
    // With what this process may do: started with fewer capabilities, it compares what they change.
    const identity = { capabilities: heldCapabilities() };
    if (kernel === 'linux') return new Side(await openCaseHost('linux', identity), btfDirectory, []);
    const faults: string[] = [];
    const { mode, checked = false } = kernel;
    const host = await openCaseHost('embedded', identity, { mode, checked, warn: (text) => faults.push(text) });
    return new Side(host, btfDirectory, faults);
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
      this.#faults.length = 0;
      return withoutCpus(c, await answerProgram(this.#host, this.#btfs, this.#btfDirectory, c));
    } catch (error) {
      const unrunnable = error instanceof Error ? error.message : String(error);
      return { id: c.id, accept: false, errno: -1, msg: '', processed: [], log1: '', unrunnable, ms: 0 };
    }
  }

  /** What went wrong while the last program ran. */
  get fault(): string | undefined {
    return this.#faults.find((text) => text.includes('was stopped'));
  }
}

/** Instructions looked at. */
const LONGEST_LOGGED = 1000;

export interface PairOptions {
  /** Where the types of cases are that were not generated. */
  btfDirectory?: string;
  /** Compare level-2 logs as well. */
  logs?: boolean;
  /** Run programs in every way there is, not only in the usual one. */
  engines?: boolean;
}

export class KernelPair {
  readonly #btfDirectory: string;
  readonly #logs: boolean;
  readonly #engines: readonly Engine[];
  readonly #linux: Side;
  #embedded: Side[] = [];
  #asked = 0;

  private constructor({ btfDirectory = '', logs = false, engines = false }: PairOptions, linux: Side) {
    this.#btfDirectory = btfDirectory;
    this.#logs = logs;
    this.#engines = engines ? ENGINES : USUAL;
    this.#linux = linux;
  }

  static async open(options: PairOptions = {}): Promise<KernelPair> {
    const pair = new KernelPair(options, await Side.open('linux', options.btfDirectory ?? ''));
    await pair.#renew();
    return pair;
  }

  async #renew(): Promise<void> {
    for (const side of this.#embedded.splice(0)) await side.close();
    for (const engine of this.#engines) this.#embedded.push(await Side.open(engine, this.#btfDirectory));
  }

  async close(): Promise<void> {
    await this.#linux.close();
    for (const side of this.#embedded.splice(0)) await side.close();
  }

  /** Both answers, and where they part. */
  async ask(c: ProgramCase): Promise<{ linux: ProgramAnswer; ours: ProgramAnswer; differ: Disagreement | undefined }> {
    if (++this.#asked % PROGRAMS_PER_KERNEL === 0) await this.#renew();
    const linux = await this.#linux.answer(c);
    const first = await this.#answer(c, linux, 0);
    // Where the objects that it needs cannot be made, neither kernel sees the program.
    if (isMachines(linux)) return { linux, ours: first.ours, differ: undefined };
    if (linux.unrunnable !== undefined && first.ours.unrunnable !== undefined) {
      return { linux, ours: first.ours, differ: undefined };
    }
    let { ours, differ } = first;
    for (let at = 1; at < this.#engines.length && linux.accept && differ === undefined; at++) {
      ({ ours, differ } = await this.#answer(c, linux, at));
    }
    if (differ === undefined && this.#logs) return { linux, ours, differ: await this.#logDifference(c, linux) };
    if (differ === undefined || !isResult(differ)) return { linux, ours, differ };
    const stable = sameResults(linux, await this.#linux.answer(scribbled(c)));
    return { linux, ours, differ: stable ? differ : undefined };
  }

  /** What one of ours says, and where it parts from Linux. */
  async #answer(c: ProgramCase, linux: ProgramAnswer, at: number) {
    const side = this.#embedded[at]!;
    const ours = await side.answer(c);
    const { fault } = side;
    const found =
      fault === undefined
        ? disagreementOf(linux, ours, c.deterministic !== false)
        : ({ kind: 'failure', ours: fault, linux: 'no fault' } as const);
    const { name } = this.#engines[at]!;
    return { ours, differ: found && name !== '' ? { ...found, ours: `${name}: ${found.ours}` } : found };
  }

  /** Logs of programs that are looked at for long are too long to be compared often. */
  async #logDifference(c: ProgramCase, { processed }: ProgramAnswer): Promise<Disagreement | undefined> {
    if ((processed[0] ?? 0) > LONGEST_LOGGED) return undefined;
    return logDisagreement(await this.#linux.log(c), await this.#embedded[0]!.log(c));
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

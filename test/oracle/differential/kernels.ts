/** The two kernels that are compared, and what each says of a case. */

import type { ProgramCase } from '../../../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../../../src/bin/cases/host.ts';
import { BtfObjects } from '../../../src/bin/cases/objects.ts';
import { answerProgram, type ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { heldCapabilities } from '../../../src/linux/permission.ts';
import { isPerCpu } from '../../../src/sys/index.ts';
import { type Disagreement, disagreementOf, isResult } from './disagreement.ts';
import { GENERATED_BTF, generatedBtf } from './program-case.ts';
import { sameResults, scribbled } from './stable.ts';

/** An embedded kernel is replaced after so many programs: what programs leave behind is not what is tested. */
const PROGRAMS_PER_KERNEL = 500;

const BLOBS = new Map([[GENERATED_BTF, generatedBtf()]]);

export class KernelPair {
  readonly #linux: CaseHost;
  #embedded: CaseHost;
  #asked = 0;

  private constructor(linux: CaseHost, embedded: CaseHost) {
    this.#linux = linux;
    this.#embedded = embedded;
  }

  static async open(): Promise<KernelPair> {
    return new KernelPair(await openCaseHost('linux'), await openEmbedded());
  }

  async close(): Promise<void> {
    await this.#linux.kernel.close();
    await this.#embedded.kernel.close();
  }

  /** Both answers, and where they part. */
  async ask(c: ProgramCase): Promise<{ linux: ProgramAnswer; ours: ProgramAnswer; differ: Disagreement | undefined }> {
    if (++this.#asked % PROGRAMS_PER_KERNEL === 0) {
      await this.#embedded.kernel.close();
      this.#embedded = await openEmbedded();
    }
    const linux = await answer(this.#linux, c);
    const ours = await answer(this.#embedded, c);
    const differ = disagreementOf(linux, ours, c.deterministic !== false);
    if (differ === undefined || !isResult(differ)) return { linux, ours, differ };
    const stable = sameResults(linux, await answer(this.#linux, scribbled(c)));
    return { linux, ours, differ: stable ? differ : undefined };
  }

  /** What Linux says. */
  linux(c: ProgramCase): Promise<ProgramAnswer> {
    return answer(this.#linux, c);
  }
}

/** With what this process may do: started with fewer capabilities, it compares what they change. */
function openEmbedded(): Promise<CaseHost> {
  return openCaseHost('embedded', { capabilities: heldCapabilities() });
}

async function answer(host: CaseHost, c: ProgramCase): Promise<ProgramAnswer> {
  const btfs = new BtfObjects(host.kernel, BLOBS);
  try {
    return withoutCpus(c, await answerProgram(host, btfs, '', c));
  } catch (error) {
    const unrunnable = error instanceof Error ? error.message : String(error);
    return { id: c.id, accept: false, errno: -1, msg: '', processed: [], log1: '', unrunnable, ms: 0 };
  } finally {
    await btfs.close();
  }
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

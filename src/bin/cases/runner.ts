/** Answers the cases of a file, one after another. Whatever goes wrong with one is its answer, and the next one follows. */
import { SkepError } from '../../base/errors.ts';
import { type AnyCase, type CaseFile, casesOfLog2, isConformance, isLog2, type ProgramCase } from './case.ts';
import { answerConformance, type ConformanceAnswer } from './conformance.ts';
import type { CaseHost } from './host.ts';
import { BtfObjects } from './objects.ts';
import { answerProgram, level2Log, type ProgramAnswer } from './program.ts';

export interface Log2Answer {
  id: string;
  log2: string;
  ms: number;
}
export interface Failure {
  id: string;
  error: string;
}
export type Answer = ProgramAnswer | ConformanceAnswer | Log2Answer | Failure;

export interface Selection {
  limit: number;
  tier: number | undefined;
  only: ReadonlySet<string>;
}

/** What was asked and what came; `case` is absent for a line that is none. */
export interface Answered {
  id: string;
  case?: AnyCase;
  /** Of the case; of a log's case for `_log2` files. */
  tier: number | undefined;
  answer: Answer;
}

export async function* answerFile(host: CaseHost, file: CaseFile, selection: Selection): AsyncGenerator<Answered> {
  const btfs = new BtfObjects(host.kernel);
  let logged: Map<string, ProgramCase> | undefined;
  let left = selection.limit;
  try {
    for (const line of file.lines()) {
      if (left <= 0) break;
      if (selection.only.size > 0 && !selection.only.has(line.id)) continue;
      if ('error' in line) {
        yield { id: line.id, tier: undefined, answer: line };
        continue;
      }
      const { id, case: given } = line;
      if (isLog2(given)) logged ??= casesOfLog2(file);
      const program = isLog2(given) ? logged?.get(id) : given;
      const tier = program === undefined || isConformance(program) ? undefined : program.tier;
      if (selection.tier !== undefined && tier !== selection.tier) continue;
      left--;
      yield { id, case: given, tier, answer: await answerOf(host, btfs, file, id, given, program) };
    }
  } finally {
    await btfs.close();
  }
}

async function answerOf(
  host: CaseHost,
  btfs: BtfObjects,
  file: CaseFile,
  id: string,
  given: AnyCase,
  program: ProgramCase | AnyCase | undefined,
): Promise<Answer> {
  try {
    if (program === undefined || isLog2(program)) return { id, error: 'there is no such case beside the logs' };
    if (isConformance(program)) return await answerConformance(host, program);
    if (!isLog2(given)) return await answerProgram(host, btfs, file.btfDirectory, program);
    const { log, ms } = await level2Log(host, btfs, file.btfDirectory, program);
    return { id, log2: log, ms: Math.round(ms * 100) / 100 };
  } catch (error) {
    return { id, error: explain(error) };
  }
}

function explain(error: unknown): string {
  if (error instanceof SkepError) return error.message;
  if (error instanceof Error) return `internal error: ${error.message}`;
  return String(error);
}

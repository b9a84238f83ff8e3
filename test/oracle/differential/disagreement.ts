/** Where two answers to the same program part. The first difference that counts is the one that is told. */

import { ENOTSUPP } from '../../../src/base/errno.ts';
import type { ProgramCase } from '../../../src/bin/cases/case.ts';
import { comparableLines, withoutAddresses } from '../../../src/bin/cases/log.ts';
import type { ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { takesFunctions } from './program-case.ts';

export type Kind =
  | 'failure'
  | 'wrongly accepted'
  | 'wrongly rejected'
  | 'message'
  | 'errno'
  | 'processed'
  | 'states'
  | 'log'
  | 'retval'
  | 'packet'
  | 'map';

export interface Disagreement {
  kind: Kind;
  ours: string;
  linux: string;
}

/** undefined: they agree. `results`: whether what a run gives follows from the program alone. */
export function disagreementOf(linux: ProgramAnswer, ours: ProgramAnswer, results: boolean): Disagreement | undefined {
  const differ = (kind: Kind, a: unknown, b: unknown): Disagreement => ({ kind, ours: `${a}`, linux: `${b}` });
  // The verdict on a program that calls what cannot be run here is compared all the same.
  if (ours.unrunnable !== undefined && !ours.accept) return differ('failure', ours.unrunnable, verdict(linux));
  if (ours.accept !== linux.accept) {
    return differ(ours.accept ? 'wrongly accepted' : 'wrongly rejected', verdict(ours), verdict(linux));
  }
  const [ourMessage, theirMessage] = [comparable(ours.msg), comparable(linux.msg)];
  if (ourMessage !== theirMessage) return differ('message', ourMessage, theirMessage);
  if (ours.errno !== linux.errno) return differ('errno', ours.errno, linux.errno);
  if (ours.processed[0] !== linux.processed[0]) return differ('processed', ours.processed[0], linux.processed[0]);
  if (`${ours.processed}` !== `${linux.processed}`) return differ('states', ours.processed, linux.processed);
  return results && ours.unrunnable === undefined ? resultOf(linux, ours, differ) : undefined;
}

/** The first line of two level-2 logs that differs. */
export function logDisagreement(linux: string, ours: string): Disagreement | undefined {
  const [theirs, have] = [linux, ours].map((log) => comparableLines(log).map(comparable));
  const at = theirs!.findIndex((line, i) => have![i] !== line);
  if (at < 0 && have!.length === theirs!.length) return undefined;
  const from = at < 0 ? theirs!.length : at;
  return { kind: 'log', ours: have![from] ?? 'the end', linux: theirs![from] ?? 'the end' };
}

/** Ids of types differ from kernel to kernel, as addresses do. */
function comparable(message: string): string {
  return withoutAddresses(message).replace(/btf_id \d+/g, 'btf_id N');
}

/** About what a run gave, not about what the verifier said. */
export function isResult({ kind }: Disagreement): boolean {
  return kind === 'retval' || kind === 'packet' || kind === 'map';
}

function resultOf(
  linux: ProgramAnswer,
  ours: ProgramAnswer,
  differ: (kind: Kind, a: unknown, b: unknown) => Disagreement,
): Disagreement | undefined {
  for (const [i, theirs] of (linux.runs ?? []).entries()) {
    const run = ours.runs?.[i];
    // Linux does not run programs of this kind.
    if (theirs.errno === ENOTSUPP) continue;
    if (run === undefined || run.errno !== theirs.errno) return differ('failure', run?.errno, theirs.errno);
    if (run.retval !== theirs.retval) return differ('retval', run.retval, theirs.retval);
    if (run.data_out !== theirs.data_out) return differ('packet', run.data_out, theirs.data_out);
  }
  for (const [map, values] of (linux.maps_after ?? []).entries()) {
    for (const [key, value] of values.entries()) {
      const have = ours.maps_after?.[map]?.[key] ?? null;
      if (have !== value) return differ('map', `maps[${map}][${key}] ${have}`, value);
    }
  }
  return undefined;
}

function verdict({ accept, errno, msg }: ProgramAnswer): string {
  return accept ? 'accepted' : msg || `errno ${errno}`;
}

/** Which disagreements are of one sort: numbers, registers and places taken out. */
export function classOf({ kind, ours, linux }: Disagreement, c: ProgramCase): string {
  const words = (text: string) =>
    text
      .replace(/-?\b(0x[0-9a-f]+|\d+)\b/g, 'N')
      .replace(/\b[0-9a-f]{16,}\b/g, 'HEX')
      .replace(/\bR\d+/g, 'R')
      .replace(/\(.*\)/g, '(…)')
      .slice(0, 90);
  if (kind === 'log') return `log: Linux '${words(linux).replace(/^N: /, '')}'`;
  if (kind === 'message' || kind === 'failure' || kind.startsWith('wrongly')) {
    return `${kind}: ours '${words(ours)}', Linux '${words(linux)}'`;
  }
  return `${kind} ${takesFunctions(c) ? 'with' : 'without'} callbacks`;
}

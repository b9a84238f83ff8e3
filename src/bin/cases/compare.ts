/** How answers agree with those in the files: counted per file and tier, and every disagreement told. */
import { ENOTSUPP } from '../../base/errno.ts';
import { BY_CHANCE } from './by-chance.ts';
import {
  type AnyCase,
  type CaseRun,
  type ConformanceCase,
  isConformance,
  isEndOfLog,
  isLog2,
  type ProgramCase,
} from './case.ts';
import { comparableLines, withoutAddresses } from './log.ts';
import type { ProgramAnswer } from './program.ts';
import type { Answer, Answered, Failure, Log2Answer } from './runner.ts';

/** `same` of `of` that could be compared. */
export interface Count {
  same: number;
  of: number;
}

export interface Row {
  file: string;
  tier: number | undefined;
  /** Compared; those that depend on the machine's configuration are in `env` only. */
  cases: number;
  env: number;
  /** Cases that could not be handled. */
  errors: number;
  verdict: Count;
  wronglyAccepted: number;
  wronglyRejected: number;
  /** Of programs that both refuse. */
  errno: Count;
  message: Count;
  /** Instructions looked at; and with them all the verifier's statistics. */
  processed: Count;
  states: Count;
  /** Cases whose every run gives the same. */
  results: Count;
  /** Of level-2 logs: lines. */
  lines: Count;
  /** Verification. */
  ms: number;
}

export interface Disagreement {
  id: string;
  tier: number | undefined;
  what:
    | 'error'
    | 'wrongly accepted'
    | 'wrongly rejected'
    | 'errno'
    | 'message'
    | 'processed'
    | 'states'
    | 'result'
    | 'log';
  ours: string;
  theirs: string;
  /** Why they may differ, where that is known. */
  why?: string;
}

export class Comparison {
  readonly rows = new Map<string, Row>();
  readonly disagreements: Disagreement[] = [];

  add(file: string, { id, case: given, tier, answer }: Answered): void {
    const row = this.#row(file, tier);
    const differ = (what: Disagreement['what'], ours: unknown, theirs: unknown): void => {
      const why = what === 'result' ? BY_CHANCE[id] : undefined;
      this.disagreements.push({ id, tier, what, ours: String(ours), theirs: String(theirs), ...(why ? { why } : {}) });
    };
    if (given !== undefined && 'env' in given && given.env !== undefined) {
      row.env++;
      return;
    }
    row.cases++;
    if ('ms' in answer) row.ms += answer.ms;
    if (given === undefined || isFailure(answer)) {
      row.errors++;
      count(row.verdict, false);
      differ('error', isFailure(answer) ? answer.error : '', accepted(given));
    } else if (isLog2(given)) compareLogs(row, differ, given.log2, (answer as Log2Answer).log2);
    else compareVerdict(row, differ, given, answer as ProgramAnswer);
  }

  #row(file: string, tier: number | undefined): Row {
    const key = `${file} ${tier ?? ''}`;
    let row = this.rows.get(key);
    if (!row) {
      row = emptyRow(file, tier);
      this.rows.set(key, row);
    }
    return row;
  }
}

type Differ = (what: Disagreement['what'], ours: unknown, theirs: unknown) => void;

function compareVerdict(row: Row, differ: Differ, given: ProgramCase | ConformanceCase, answer: ProgramAnswer): void {
  const said = isConformance(given) ? given.kernel : given;
  if (typeof said?.accept !== 'boolean') return; // a case without an answer
  count(row.verdict, answer.accept === said.accept);
  if (answer.accept && !said.accept) {
    row.wronglyAccepted++;
    differ('wrongly accepted', 'accepted', said.msg || `errno ${said.errno}`);
    return;
  }
  if (!answer.accept && said.accept) {
    row.wronglyRejected++;
    differ('wrongly rejected', answer.msg || `errno ${answer.errno}`, 'accepted');
    return;
  }
  if (!said.accept) {
    const errno = answer.errno === said.errno;
    const message = withoutAddresses(answer.msg) === withoutAddresses(`${said.msg}`);
    count(row.errno, errno);
    count(row.message, message);
    if (!message) differ('message', answer.msg, said.msg);
    else if (!errno) differ('errno', answer.errno, said.errno);
  }
  if (isConformance(given)) compareR0(row, differ, given, answer);
  else {
    compareProcessed(row, differ, given, answer);
    compareResults(row, differ, given, answer);
  }
}

function compareProcessed(row: Row, differ: Differ, given: ProgramCase, answer: ProgramAnswer): void {
  const theirs = given.processed;
  if (!Array.isArray(theirs) || theirs.length === 0) return;
  const ours = answer.processed;
  const insns = ours[0] === theirs[0];
  const all = ours.join() === theirs.join();
  count(row.processed, insns);
  count(row.states, all);
  if (!insns) differ('processed', ours[0], theirs[0]);
  else if (!all) differ('states', ours.slice(2, 5).join(' '), theirs.slice(2, 5).join(' '));
}

/** Runs that the other kernel does not offer for a program type are no results to compare with. */
function compareResults(row: Row, differ: Differ, given: ProgramCase, answer: ProgramAnswer): void {
  const runs = (given.runs ?? (given.run ? [given.run] : [])).map((run, i) => ({ run, ours: answer.runs?.[i] }));
  const theirs = runs.filter(({ run }) => run.errno !== ENOTSUPP);
  if (theirs.length === 0 || given.deterministic === false) return;
  const before = row.results.same;
  const wrong = theirs.find(({ run, ours }) => ours === undefined || spell(ours) !== spell(run));
  const maps = given.maps_after;
  const element = maps && differentElement(answer.maps_after ?? [], maps);
  count(row.results, wrong === undefined && element === undefined);
  if (row.results.same > before) return;
  if (wrong !== undefined)
    differ('result', wrong.ours ? spell(wrong.ours) : (answer.unrunnable ?? 'none'), spell(wrong.run));
  else differ('result', `${element!.place} = ${element!.ours}`, element!.theirs);
}

type Contents = readonly (readonly (string | null)[])[];

/** The first value that differs, of those that the file has. */
function differentElement(
  ours: Contents,
  theirs: Contents,
): { place: string; ours: string; theirs: string } | undefined {
  for (const [map, values] of theirs.entries()) {
    for (const [key, value] of values.entries()) {
      const have = ours[map]?.[key] ?? null;
      if (have !== value) return { place: `maps[${map}][${key}]`, ours: String(have), theirs: String(value) };
    }
  }
  return undefined;
}

function spell({ ret, errno, retval, data_out }: Omit<CaseRun, 'data_in'>): string {
  return ret === 0 ? `${retval >>> 0} ${data_out}` : `errno ${errno}`;
}

function compareR0(row: Row, differ: Differ, given: ConformanceCase, answer: Answer): void {
  if (!given.kernel?.accept) return;
  const r0 = 'r0' in answer ? answer.r0 : undefined;
  const same = r0 === BigInt(given.expected_r0);
  count(row.results, same);
  if (!same) differ('result', r0 === undefined ? 'none' : `0x${r0.toString(16)}`, given.expected_r0);
}

/** Recorded logs that are very long have lost their middle. */
const CUT = '\n...[cut]...\n';

/** A recorded log may be cut: what is left of a line there is not compared, nor what ours has in that place. */
function compareLogs(row: Row, differ: Differ, theirs: string, ours: string): void {
  const cut = theirs.indexOf(CUT);
  const head = cut < 0 ? theirs : theirs.slice(0, cut);
  const isWhole = cut < 0 && theirs.endsWith('\n');
  const end = isEndOfLog(theirs);
  const wanted = comparableLines(
    head.slice(end ? head.indexOf('\n') : 0, isWhole ? undefined : head.lastIndexOf('\n')),
  );
  const all = comparableLines(ours);
  const have = end ? all.slice(-wanted.length) : all.slice();
  if (cut >= 0) {
    const tail = theirs.slice(cut + CUT.length);
    const last = comparableLines(tail.slice(tail.indexOf('\n')));
    have.splice(wanted.length, Math.max(0, have.length - wanted.length - last.length));
    wanted.push(...last);
  } else if (!isWhole) have.length = Math.min(have.length, wanted.length);
  let same = 0;
  while (same < wanted.length && have[same] === wanted[same]) same++;
  const equal = same === wanted.length && have.length === wanted.length;
  count(row.results, equal);
  row.lines.of += wanted.length;
  row.lines.same += same;
  if (!equal) differ('log', have[same] ?? 'the end', wanted[same] ?? 'the end');
}

function count(into: Count, same: boolean): void {
  into.of++;
  if (same) into.same++;
}

function isFailure(answer: Answer): answer is Failure {
  return 'error' in answer;
}

function accepted(given: AnyCase | undefined): string {
  const said = given === undefined || isLog2(given) ? undefined : isConformance(given) ? given.kernel : given;
  return said === undefined ? '' : said.accept ? 'accepted' : said.msg || `errno ${said.errno}`;
}

function emptyRow(file: string, tier: number | undefined): Row {
  const none = (): Count => ({ same: 0, of: 0 });
  return {
    file,
    tier,
    cases: 0,
    env: 0,
    errors: 0,
    verdict: none(),
    wronglyAccepted: 0,
    wronglyRejected: 0,
    errno: none(),
    message: none(),
    processed: none(),
    states: none(),
    results: none(),
    lines: none(),
    ms: 0,
  };
}

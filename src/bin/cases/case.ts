/**
 * Program cases: one program as data, with what a kernel answered. A file has one a line, as JSON, plain or gzipped.
 *
 * Fields are those of the files and keep their names. What a line lacks is zero or absent; nothing here trusts it.
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { FormatError, SkepError } from '../../base/errors.ts';

export interface CaseMap {
  type: number;
  key_size: number;
  value_size: number;
  max_entries: number;
  flags: number;
  name?: string;
  extra?: number;
  /** The template of a map of maps, or its index among the case's maps. */
  inner?: CaseMap | number;
  /** Names a file in `btf/` beside the cases. */
  btf?: string;
  btf_key?: number;
  btf_value?: number;
  /** Frozen after `init` was written: no more writes from user space. */
  frozen?: boolean;
  /** Keys and values, hex. */
  init?: [key: string, value: string][];
}

export interface CaseReloc {
  /** The instruction whose imm is meant, in slots. */
  insn: number;
  kind: 'map' | 'map_value' | 'kfunc' | 'ksym_btf';
  /** Index into the case's maps; -1: `raw_imm` stands there, no descriptor of anything. */
  map?: number;
  off?: number;
  raw_imm?: number;
  name?: string;
}

/** One BPF_PROG_TEST_RUN: `ret` 0 or -1, `errno` positive, packets as hex. */
export interface CaseRun {
  ret: number;
  errno: number;
  retval: number;
  data_in?: string;
  data_out: string;
}

export interface ProgramCase {
  id: string;
  name?: string;
  prog_type: number;
  attach_type?: number;
  attach_btf?: string;
  flags?: number;
  license?: string;
  /** Hex, 8 bytes a slot. */
  insns: string;
  relocs?: CaseReloc[];
  maps?: CaseMap[];
  prog_btf?: string | null;
  /** Hex, 8 bytes a record. */
  func_info?: string;

  accept: boolean;
  errno: number;
  msg: string;
  /** insns, limit, max_states_per_insn, total_states, peak_states, mark_read. */
  processed?: number[];
  runs?: CaseRun[];
  run?: CaseRun;
  /** False: the results of `run` depend on time, chance or the CPU. */
  deterministic?: boolean;
  /** Values of every map after `run`, hex: of keys 0, 1, 2…, null where there is none. */
  maps_after?: (string | null)[][];
  tier?: number;
  /** The answer came from the configuration of the machine, not from the program. */
  env?: unknown;
}

/** A test of the instruction set: what the program leaves in r0, given `memory` at r1 and its size in r2. */
export interface ConformanceCase {
  name: string;
  /** Hex. */
  program: string;
  memory: string;
  expected_r0: string;
  /** What the kernel said; `r0` is absent where it refused the program. */
  kernel?: { accept: boolean; errno: number; msg: string; r0?: number };
}

/** The level-2 log of the case with this id in the file of the same name without `_log2`. */
export interface Log2Case {
  id: string;
  log2: string;
}

const LONG_LOG = 59_000;

export type AnyCase = ProgramCase | ConformanceCase | Log2Case;

export function isConformance(c: AnyCase): c is ConformanceCase {
  return 'program' in c;
}
/** Long logs are kept up to a length: from their beginning, or, where this says so, their end. */
export function isEndOfLog(log2: string): boolean {
  return log2.length >= LONG_LOG && !log2.startsWith('func#0');
}
export function isLog2(c: AnyCase): c is Log2Case {
  return 'log2' in c;
}

/** A line of a file: a case, or why it is none. */
export type Line = { id: string; case: AnyCase } | { id: string; error: string };

export interface CaseFile {
  /** The file's name without its endings. */
  readonly name: string;
  readonly path: string;
  readonly btfDirectory: string;
  /** Lazily: cases are large, and one may be all that is asked for. */
  lines(): Iterable<Line>;
}

/** Reads a file of cases. SkepError where it cannot be read; a line that is no case is a `Line` that says so. */
export function readCaseFile(path: string): CaseFile {
  const text = readText(path);
  const name = basename(path)
    .replace(/\.gz$/, '')
    .replace(/\.jsonl?$/, '');
  return {
    name,
    path,
    btfDirectory: join(dirname(path), 'btf'),
    *lines() {
      let number = 0;
      for (const line of text.split('\n')) {
        number++;
        if (line.trim() !== '') yield readLine(line, `${name}:${number}`);
      }
    },
  };
}

/** Cases of a `_log2` file by id: they are in the file beside it. */
export function casesOfLog2(file: CaseFile): Map<string, ProgramCase> {
  const beside = file.path.replace(/_log2(?=\.jsonl?(\.gz)?$)/, '');
  if (beside === file.path) throw new FormatError('the cases of a log file are looked for without _log2', file.path);
  return new Map(programsOf(readCaseFile(beside)).map((c) => [c.id, c]));
}

/** The programs of a file: without tests of the instruction set, logs, and lines that are no case. */
export function programsOf(file: CaseFile): ProgramCase[] {
  const programs: ProgramCase[] = [];
  for (const line of file.lines()) {
    if ('case' in line && !isConformance(line.case) && !isLog2(line.case)) programs.push(line.case);
  }
  return programs;
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    const zipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return (zipped ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'EIO';
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new SkepError(code, `cannot read '${path}': ${why}`, { cause: error });
  }
}

/** Fields that are lists of objects, where they are there. */
const LISTS = ['relocs', 'maps', 'runs'] as const;

function isList(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null);
}

function readLine(line: string, place: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { id: place, error: 'this is no JSON' };
  }
  if (typeof value !== 'object' || value === null) return { id: place, error: 'this is no case' };
  const { id, name, insns, program, log2 } = value as Record<string, unknown>;
  if (typeof program === 'string') {
    return typeof name === 'string'
      ? { id: name, case: value as ConformanceCase }
      : { id: place, error: 'the case has no name' };
  }
  if (typeof id !== 'string') return { id: place, error: 'the case has no id' };
  if (typeof insns !== 'string' && typeof log2 !== 'string') return { id, error: 'the case has no insns' };
  const wrong = LISTS.find((list) => !isList((value as Record<string, unknown>)[list]));
  if (wrong !== undefined) return { id, error: `the case's ${wrong} are no list of objects` };
  return { id, case: value as ProgramCase | Log2Case };
}

/**
 * What the project throws. Inside a kernel answers are numbers (`-ENOENT`); at the API edge they become one of these.
 *
 * `message` is a sentence for people: what was asked, what was in the way, what to do. `code` is for programs and
 * never changes.
 */
import { errnoName, strerror } from './errno.ts';

/** Anything that skep refuses on purpose. `code` is an errno symbol or an `ERR_*` word of the subclass. */
export class SkepError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * A kernel answered with an errno. `op` is the command that was asked, `errno` is positive, `answer` is what the kernel
 * wrote all the same, by the names of its result (`count` of a batch that reached the end), where it wrote anything.
 */
export class BpfError extends SkepError {
  /** The command that was asked. */
  readonly op: string;
  /** Positive. */
  readonly errno: number;
  /** What the kernel wrote all the same, where it wrote anything. */
  readonly answer: Readonly<Record<string, unknown>> | undefined;
  /** What was asked, or the kernel's own words about it. */
  readonly detail: string | undefined;
  constructor(
    op: string,
    errno: number,
    detail?: string,
    options?: ErrorOptions & { answer?: Readonly<Record<string, unknown>> },
  ) {
    const text = strerror(errno);
    super(errnoName(errno), detail ? `${op}: ${detail} (${text})` : `${op}: ${text}`, options);
    this.op = op;
    this.errno = Math.abs(errno);
    this.answer = options?.answer;
    this.detail = detail;
  }
}

/** BPF_PROG_LOAD was refused by the verifier. `log` is the verifier's text, `pc` the instruction it stopped at. */
export class VerifierError extends BpfError {
  /** The verifier's text, whole: its last line before `processed …` says why. */
  readonly log: string;
  /** The instruction it stopped at, as an index of 8-byte slots. */
  readonly pc: number | undefined;
  /** The C source line that `pc` belongs to, where the program carries line info: `file.c:12: text`. */
  readonly sourceLine: string | undefined;
  /** `what` says which program it is, for people. */
  constructor(errno: number, log: string, pc?: number, sourceLine?: string, what?: string) {
    const why = lastLine(log) || 'the verifier refused the program';
    super('BPF_PROG_LOAD', errno, what === undefined ? why : `${what}: ${why}`);
    const place = /^[^:]+:\d+/.exec(sourceLine ?? '');
    if (place) this.message += ` at ${place[0]}`;
    this.log = log;
    this.pc = pc;
    this.sourceLine = sourceLine;
  }
}

/** Input that cannot be read: `where` says the place in it ("section .maps, offset 0x40"). */
class InputError extends SkepError {
  readonly where: string;
  constructor(code: string, what: string, where: string) {
    super(code, where ? `${what} (at ${where})` : what);
    this.where = where;
  }
}

/** A malformed or unusable ELF object. */
export class ElfError extends InputError {
  constructor(what: string, where = '') {
    super('ERR_ELF', what, where);
  }
}

/** Malformed BTF or BTF.ext, or a type that does not say what it should. */
export class BtfError extends InputError {
  constructor(what: string, where = '') {
    super('ERR_BTF', what, where);
  }
}

/** Assembly text or an instruction that does not encode. */
export class AsmError extends InputError {
  constructor(what: string, where = '') {
    super('ERR_ASM', what, where);
  }
}

/** A capture file, a data file or a message of another process that cannot be read. */
export class FormatError extends InputError {
  constructor(what: string, where = '') {
    super('ERR_FORMAT', what, where);
  }
}

/** The command line asks for something that the grammar does not have. */
export class UsageError extends SkepError {
  constructor(message: string) {
    super('ERR_USAGE', message);
  }
}

/** Something that is real in eBPF but not offered here, with what is missing and, where known, since which Linux. */
export class UnsupportedError extends SkepError {
  readonly feature: string;
  readonly since: string | undefined;
  constructor(feature: string, options: { since?: string; hint?: string } = {}) {
    const since = options.since ? ` (Linux has it since ${options.since})` : '';
    super('ERR_UNSUPPORTED', `${feature} is not supported here${since}${options.hint ? `: ${options.hint}` : ''}`);
    this.feature = feature;
    this.since = options.since;
  }
}

/** Our own mistake: an invariant of skep does not hold. Not a SkepError, so nobody mistakes it for an answer. */
export function bug(message: string): never {
  throw new Error(`bug in skep: ${message}`);
}

function lastLine(log: string): string {
  const lines = log
    .split('\n')
    .filter((line) => line !== '' && !/^(processed |verification time|stack depth|cur state:|old state:)/.test(line));
  return lines.at(-1) ?? '';
}

/**
 * From a kernel's errno to what the API throws. Every implementation of Kernel makes its errors here.
 */
import { BpfError, VerifierError } from '../base/errors.ts';
import type { CommandName } from '../uapi/commands.ts';

/** The error for a command that answered `-errno`; `answer` is what it wrote nevertheless. */
export function refusal(command: CommandName, errno: number, answer?: Readonly<Record<string, unknown>>): BpfError {
  const log = command === 'PROG_LOAD' ? logText(answer?.['log_buf']) : '';
  if (log !== '') return verifierRefusal(Math.abs(errno), log);
  return new BpfError(`BPF_${command}`, Math.abs(errno), undefined, answer === undefined ? {} : { answer });
}

/** The error for a refused program. Where it stopped is read from the log: the kernel says it nowhere else. */
export function verifierRefusal(errno: number, log: string): VerifierError {
  let pc: number | undefined;
  let source: string | undefined;
  for (const line of log.split('\n')) {
    const insn = /^(\d+): \(/.exec(line) ?? /\binsn (\d+)\b/.exec(line);
    if (insn) pc = Number(insn[1]);
    const code = /^; (.*) @ ([^@]+:\d+)$/.exec(line);
    if (code) source = `${code[2]}: ${code[1]}`;
  }
  return new VerifierError(errno, log, pc, source);
}

/** Text of a log buffer as the kernel left it: up to its zero. */
export function logText(buffer: unknown): string {
  if (!(buffer instanceof Uint8Array)) return '';
  const end = buffer.indexOf(0);
  return new TextDecoder().decode(end < 0 ? buffer : buffer.subarray(0, end));
}

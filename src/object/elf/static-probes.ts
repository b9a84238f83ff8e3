/**
 * Static probes (USDT) that a program's source put into it with <sys/sdt.h>: a `nop` each, and a note that says where it
 * is, what it is called and where its arguments are. https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation
 *
 * A note's description is pc, base, semaphore (8 bytes each), then three texts: provider, name, arguments. Tools that
 * move code without knowing the notes leave .stapsdt.base as the sign of by how much.
 */
import { view } from '../../base/bytes.ts';
import { ElfError } from '../../base/errors.ts';
import type { Executable } from './executable.ts';

const NT_STAPSDT = 3;
const TEXTS = 24;

/** A place where the probe is: one of several, where the compiler made copies of the code. */
export interface ProbeSite {
  /** The instruction, in bytes from the start of the file. */
  readonly offset: number;
  /** The counter that turns the probe on, in bytes from the start of the file; 0 where it has none. */
  readonly semaphore: number;
  /** As the assembler wrote them: `-4@%edi 8@-16(%rbp)`. */
  readonly args: string;
}

/** The sites of `provider`:`name`, each once. Throws ElfError where a note points outside of the file's code. */
export function probeSites(file: Executable, provider: string, name: string): ProbeSite[] {
  const base = file.sections.find((section) => section.name === '.stapsdt.base')?.address;
  const found = new Map<number, ProbeSite>();
  for (const section of file.sections) {
    if (section.name !== '.note.stapsdt') continue;
    for (const { owner, type, bytes } of file.notes(section)) {
      if (owner !== 'stapsdt' || type !== NT_STAPSDT || bytes.length < TEXTS) continue;
      const [hasProvider, hasName, args = ''] = latin1.decode(bytes.subarray(TEXTS)).split('\0');
      if (hasProvider !== provider || hasName !== name) continue;
      const [pc, linkedBase, semaphore] = [0, 8, 16].map((at) => Number(view(bytes).getBigUint64(at, true)));
      const moved = base === undefined || linkedBase === 0 ? 0 : base - linkedBase!;
      const offset = place(file, pc! + moved, provider, name);
      const gate = semaphore === 0 ? 0 : place(file, semaphore! + moved, provider, name);
      found.set(offset, { offset, semaphore: gate, args });
    }
  }
  return [...found.values()];
}

function place(file: Executable, address: number, provider: string, name: string): number {
  const offset = file.toFile(address);
  if (offset !== undefined) return offset;
  throw new ElfError(`the probe ${provider}:${name} is at 0x${address.toString(16)}, which the file does not have`);
}

const latin1 = new TextDecoder('latin1');

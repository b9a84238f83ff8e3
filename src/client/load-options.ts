/** What a caller may say about loading an object. */

import type { BpfError } from '../base/errors.ts';
import type { Btf, BtfValue } from '../btf/index.ts';
import type { ProgramSpec } from '../object/index.ts';
import type { BpfMap } from './map.ts';
import type { BpfProgram } from './program.ts';

export interface LoadOptions {
  /** The object's name, from which its data maps get theirs; the file's name is the usual choice. */
  readonly name?: string;
  /** Names of the programs to load. Default: all whose section does not begin with `?`. */
  readonly programs?: readonly string[];
  /** Loads every program as this type, whatever its section says. */
  readonly programType?: { readonly type: number; readonly attachType: number };
  /** Maps to use in place of those that the object defines, by name. They stay the caller's: closing is theirs. */
  readonly maps?: Readonly<Record<string, BpfMap>>;
  /** Takes `maps` of another shape too: the verifier says whether the programs can live with that. Default: an error. */
  readonly mapsOfAnyShape?: boolean;
  /**
   * Loaded programs that freplace, fentry and fexit programs of this object go to, by the name of the one that goes:
   * `{ my_freplace: program }`. The section says which function of it.
   */
  readonly targets?: Readonly<Record<string, BpfProgram>>;
  /** Index of the interface whose metadata XDP programs read (BPF_F_XDP_DEV_BOUND_ONLY, Linux 6.3). */
  readonly boundDevice?: number;
  /** Values of global variables by their C name, written before anything is loaded. `const volatile` ones are the use. */
  readonly globals?: Readonly<Record<string, BtfValue>>;
  /** Where maps with LIBBPF_PIN_BY_NAME are pinned; default: the kernel's first bpf file system. */
  readonly pinDirectory?: string;
  /** Types to relocate against; default: the running kernel's own. */
  readonly kernelBtf?: Btf;
  /** Values of `__kconfig` externs, as .config spells them; default: what the kernel says of itself. */
  readonly kconfig?: ReadonlyMap<string, string>;
  /** Instructions to put in front of a program's own: they end by falling through to it, with r1 as they found it. */
  readonly prologue?: (program: ProgramSpec) => Uint8Array;
  /** 1: keep the verifier's log of every program, 2: with every state; and 4: what it cost. Refusals carry a log anyway. */
  readonly logLevel?: number;
  /** Told which program was refused, before loading fails with that error: a VerifierError where there is a log. */
  readonly onRefused?: (program: string, error: BpfError) => void;
  /** Told what went differently than asked, in a sentence. Default: silence. */
  readonly warn?: (message: string) => void;
}

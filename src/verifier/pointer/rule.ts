/**
 * The contract of a pointer type: what a load or store through it must satisfy, and what a load answers.
 */
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';

/** One load or store. `off` counts from the variable part of the pointer: the register's fixed offset is in it. */
export interface Access {
  /** The register that holds the pointer. */
  readonly regno: number;
  readonly off: number;
  /** Bytes. */
  readonly size: number;
  readonly write: boolean;
  /** Register that is loaded or stored; -1 for an immediate or memory that a helper touches. */
  readonly valueRegno: number;
  readonly signExtend: boolean;
}

/** The access that is being looked at: filled in anew for each, and never two at a time. */
export class CurrentAccess implements Access {
  regno = 0;
  off = 0;
  size = 0;
  write = false;
  valueRegno = -1;
  signExtend = false;
}

export interface PointerRule {
  /** Rejects, or leaves the loaded register as what was read. `ptr` may be that register. */
  access(env: Env, ptr: Reg, a: Access): void;
  /** How alignment messages call it. */
  readonly word?: string;
}

/** A load that says nothing about what was read. */
export function answerUnknown(env: Env, a: Access): void {
  if (!a.write && a.valueRegno >= 0) env.reg(a.valueRegno).markUnknown();
}

export function checkNoLeak(env: Env, a: Access, where: string): void {
  if (a.write && a.valueRegno >= 0 && !env.caps.perfmon && !env.reg(a.valueRegno).isScalar) {
    env.reject('EACCES', `R${a.valueRegno} leaks addr into ${where}`);
  }
}

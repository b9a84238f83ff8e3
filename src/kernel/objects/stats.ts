/** BPF_ENABLE_STATS: while somebody holds one of these, runs are counted and timed. */
import type { Execution } from '../run/execution.ts';
import { KernelObject } from './object.ts';

export class StatsHandle extends KernelObject {
  readonly kind = 'stats';
  readonly #execution: Execution;

  constructor(execution: Execution) {
    super();
    this.#execution = execution;
    execution.statistics++;
  }

  protected override destroy(): void {
    this.#execution.statistics--;
  }
}

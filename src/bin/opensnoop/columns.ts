/** The table that opensnoop prints. */
import type { OpenEvent } from './event.ts';
import type { OpensnoopOptions } from './options.ts';

type Shown = Pick<OpensnoopOptions, 'exits' | 'timeOfDay' | 'showParent'>;

export class Columns {
  readonly #shown: Shown;
  /** Milliseconds of the epoch when the clock of the events was at zero. */
  readonly #bootTime: number;
  #first: bigint | undefined;

  constructor(shown: Shown, bootTime: number) {
    this.#shown = shown;
    this.#bootTime = bootTime;
  }

  header(): string {
    const { exits, timeOfDay, showParent } = this.#shown;
    const ends = exits ? '  FD ERR ' : '';
    return `${(timeOfDay ? 'TIME' : 'TIME(s)').padEnd(15)}${'COMM'.padEnd(17)}${'PID'.padEnd(8)}${showParent ? 'PPID'.padEnd(8) : ''}${ends}FILE\n`;
  }

  row(event: OpenEvent): string {
    const { exits, showParent } = this.#shown;
    const fd = event.ret < 0 ? -1 : event.ret;
    const error = event.ret < 0 ? -event.ret : 0;
    const ends = exits ? `${String(fd).padStart(4)} ${String(error).padStart(3)} ` : '';
    const parent = showParent ? String(event.ppid).padEnd(8) : '';
    return `${this.#time(event.ts).padEnd(15)}${printable(event.comm).padEnd(17)}${String(event.pid).padEnd(8)}${parent}${ends}${printable(event.path)}\n`;
  }

  #time(ts: bigint): string {
    if (this.#shown.timeOfDay) {
      const at = new Date(this.#bootTime + Number(ts) / 1e6);
      const two = (n: number) => String(n).padStart(2, '0');
      const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
      return `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}`;
    }
    this.#first ??= ts;
    const since = ts > this.#first ? ts - this.#first : 0n;
    return `${since / 1_000_000_000n}.${String(since % 1_000_000_000n).padStart(9, '0')}`;
  }
}

/** Names come from other programs: what would steer the terminal is shown as `?`. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** bpftool perf show: one line per descriptor that holds a program on a perf event or raw tracepoint. */
import { EPERM } from '../../base/errno.ts';
import type { PerfHolder } from '../../sys/index.ts';
import { command } from '../command.ts';
import { errnoIn, FAILED, fail, reason } from '../failure.ts';

export const show = command<readonly PerfHolder[]>({
  async run(context) {
    const kernel = await context.kernel();
    // Nothing would be found by who may not ask: no process 0 is there for who may.
    await kernel.bpf('TASK_FD_QUERY', { pid: 0, fd: 0 }).catch((error: unknown) => {
      if (errnoIn(error) === EPERM) fail(`perf_query_support: ${reason(error)}`, FAILED, error);
    });
    return kernel.perfHolders();
  },
  json: (writer, holders) => {
    writer.startArray();
    for (const holder of holders) {
      writer.startObject().field('pid', holder.pid).field('fd', holder.fd).field('prog_id', holder.progId);
      writer.field('fd_type', holder.kind);
      for (const [name, value] of placeOf(holder)) writer.field(name, value);
      writer.endObject();
    }
    writer.endArray();
  },
  plain: (holders) =>
    holders
      .map((holder) => {
        const named = holder.kind === 'tracepoint' || holder.kind === 'raw_tracepoint';
        const place = placeOf(holder)
          .map(([name, value]) => (named ? `${value}` : `${name} ${value}`))
          .join('  ');
        return `pid ${holder.pid}  fd ${holder.fd}: prog_id ${holder.progId}  ${holder.kind}  ${place}\n`;
      })
      .join(''),
});

/** Where it hangs: a tracepoint's name, a function or an address, a file and an offset. */
function placeOf(holder: PerfHolder): [string, string | bigint][] {
  switch (holder.kind) {
    case 'raw_tracepoint':
    case 'tracepoint':
      return [['tracepoint', holder.target]];
    case 'kprobe':
    case 'kretprobe':
      if (holder.target === '') return [['addr', holder.addr]];
      return [
        ['func', holder.target],
        ['offset', holder.offset],
      ];
    case 'uprobe':
    case 'uretprobe':
      return [
        ['filename', holder.target],
        ['offset', holder.offset],
      ];
  }
}

/**
 * bpftool prog profile PROG [duration DURATION] METRICS: what the processor counts while a program runs. Its words are read as
 * bpftool reads them; the counting is not built: it takes programs at the entry and exit of another one.
 */
import { UnsupportedError } from '../../base/errors.ts';
import { command } from '../command.ts';
import { fail, ShowUsage } from '../failure.ts';
import { takeProg } from '../handles.ts';

const METRICS = ['cycles', 'instructions', 'l1d_loads', 'llc_misses', 'itlb_misses', 'dtlb_misses'];

export const profile = command<void>({
  async run(context, args) {
    args.need(2);
    await takeProg(context, args);
    if (args.take('duration') && !/^\d+$/.test(args.next())) throw new ShowUsage();
    if (args.left === 0) throw new ShowUsage();
    while (args.left > 0) {
      const metric = args.next();
      if (!METRICS.includes(metric)) fail(`unknown metric ${metric}`);
    }
    throw new UnsupportedError("'prog profile', which counts by programs at the entry and exit of the profiled one,", {
      hint: 'sysctl kernel.bpf_stats_enabled=1 has Linux count runs and time, and prog show tells them',
    });
  },
});

/** bpftool feature probe [kernel | dev NAME] [full] [unprivileged] [macros [prefix P]]: what the kernel offers. */
import { UnsupportedError } from '../../base/errors.ts';
import { probeFeatures } from '../../client/index.ts';
import type { Args } from '../args.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { fail } from '../failure.ts';
import { deviceIndex } from '../net-device.ts';
import { probeHelpers } from './helpers.ts';
import { probeMisc } from './misc.ts';
import { JsonReport, MacroReport, PlainReport, type Report } from './report.ts';
import { showSystemConfig } from './system-config.ts';
import { probeMapTypes, probeProgTypes } from './types.ts';

interface Wanted {
  /** 0: the kernel itself. */
  ifindex: number | undefined;
  full: boolean;
  macros: boolean;
  prefix: string;
}

/** Shown as it is found out. */
export const probe = command<void>({
  async run(context, args) {
    const wanted = await takeWanted(context, args);
    const kernel = await context.kernel();
    const ifindex = wanted.ifindex ?? 0;
    const features = probeFeatures(kernel, ifindex);
    const report = reportFor(context, wanted);

    report.begin();
    if (ifindex === 0) await showSystemConfig(report, await kernel.systemConfig());
    report.section('syscall_config', 'Scanning system call availability...', '/*** System call availability ***/');
    // Whoever answers here answers bpf(2).
    report.feature('have_bpf_syscall', 'bpf() syscall', 'BPF_SYSCALL', true);
    report.endSection();
    const progTypes = await probeProgTypes(report, features, ifindex);
    await probeMapTypes(report, features, ifindex);
    await probeHelpers(report, features, progTypes, { ifindex, full: wanted.full });
    await probeMisc(report, features);
    report.end();
  },
  json: () => {},
});

function reportFor(context: Context, wanted: Wanted): Report {
  const print = (text: string) => context.print(text);
  if (context.json) return new JsonReport(context.json);
  return wanted.macros ? new MacroReport(print, wanted.prefix) : new PlainReport(print);
}

async function takeWanted(context: Context, args: Args): Promise<Wanted> {
  const wanted: Wanted = { ifindex: undefined, full: false, macros: false, prefix: '' };
  while (args.left > 0) {
    if (args.is('kernel') || args.is('dev')) {
      if (wanted.ifindex !== undefined) fail('component to probe already specified');
      if (args.take('kernel')) {
        wanted.ifindex = 0;
      } else {
        args.next();
        args.need(1);
        wanted.ifindex = await deviceIndex(context, args.next());
      }
    } else if (args.take('full')) {
      wanted.full = true;
    } else if (args.take('macros')) {
      if (wanted.macros || wanted.prefix !== '') fail("duplicate 'macros' or 'prefix' argument");
      wanted.macros = true;
    } else if (args.take('prefix')) {
      if (!wanted.macros) fail("'prefix' argument can only be use after 'macros'");
      if (wanted.prefix !== '') fail('prefix already defined');
      args.need(1);
      wanted.prefix = args.next();
    } else if (args.take('unprivileged')) {
      throw new UnsupportedError("'feature probe unprivileged'", { hint: 'run it as an ordinary user instead' });
    } else {
      fail(`expected no more arguments, 'kernel', 'dev', 'macros' or 'prefix', got: '${args.peek()}'?`);
    }
  }
  return wanted;
}

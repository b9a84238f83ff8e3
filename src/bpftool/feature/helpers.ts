/** The section about helpers: which ones programs of each type may call. */
import { canProbeHelpers, type Features } from '../../client/index.ts';
import { HELPER_IDS } from '../../uapi/generated/helper-ids.ts';
import { PROG_TYPE_NAMES } from '../names.ts';
import type { Report } from './report.ts';

/** Loading a call of these writes into the kernel's log; only asked for with `full`. */
const NOISY: ReadonlySet<string> = new Set(['trace_printk', 'trace_vprintk', 'probe_write_user']);

export async function probeHelpers(
  report: Report,
  features: Features,
  progTypes: ReadonlyMap<number, boolean>,
  wanted: { ifindex: number; full: boolean },
): Promise<void> {
  report.section('helpers', 'Scanning eBPF helper functions...', '/*** eBPF helper functions ***/');
  for (const [type, available] of progTypes) {
    const note = !available
      ? 'Program type not supported'
      : canProbeHelpers(type)
        ? undefined
        : 'Could not determine which helpers are available';
    const asked = Object.entries(HELPER_IDS).filter(([name]) => wanted.full || !NOISY.has(name));
    // Asked all at once: a kernel behind a socket answers them as they come.
    const names = await Promise.all(
      asked.map(async ([name, id]) => ({
        name: `bpf_${name}`,
        available: note === undefined && (await features.helper(type, id)) === 'yes',
      })),
    );
    report.helpers(PROG_TYPE_NAMES[type] ?? `type ${type}`, names, note);
  }
  report.endSection();
}

/** The sections about program types and map types. */
import type { Features } from '../../client/index.ts';
import { MAP_TYPE_NAMES, PROG_TYPE_NAMES } from '../names.ts';
import type { Report } from './report.ts';

/** What network hardware may be asked for. */
const OFFLOADED_PROGS = ['sched_cls', 'xdp'];
const OFFLOADED_MAPS = ['hash', 'array'];

/** Answers which program types there are: number -> available. */
export async function probeProgTypes(
  report: Report,
  features: Features,
  ifindex: number,
): Promise<ReadonlyMap<number, boolean>> {
  report.section('program_types', 'Scanning eBPF program types...', '/*** eBPF program types ***/');
  const found = new Map<number, boolean>();
  for (const [type, name] of PROG_TYPE_NAMES.entries()) {
    if (type === 0 || (ifindex !== 0 && !OFFLOADED_PROGS.includes(name))) continue;
    const available = await features.progType(type);
    found.set(type, available);
    const macro = `${name.toUpperCase()}_PROG_TYPE`;
    report.feature(`have_${name}_prog_type`, `eBPF program_type ${name}`, macro, available);
  }
  report.endSection();
  return found;
}

export async function probeMapTypes(report: Report, features: Features, ifindex: number): Promise<void> {
  report.section('map_types', 'Scanning eBPF map types...', '/*** eBPF map types ***/');
  for (const [type, name] of MAP_TYPE_NAMES.entries()) {
    if (type === 0 || (ifindex !== 0 && !OFFLOADED_MAPS.includes(name))) continue;
    const available = await features.mapType(type);
    const macro = `${name.toUpperCase()}_MAP_TYPE`;
    report.feature(`have_${name}_map_type`, `eBPF map_type ${name}`, macro, available);
  }
  report.endSection();
}

/** What /proc/PID/fdinfo says of a descriptor, line by line. */
import { toHex } from '../base/bytes.ts';
import { BtfObject } from './objects/btf.ts';
import { Link, linkTypeName } from './objects/link.ts';
import { LiveMap } from './objects/map.ts';
import type { KernelObject } from './objects/object.ts';
import { LoadedProg } from './objects/prog.ts';

export function fdInfo(object: KernelObject): Record<string, string> {
  if (object instanceof LoadedProg) return progLines(object);
  if (object instanceof LiveMap) return mapLines(object);
  if (object instanceof BtfObject) return { btf_id: String(object.id) };
  if (object instanceof Link) return linkLines(object);
  return {};
}

function progLines(prog: LoadedProg): Record<string, string> {
  return {
    prog_type: String(prog.type),
    prog_jited: prog.runnable.image.length > 0 ? '1' : '0',
    prog_tag: toHex(prog.facts.text.tag),
    memlock: String(prog.memoryUsage()),
    prog_id: String(prog.id),
    run_time_ns: String(prog.runTimeNs),
    run_cnt: String(prog.runCount),
    recursion_misses: String(prog.recursionMisses),
    verified_insns: String(prog.facts.verifiedInsns),
  };
}

function mapLines(map: LiveMap): Record<string, string> {
  const { def, owner } = map;
  return {
    map_type: String(def.type),
    key_size: String(def.keySize),
    value_size: String(def.valueSize),
    max_entries: String(def.maxEntries),
    map_flags: `0x${def.flags.toString(16)}`,
    map_extra: `0x${def.extra.toString(16)}`,
    memlock: String(map.map.memoryUsage()),
    map_id: String(map.id),
    frozen: map.frozen ? '1' : '0',
    ...(owner === undefined ? {} : { owner_prog_type: String(owner.type), owner_jited: '1' }),
  };
}

function linkLines(link: Link): Record<string, string> {
  return {
    link_type: linkTypeName(link.target.type),
    link_id: String(link.id),
    prog_tag: toHex(link.prog.facts.text.tag),
    prog_id: String(link.prog.id),
    ...link.target.fdInfo(link.attached),
  };
}

/** The members that a link's JSON has after its id and type. */
import type { LinkInfo } from '../../uapi/infos.ts';
import type { JsonWriter } from '../json-writer.ts';
import { ATTACH_TYPE_NAMES } from '../names.ts';
import { eventConfigName, eventTypeName } from './perf-names.ts';

/** What numbers are called. */
export interface Names {
  readonly devices: ReadonlyMap<number, string>;
}

const KPROBE_MULTI_RETURN = 1;

export function writeFacts(writer: JsonWriter, info: LinkInfo, names: Names): void {
  if (info.struct_ops) writer.field('map_id', info.struct_ops.map_id);
  else writer.field('prog_id', info.prog_id);

  const attachType = (type: number) => writer.field('attach_type', ATTACH_TYPE_NAMES[type] ?? type);
  const device = (ifindex: number) =>
    writer.field('devname', names.devices.get(ifindex) ?? '(unknown)').field('ifindex', ifindex);
  if (info.raw_tracepoint) {
    writer.field('tp_name', info.raw_tracepoint.tp_name).field('cookie', info.raw_tracepoint.cookie);
  } else if (info.tracing) {
    attachType(info.tracing.attach_type);
    writer.field('target_obj_id', info.tracing.target_obj_id).field('target_btf_id', info.tracing.target_btf_id);
    writer.field('cookie', info.tracing.cookie);
  } else if (info.cgroup) {
    writer.field('cgroup_id', info.cgroup.cgroup_id);
    attachType(info.cgroup.attach_type);
  } else if (info.iter) {
    const { target_name, ...target } = info.iter;
    writer.field('target_name', target_name);
    for (const [name, value] of Object.entries(target)) writer.field(name, value);
  } else if (info.netns) {
    writer.field('netns_ino', info.netns.netns_ino);
    attachType(info.netns.attach_type);
  } else if (info.netfilter) {
    writer.field('pf', info.netfilter.pf).field('hook', info.netfilter.hooknum);
    writer.field('prio', info.netfilter.priority).field('flags', info.netfilter.flags);
  } else if (info.xdp) {
    device(info.xdp.ifindex);
  } else if (info.tcx ?? info.netkit) {
    const at = (info.tcx ?? info.netkit)!;
    device(at.ifindex);
    attachType(at.attach_type);
  } else if (info.kprobe_multi) {
    writeKprobeMulti(writer, info.kprobe_multi);
  } else if (info.uprobe_multi) {
    writeUprobeMulti(writer, info.uprobe_multi);
  } else if (info.perf_event) {
    writePerfEvent(writer, info.perf_event);
  } else if (info.sockmap) {
    writer.field('map_id', info.sockmap.map_id);
    attachType(info.sockmap.attach_type);
  }
}

function writeKprobeMulti(writer: JsonWriter, multi: NonNullable<LinkInfo['kprobe_multi']>): void {
  writer.field('retprobe', (multi.flags & KPROBE_MULTI_RETURN) !== 0).field('func_cnt', multi.count);
  writer.field('missed', multi.missed).name('funcs').startArray();
  for (const [i, addr] of multi.addrs.entries()) {
    writer
      .startObject()
      .field('addr', addr)
      .field('cookie', multi.cookies[i] ?? 0n)
      .endObject();
  }
  writer.endArray();
}

function writeUprobeMulti(writer: JsonWriter, multi: NonNullable<LinkInfo['uprobe_multi']>): void {
  writer.field('retprobe', (multi.flags & KPROBE_MULTI_RETURN) !== 0).field('path', multi.path);
  writer.field('func_cnt', multi.count).field('pid', multi.pid).name('funcs').startArray();
  for (const [i, offset] of multi.offsets.entries()) {
    writer
      .startObject()
      .field('offset', offset)
      .field('ref_ctr_offset', multi.ref_ctr_offsets[i] ?? 0n);
    writer.field('cookie', multi.cookies[i] ?? 0n).endObject();
  }
  writer.endArray();
}

function writePerfEvent(writer: JsonWriter, event: NonNullable<LinkInfo['perf_event']>): void {
  switch (event.type) {
    case 'tracepoint':
      writer.field('tracepoint', event.tp_name).field('cookie', event.cookie);
      return;
    case 'kprobe':
    case 'kretprobe':
      writer
        .field('retprobe', event.type === 'kretprobe')
        .field('addr', event.addr)
        .field('func', event.func_name);
      writer.field('offset', event.offset).field('missed', event.missed).field('cookie', event.cookie);
      return;
    case 'uprobe':
    case 'uretprobe':
      writer.field('retprobe', event.type === 'uretprobe').field('file', event.file_name);
      writer.field('offset', event.offset).field('cookie', event.cookie);
      writer.field('ref_ctr_offset', event.ref_ctr_offset);
      return;
    case 'event':
      writer.field('event_type', eventTypeName(event.event_type) ?? event.event_type);
      writer.field('event_config', eventConfigName(event.event_type, event.config) ?? event.config);
      writer.field('cookie', event.cookie);
  }
}

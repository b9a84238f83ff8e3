/** What follows a link's id and type in its text. Fields end with two blanks, also the last of a line. */
import type { LinkInfo } from '../../uapi/infos.ts';
import { ATTACH_TYPE_NAMES } from '../names.ts';
import type { Names } from './facts-json.ts';
import { eventConfigName, eventTypeName } from './perf-names.ts';

const KPROBE_MULTI_RETURN = 1;
/** Protocol families and hooks of netfilter, by number. */
const FAMILIES: Readonly<Record<number, string>> = {
  1: 'inet',
  2: 'ip',
  3: 'arp',
  5: 'netdev',
  7: 'bridge',
  10: 'ip6',
};
const HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
const NF_IP_PRE_DEFRAG = 1;

export function plainFacts(info: LinkInfo, names: Names): string {
  if (info.struct_ops) return `map ${info.struct_ops.map_id}  `;
  return `prog ${info.prog_id}  ${placeOf(info, names)}`;
}

function placeOf(info: LinkInfo, names: Names): string {
  if (info.raw_tracepoint) {
    return `\n\ttp '${info.raw_tracepoint.tp_name}'  ${cookieText(info.raw_tracepoint.cookie)}`;
  }
  if (info.tracing) return tracing(info.tracing);
  if (info.cgroup) return `\n\tcgroup_id ${info.cgroup.cgroup_id}  ${attachType(info.cgroup.attach_type)}`;
  if (info.iter) {
    return Object.entries(info.iter)
      .map(([name, value]) => `${name} ${value}  `)
      .join('');
  }
  if (info.netns) return `\n\tnetns_ino ${info.netns.netns_ino}  ${attachType(info.netns.attach_type)}`;
  if (info.netfilter) return netfilterPlace(info.netfilter);
  if (info.xdp) return `\n\t${device(info.xdp.ifindex, names)}`;
  const at = info.tcx ?? info.netkit;
  if (at) return `\n\t${device(at.ifindex, names)}${attachType(at.attach_type)}`;
  if (info.kprobe_multi) return kprobeMulti(info.kprobe_multi);
  if (info.uprobe_multi) return uprobeMulti(info.uprobe_multi);
  if (info.perf_event) return `\n\t${perfEvent(info.perf_event)}`;
  if (info.sockmap) return `\n\tmap_id ${info.sockmap.map_id}  ${attachType(info.sockmap.attach_type)}`;
  return '';
}

function attachType(type: number): string {
  return `attach_type ${ATTACH_TYPE_NAMES[type] ?? type}  `;
}

function cookieText(cookie: bigint): string {
  return cookie === 0n ? '' : `cookie ${cookie}  `;
}

function device(ifindex: number, names: Names): string {
  if (ifindex === 0) return 'ifindex (detached)  ';
  const name = names.devices.get(ifindex);
  return `ifindex ${name === undefined ? ifindex : `${name}(${ifindex})`}  `;
}

function tracing(at: NonNullable<LinkInfo['tracing']>): string {
  const target =
    at.target_obj_id === 0 ? '' : `\n\ttarget_obj_id ${at.target_obj_id}  target_btf_id ${at.target_btf_id}  `;
  return `\n\t${attachType(at.attach_type)}${target}${cookieText(at.cookie)}`;
}

/** Family, hook and priority of a netfilter program, on a line of its own. */
export function netfilterPlace(at: NonNullable<LinkInfo['netfilter']>): string {
  const family = FAMILIES[at.pf] ?? `pf: ${at.pf}`;
  const hook = HOOKS[at.hooknum] ?? `hook ${at.hooknum}`;
  const defrag = (at.flags & NF_IP_PRE_DEFRAG) !== 0 ? ' flags 0x1' : '';
  return `\n\t${family} ${hook} prio ${at.priority}${defrag}`;
}

function kprobeMulti(multi: NonNullable<LinkInfo['kprobe_multi']>): string {
  const word = (multi.flags & KPROBE_MULTI_RETURN) !== 0 ? 'kretprobe.multi' : 'kprobe.multi';
  const missed = multi.missed === 0n ? '' : `missed ${multi.missed}  `;
  const rows = multi.addrs.map((addr, i) => `\n\t${hex16(addr)} ${(multi.cookies[i] ?? 0n).toString(16).padEnd(16)}`);
  return `\n\t${word}  func_cnt ${multi.count}  ${missed}\n\t${'addr'.padEnd(16)} ${'cookie'.padEnd(16)} func [module]${rows.join('')}`;
}

function uprobeMulti(multi: NonNullable<LinkInfo['uprobe_multi']>): string {
  const word = (multi.flags & KPROBE_MULTI_RETURN) !== 0 ? 'uretprobe.multi' : 'uprobe.multi';
  const pid = multi.pid === 0 ? '' : `pid ${multi.pid}  `;
  const heads = ['offset', 'ref_ctr_offset', 'cookies'].map((head) => head.padEnd(16)).join('   ');
  const rows = multi.offsets.map((offset, i) => {
    const cells = [offset, multi.ref_ctr_offsets[i] ?? 0n, multi.cookies[i] ?? 0n];
    return `\n\t${cells.map((cell) => `0x${cell.toString(16).padEnd(16)}`).join(' ')}`;
  });
  return `\n\t${word}  path ${multi.path}  func_cnt ${multi.count}  ${pid}\n\t${heads}${rows.join('')}`;
}

function hex16(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

function perfEvent(event: NonNullable<LinkInfo['perf_event']>): string {
  switch (event.type) {
    case 'tracepoint':
      return `tracepoint ${event.tp_name}  ${cookieText(event.cookie)}`;
    case 'kprobe':
    case 'kretprobe': {
      const addr = event.addr === 0n ? '' : `${event.addr.toString(16)} `;
      const offset = event.offset === 0 ? '' : `+0x${event.offset.toString(16)}`;
      const missed = event.missed === 0n ? '' : `missed ${event.missed}  `;
      return `${event.type} ${addr}${event.func_name}${offset}  ${missed}${cookieText(event.cookie)}`;
    }
    case 'uprobe':
    case 'uretprobe': {
      const counter = event.ref_ctr_offset === 0n ? '' : `(ref_ctr_offset 0x${event.ref_ctr_offset.toString(16)})  `;
      return `${event.type} ${event.file_name}+0x${event.offset.toString(16)}  ${counter}${cookieText(event.cookie)}`;
    }
    case 'event': {
      const type = eventTypeName(event.event_type);
      const config = eventConfigName(event.event_type, event.config) ?? event.config;
      return `event ${type ?? `${event.event_type} `}:${config}  ${cookieText(event.cookie)}`;
    }
  }
}

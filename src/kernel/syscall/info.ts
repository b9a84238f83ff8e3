/** BPF_OBJ_GET_INFO_BY_FD: what the kernel tells of an object. Arrays and texts come as far as room was asked for. */
import { view } from '../../base/bytes.ts';
import { EBADFD, EINVAL } from '../../base/errno.ts';
import { LAYOUTS } from '../../uapi/generated/layouts.ts';
import type { BtfInfo, Info, LinkInfo, MapInfo, ProgInfo } from '../../uapi/infos.ts';
import type { Client } from '../client.ts';
import type { BtfObject } from '../objects/btf.ts';
import type { Link } from '../objects/link.ts';
import type { LiveMap } from '../objects/map.ts';
import type { LoadedProg } from '../objects/prog.ts';
import type { Handler } from './handler.ts';

type Want = Readonly<Record<string, number>>;

/** Where the kernel's own functions and programs would lie, for tools that print addresses. */
const JIT_START = 0xffffffffc0000000n;
const SLOT_ROOM = 0x10000n;

const FUNC_INFO_SIZE = LAYOUTS.bpf_func_info.size;
const LINE_INFO_SIZE = LAYOUTS.bpf_line_info.size;
const TAG_SIZE = 8;

export const objGetInfoByFd: Handler<'OBJ_GET_INFO_BY_FD'> = (client, attr) => {
  const object = client.fds.get(attr.bpf_fd ?? 0)?.object;
  if (object === undefined) return -EBADFD;
  const of = attr.info?.of;
  const want = attr.info?.want ?? {};
  let info: Info;
  // A structure of another kind of object is taken for one with unknown fields set, or too small to say.
  if (object.kind === 'prog' && of === 'prog') info = progInfo(object as LoadedProg, want);
  else if (object.kind === 'map' && of === 'map') info = mapInfo(object as LiveMap);
  else if (object.kind === 'btf' && of === 'btf') info = btfInfo(client, object as BtfObject, want);
  else if (object.kind === 'link' && of === 'link') info = linkInfo(object as Link);
  else return -EINVAL;
  return { ret: 0, info };
};

function progInfo(prog: LoadedProg, want: Want): ProgInfo {
  const { facts, runnable } = prog;
  const functions = runnable.ranges.map((range, i) => ({ size: range.size, address: addressOf(prog, i) }));
  const lines = facts.lineInfo.length / LINE_INFO_SIZE;
  return {
    of: 'prog',
    type: facts.type,
    id: prog.id,
    tag: facts.text.tag,
    jited_prog_len: runnable.image.length,
    xlated_prog_len: facts.text.size,
    jited_prog_insns: cut(runnable.image, want['jited_prog_insns']),
    xlated_prog_insns: cut(facts.text.xlated, want['xlated_prog_insns']),
    load_time: facts.loadTime,
    created_by_uid: facts.uid,
    nr_map_ids: prog.maps.length,
    map_ids: prog.maps.slice(0, want['map_ids'] ?? 0).map((map) => map.id),
    name: facts.name,
    ifindex: 0,
    gpl_compatible: facts.gplCompatible,
    netns_dev: 0n,
    netns_ino: 0n,
    nr_jited_ksyms: functions.length,
    nr_jited_func_lens: functions.length,
    jited_ksyms: functions.slice(0, want['jited_ksyms'] ?? 0).map((f) => f.address),
    jited_func_lens: functions.slice(0, want['jited_func_lens'] ?? 0).map((f) => f.size),
    btf_id: prog.btf?.id ?? 0,
    func_info_rec_size: FUNC_INFO_SIZE,
    func_info: cut(facts.funcInfo, (want['func_info'] ?? 0) * FUNC_INFO_SIZE),
    nr_func_info: facts.funcInfo.length / FUNC_INFO_SIZE,
    nr_line_info: lines,
    line_info: cut(facts.lineInfo, (want['line_info'] ?? 0) * LINE_INFO_SIZE),
    // The WebAssembly of a line is not recorded: every line of a function points at where the function begins.
    jited_line_info: lineAddresses(prog).slice(0, want['jited_line_info'] ?? 0),
    nr_jited_line_info: lines,
    line_info_rec_size: LINE_INFO_SIZE,
    jited_line_info_rec_size: 8,
    nr_prog_tags: facts.text.subprogTags.length / TAG_SIZE,
    prog_tags: cut(facts.text.subprogTags, (want['prog_tags'] ?? 0) * TAG_SIZE),
    run_time_ns: prog.runTimeNs,
    run_cnt: prog.runCount,
    recursion_misses: prog.recursionMisses,
    verified_insns: facts.verifiedInsns,
    attach_btf_obj_id: facts.attachBtfId === 0 ? 0 : 1,
    attach_btf_id: facts.attachBtfId,
  };
}

function addressOf(prog: LoadedProg, subprog: number): bigint {
  return JIT_START + BigInt(prog.id) * SLOT_ROOM + BigInt(prog.runnable.ranges[subprog]?.offset ?? 0);
}

function lineAddresses(prog: LoadedProg): bigint[] {
  const { lineInfo, subprogStarts } = prog.facts;
  const records = view(lineInfo);
  return Array.from({ length: lineInfo.length / LINE_INFO_SIZE }, (_, i) => {
    const pc = records.getUint32(i * LINE_INFO_SIZE, true);
    return addressOf(
      prog,
      subprogStarts.findLastIndex((start) => start <= pc),
    );
  });
}

function mapInfo(map: LiveMap): MapInfo {
  const { def } = map;
  return {
    of: 'map',
    type: def.type,
    id: map.id,
    key_size: def.keySize,
    value_size: def.valueSize,
    max_entries: def.maxEntries,
    map_flags: def.flags,
    name: def.name,
    ifindex: 0,
    btf_vmlinux_value_type_id: 0,
    netns_dev: 0n,
    netns_ino: 0n,
    btf_id: map.btf?.object.id ?? 0,
    btf_key_type_id: map.btf?.keyTypeId ?? 0,
    btf_value_type_id: map.btf?.valueTypeId ?? 0,
    btf_vmlinux_id: 0,
    map_extra: def.extra,
  };
}

function btfInfo(client: Client, object: BtfObject, want: Want): BtfInfo {
  const bytes = object.isKernel ? client.core.kernelBtfBytes : object.btf.bytes;
  return {
    of: 'btf',
    btf_size: bytes.length,
    btf: cut(bytes, want['btf']),
    id: object.id,
    name: object.name,
    kernel_btf: object.isKernel,
  };
}

function linkInfo(link: Link): LinkInfo {
  const info: LinkInfo = { of: 'link', type: link.target.type, id: link.id, prog_id: link.prog.id };
  return Object.assign(info, link.target.describe(link.attached));
}

function cut(bytes: Uint8Array, room = 0): Uint8Array {
  return bytes.slice(0, room);
}

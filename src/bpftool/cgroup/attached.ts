/** The programs of one cgroup, and the rows that show them. */
import { view } from '../../base/bytes.ts';
import { EINVAL, ENOENT } from '../../base/errno.ts';
import { KernelTypes } from '../../client/index.ts';
import type { Bpf, Fd } from '../../sys/index.ts';
import { BPF_F_ALLOW_MULTI, BPF_F_ALLOW_OVERRIDE, BPF_F_QUERY_EFFECTIVE } from '../../uapi/flags.ts';
import { errnoIn } from '../failure.ts';
import type { JsonWriter } from '../json-writer.ts';
import { fullName } from '../prog/full-name.ts';
import { CGROUP_TYPES } from './types.ts';

export interface Attached {
  readonly id: number;
  readonly type: string;
  /** 'multi', 'override', ''; undefined where programs of cgroups above count too. */
  readonly flags: string | undefined;
  readonly name: string;
  /** The place in the kernel's types that an lsm_cgroup program is bound to. */
  readonly btf: { readonly name: string; readonly object: number; readonly id: number };
}

/** Asks for every type. Types that the kernel does not know have no programs. */
export async function attachedTo(bpf: Bpf, fd: Fd, effective: boolean): Promise<Attached[]> {
  const found: Attached[] = [];
  const types = new KernelTypes(bpf);
  for (const { id, name } of CGROUP_TYPES) {
    const answer = await query(bpf, fd, id, effective);
    if (!answer) continue;
    const ids = u32s(answer.prog_ids);
    const own = u32s(answer.prog_attach_flags);
    for (let i = 0; i < Math.min(ids.length, answer.prog_cnt ?? 0); i++) {
      const flags = effective ? undefined : flagsText(own[i] || (answer.attach_flags ?? 0));
      const described = await describe(bpf, types, ids[i]!);
      if (described) found.push({ type: name, flags, ...described });
    }
  }
  return found;
}

async function query(bpf: Bpf, fd: Fd, type: number, effective: boolean) {
  const query_flags = effective ? BPF_F_QUERY_EFFECTIVE : 0;
  try {
    return await bpf.progQuery({ target_fd: fd, attach_type: type, query_flags });
  } catch (error) {
    if (errnoIn(error) === EINVAL) return undefined;
    throw error;
  }
}

/** Undefined for a program that went away meanwhile. */
async function describe(bpf: Bpf, types: KernelTypes, id: number) {
  try {
    return await bpf.withFd(bpf.progById(id), async (fd) => {
      const info = await bpf.progInfo(fd);
      const { attach_btf_id, attach_btf_obj_id } = info;
      const place = attach_btf_id === 0 ? undefined : (await types.btf()).type(attach_btf_id);
      const btf = { name: place?.name ?? '', object: attach_btf_obj_id, id: attach_btf_id };
      return { id, name: await fullName(bpf, fd, info), btf };
    });
  } catch (error) {
    if (errnoIn(error) === ENOENT) return undefined;
    throw error;
  }
}

function flagsText(flags: number): string {
  switch (flags) {
    case BPF_F_ALLOW_MULTI:
      return 'multi';
    case BPF_F_ALLOW_OVERRIDE:
      return 'override';
    case 0:
      return '';
    default:
      return `unknown(${flags.toString(16)})`;
  }
}

function u32s(bytes: Uint8Array | undefined): number[] {
  if (!bytes) return [];
  const dv = view(bytes);
  return Array.from({ length: bytes.length >> 2 }, (_, i) => dv.getUint32(i * 4, true));
}

/** `ID       AttachType      AttachFlags     Name`. */
export function headerRow(effective: boolean): string {
  const columns = effective ? ['AttachType', 'Name'] : ['AttachType', 'AttachFlags', 'Name'];
  return `${'ID'.padEnd(8)} ${columns.map((name) => name.padEnd(15)).join(' ')}\n`;
}

export function plainRow(program: Attached, indent = ''): string {
  const { id, type, flags, name, btf } = program;
  const columns = [type, ...(flags === undefined ? [] : [flags]), name, btf.name];
  return `${indent}${`${id}`.padEnd(8)} ${columns.map((text) => text.padEnd(15)).join(' ')}\n`;
}

export function jsonRow(writer: JsonWriter, { id, type, flags, name, btf }: Attached): void {
  writer.startObject().field('id', id).field('attach_type', type);
  if (flags !== undefined) writer.field('attach_flags', flags);
  writer.field('name', name).field('attach_btf_name', btf.name);
  writer.field('attach_btf_obj_id', btf.object).field('attach_btf_id', btf.id).endObject();
}

/** bpftool net show [dev NAME]: XDP, tc and tcx programs of interfaces, the flow dissector, netfilter programs. */
import { view } from '../../base/bytes.ts';
import { EINVAL } from '../../base/errno.ts';
import { UnsupportedError } from '../../base/errors.ts';
import type { Bpf, NetInterface } from '../../sys/index.ts';
import {
  BPF_FLOW_DISSECTOR,
  BPF_NETKIT_PEER,
  BPF_NETKIT_PRIMARY,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
} from '../../uapi/generated/constants.ts';
import type { LinkInfo } from '../../uapi/infos.ts';
import { command } from '../command.ts';
import type { Context } from '../context.ts';
import { errnoIn, FAILED, ShowUsage } from '../failure.ts';
import { everyLink } from '../handles.ts';
import { netfilterPlace } from '../link/facts-plain.ts';
import { fullName } from '../prog/full-name.ts';
import { takeDevice } from './attach.ts';

/** A program at tcx or netkit; `linkId` 0 where no link holds it. */
interface Hooked {
  readonly device: NetInterface;
  readonly kind: string;
  readonly name: string;
  readonly progId: number;
  readonly linkId: number;
}

interface Shown {
  readonly devices: readonly NetInterface[];
  readonly hooked: readonly Hooked[];
  readonly dissectors: readonly number[];
  readonly netfilter: readonly LinkInfo[];
}

const KINDS: readonly (readonly [type: number, kind: string])[] = [
  [BPF_TCX_INGRESS, 'tcx/ingress'],
  [BPF_TCX_EGRESS, 'tcx/egress'],
  [BPF_NETKIT_PRIMARY, 'netkit/primary'],
  [BPF_NETKIT_PEER, 'netkit/peer'],
];

export const show = command<Shown>({
  async run(context, args) {
    if (args.left !== 0 && args.left !== 2) throw new ShowUsage();
    const only = args.left === 2 ? await takeDevice(context, args, FAILED) : undefined;
    const kernel = await context.kernel();
    const bpf = await context.bpf();
    const all = await kernel.net.query();
    const devices = all.filter(({ ifindex }) => only === undefined || ifindex === only);
    const hooked: Hooked[] = [];
    for (const device of devices) hooked.push(...(await hookedAt(bpf, device)));
    const links = await everyLink(context);
    const netfilter = links.map(({ info }) => info).filter((info) => info.netfilter);
    return { devices, hooked, dissectors: await flowDissectors(context, bpf), netfilter };
  },

  json: (writer, { devices, hooked, dissectors, netfilter }) => {
    writer.startArray().startObject();
    writer.name('xdp').startArray();
    for (const { name, ifindex, xdp } of devices) {
      for (const { mode, progId } of xdp) {
        writer.startObject().field('devname', name).field('ifindex', ifindex).field('mode', mode);
        writer.field('id', progId).endObject();
      }
    }
    writer.endArray().name('tc').startArray();
    for (const device of devices) {
      const start = (kind: string, name: string) =>
        writer
          .startObject()
          .field('devname', device.name)
          .field('ifindex', device.ifindex)
          .field('kind', kind)
          .field('name', name);
      for (const { kind, name, progId, linkId } of hooked.filter((one) => one.device === device)) {
        start(kind, name).field('prog_id', progId).list('prog_flags', []);
        writer.field('link_id', linkId).list('link_flags', []).endObject();
      }
      for (const filter of device.tc) {
        start(`clsact/${filter.direction}`, filter.name).field('id', filter.progId).endObject();
      }
    }
    writer.endArray().name('flow_dissector').startArray();
    for (const id of dissectors) writer.startObject().field('id', id).endObject();
    writer.endArray().name('netfilter').startArray();
    for (const { netfilter: at, prog_id } of netfilter) {
      writer.startObject().field('pf', at!.pf).field('hook', at!.hooknum).field('prio', at!.priority);
      writer.field('flags', at!.flags).field('id', prog_id).endObject();
    }
    writer.endArray().endObject().endArray();
  },

  plain: ({ devices, hooked, dissectors, netfilter }) => {
    const xdp: string[] = [];
    const tc: string[] = [];
    for (const device of devices) {
      const place = `${device.name}(${device.ifindex})`;
      for (const { mode, progId } of device.xdp) xdp.push(`${place} ${mode} id ${progId}\n`);
      for (const { kind, name, progId, linkId } of hooked.filter((one) => one.device === device)) {
        tc.push(`${place} ${kind} ${name} prog_id ${progId} ${linkId === 0 ? '' : `link_id ${linkId} `}\n`);
      }
      for (const { direction, name, progId } of device.tc) {
        tc.push(`${place} clsact/${direction} ${name} id ${progId}\n`);
      }
    }
    const dissected = dissectors.map((id) => `id ${id}`).join('');
    const filtered = netfilter.map((info) => `${netfilterPlace(info.netfilter!)} prog_id ${info.prog_id} `).join('');
    return `xdp:\n${xdp.join('')}\ntc:\n${tc.join('')}\nflow_dissector:\n${dissected}\nnetfilter:\n${filtered}\n`;
  },
});

async function hookedAt(bpf: Bpf, device: NetInterface): Promise<Hooked[]> {
  const found: Hooked[] = [];
  for (const [attach_type, kind] of KINDS) {
    const answer = await orNothing(bpf.progQuery({ target_fd: device.ifindex, attach_type }));
    if (!answer?.prog_ids || !answer.prog_cnt) continue;
    const ids = view(answer.prog_ids);
    const links = answer.link_ids && view(answer.link_ids);
    for (let i = 0; i < answer.prog_cnt; i++) {
      const progId = ids.getUint32(i * 4, true);
      const name = await bpf.withFd(bpf.progById(progId), async (fd) => fullName(bpf, fd, await bpf.progInfo(fd)));
      found.push({ device, kind, name, progId, linkId: links?.getUint32(i * 4, true) ?? 0 });
    }
  }
  return found;
}

/** Of the network namespace that the client is in. */
async function flowDissectors(context: Context, bpf: Bpf): Promise<number[]> {
  const kernel = await context.kernel();
  try {
    const netns = kernel.openNetns();
    const query = (target_fd: number) => bpf.progQuery({ target_fd, attach_type: BPF_FLOW_DISSECTOR });
    const answer = await orNothing(bpf.withFd(netns, query));
    const ids = answer?.prog_ids && view(answer.prog_ids);
    return ids ? Array.from({ length: answer?.prog_cnt ?? 0 }, (_, i) => ids.getUint32(i * 4, true)) : [];
  } catch (error) {
    if (error instanceof UnsupportedError) return []; // a kernel without network namespaces has none
    throw error;
  }
}

/** Undefined where a kernel or a device does not have the hook. */
async function orNothing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (errnoIn(error) === EINVAL) return undefined;
    throw error;
  }
}

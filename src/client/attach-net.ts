/** Attaching to the network: devices, namespaces, netfilter, sockets and the maps that hold sockets. */
import { Bpf } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { link, linkOr } from './attach-link.ts';
import { AttachError, type AttachOptions } from './attach-options.ts';
import { among } from './attach-order.ts';
import { Attachment, type BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

export async function xdp(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { attachType } = program.origin;
  if (attachType === C.BPF_XDP_DEVMAP || attachType === C.BPF_XDP_CPUMAP) {
    throw new AttachError(program, 'it runs for the elements of a map: write its descriptor into their values');
  }
  const { kernel, fd } = program;
  const device = await deviceOf(program, options);
  const where = { target_fd: device, attach_type: C.BPF_XDP, flags: options.flags ?? 0 };
  return linkOr(program, where, async () => {
    await kernel.net.attachXdp(device, fd, { replace: false });
    // Whoever came after us stays.
    return new Attachment(kernel, 'an XDP program of this kernel', () =>
      kernel.net.detachXdp(device, { expected: fd }),
    );
  });
}

export async function trafficControl(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const said = program.origin.attachType;
  const netkit = said === C.BPF_NETKIT_PRIMARY || said === C.BPF_NETKIT_PEER;
  const egress = options.direction ? options.direction === 'egress' : said === C.BPF_TCX_EGRESS;
  const device = await deviceOf(program, options);
  if (netkit) return link(program, { target_fd: device, attach_type: said, ...among('netkit', options) });
  const attach_type = egress ? C.BPF_TCX_EGRESS : C.BPF_TCX_INGRESS;
  return linkOr(program, { target_fd: device, attach_type, ...among('tcx', options) }, async () => {
    const { kernel, fd, name } = program;
    const filter = await kernel.net.attachTc(device, fd, { direction: egress ? 'egress' : 'ingress', name });
    return new Attachment(kernel, 'a filter of tc', () => kernel.net.detachTc(filter));
  });
}

export function namespace(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const bpf = new Bpf(program.kernel);
  return bpf.withFd(program.kernel.openNetns(options.netns), (target) =>
    link(program, { target_fd: target, attach_type: program.origin.attachType, flags: options.flags ?? 0 }),
  );
}

export async function netfilter(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const at = options.netfilter;
  if (!at) {
    throw new AttachError(program, `say where, as attach({ netfilter: { family: 2, hook: 1, priority: -128 } })`);
  }
  return link(program, {
    attach_type: C.BPF_NETFILTER,
    netfilter_pf: at.family,
    netfilter_hooknum: at.hook,
    netfilter_priority: at.priority,
    netfilter_flags: at.flags ?? 0,
  });
}

/** sk_msg and sk_skb programs work for the sockets of a map. */
export async function socketMap(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { map } = options;
  const { type, attachType } = program.origin;
  if (type === C.BPF_PROG_TYPE_SK_SKB && attachType === 0) {
    throw new AttachError(program, 'say when it runs: SEC("sk_skb/verdict"), stream_verdict or stream_parser');
  }
  if (!map) throw new AttachError(program, 'say for which sockets, as attach({ map: collection.map(…) })', 'map');
  const place = { target_fd: map.fd, attach_type: attachType };
  return linkOr(program, { ...place, flags: options.flags ?? 0 }, () => attachOld(program, place, 0));
}

/** PROG_ATTACH, and PROG_DETACH when the attachment is closed; `close` ends what was opened for it. */
export async function attachOld(
  program: BpfProgram,
  place: { target_fd: number; attach_type: number },
  attach_flags: number,
  close: () => Promise<void> = async () => {},
): Promise<BpfLink> {
  const bpf = new Bpf(program.kernel);
  const attr = { ...place, attach_bpf_fd: program.fd };
  await bpf.progAttach({ ...attr, attach_flags });
  return new Attachment(program.kernel, 'what is attached without a link', async () => {
    await bpf.progDetach(attr);
    await close();
  });
}

export async function socketFilter(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { kernel } = program;
  const socket = socketOf(program, options);
  await kernel.sockets.attachFilter(socket, program.fd);
  return new Attachment(kernel, "a socket's program", () => kernel.sockets.detachFilter(socket));
}

export async function reusePort(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { kernel } = program;
  const socket = socketOf(program, options);
  await kernel.sockets.attachReuseport(socket, program.fd);
  return new Attachment(kernel, "a socket's program", () => kernel.sockets.detachReuseport(socket));
}

function socketOf(program: BpfProgram, { socket }: AttachOptions): number {
  if (socket !== undefined) return socket;
  throw new AttachError(program, 'say which socket, as attach({ socket: fd })', 'socket');
}

async function deviceOf(program: BpfProgram, { device }: AttachOptions): Promise<number> {
  if (typeof device === 'number') return device;
  const devices = await program.kernel.netDevices();
  if (device === undefined) {
    throw new AttachError(program, `say which device, as attach({ device: '${devices[0]?.name ?? 'lo'}' })`, 'device');
  }
  const found = devices.find(({ name }) => name === device);
  if (found) return found.ifindex;
  const known = devices.map(({ name }) => name).join(', ') || 'none';
  throw new AttachError(program, `there is no device '${device}' (there are: ${known})`);
}

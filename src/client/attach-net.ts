/** Attaching to the network: devices, namespaces, netfilter, sockets and the maps that hold sockets. */
import { Bpf } from '../sys/index.ts';
import * as C from '../uapi/generated/constants.ts';
import { link } from './attach-link.ts';
import { AttachError, type AttachOptions } from './attach-options.ts';
import { Attachment, type BpfLink } from './link.ts';
import type { BpfProgram } from './program.ts';

export async function xdp(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const { attachType } = program.origin;
  if (attachType === C.BPF_XDP_DEVMAP || attachType === C.BPF_XDP_CPUMAP) {
    throw new AttachError(program, 'it runs for the elements of a map: write its descriptor into their values');
  }
  const target_fd = await deviceOf(program, options);
  return link(program, { target_fd, attach_type: C.BPF_XDP, flags: options.flags ?? 0 });
}

export async function trafficControl(program: BpfProgram, options: AttachOptions): Promise<BpfLink> {
  const said = program.origin.attachType;
  const netkit = said === C.BPF_NETKIT_PRIMARY || said === C.BPF_NETKIT_PEER;
  const egress = options.direction ? options.direction === 'egress' : said === C.BPF_TCX_EGRESS;
  return link(program, {
    target_fd: await deviceOf(program, options),
    attach_type: netkit ? said : egress ? C.BPF_TCX_EGRESS : C.BPF_TCX_INGRESS,
    flags: options.flags ?? 0,
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
  if (!map) throw new AttachError(program, 'say for which sockets, as attach({ map: collection.map(…) })', 'map');
  return link(program, { target_fd: map.fd, attach_type: program.origin.attachType, flags: options.flags ?? 0 });
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

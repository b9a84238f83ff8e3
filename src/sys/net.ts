/**
 * What network programs need beside bpf(2): rtnetlink for XDP and tc without links, socket options for filters.
 *
 * Interfaces are those of the network namespace that the client is in. Links (LINK_CREATE of xdp, tcx, netkit) are the
 * better way where the kernel has them: these stay until somebody takes them away.
 */
import type { Fd } from './kernel.ts';

/** Where an XDP program runs: in the network stack (any device), in the driver, or on the card. */
export type XdpMode = 'generic' | 'driver' | 'offload';
export type TcDirection = 'ingress' | 'egress';

export interface NetAttach {
  /** Every interface, by index, with the programs that rtnetlink knows of. */
  query(): Promise<NetInterface[]>;
  /**
   * Puts an XDP program on an interface. Without `mode` the driver's, where it has one. `replace: false` is EBUSY where
   * a program is there; `expected` replaces that very program only, EEXIST otherwise. ENODEV, EOPNOTSUPP (no driver mode).
   */
  attachXdp(ifindex: number, progFd: Fd, options?: XdpOptions): Promise<void>;
  /** Takes the program away. Nothing there is no error. */
  detachXdp(ifindex: number, options?: Pick<XdpOptions, 'mode' | 'expected'>): Promise<void>;
  /** Adds a bpf filter to an interface, with the clsact qdisc that it hangs on where that is missing. */
  attachTc(ifindex: number, progFd: Fd, options: TcOptions): Promise<TcFilter>;
  /** Removes a filter; ENOENT. The qdisc stays: others may use it. */
  detachTc(filter: Pick<TcFilter, 'ifindex' | 'direction' | 'priority' | 'handle'>): Promise<void>;
  /** Removes the clsact qdisc of an interface with every filter on it; ENOENT, EINVAL where there is none. */
  removeClsact(ifindex: number): Promise<void>;
}

export interface XdpOptions {
  mode?: XdpMode;
  replace?: boolean;
  expected?: Fd;
}

export interface TcOptions {
  direction: TcDirection;
  /** The filter's name as tc shows it. */
  name?: string;
  /** 1 is asked first; 0 or absent: the kernel chooses. */
  priority?: number;
  /** Absent: the kernel chooses. */
  handle?: number;
  /** Replaces the filter of the same priority and handle. */
  replace?: boolean;
}

export interface NetInterface {
  ifindex: number;
  name: string;
  /** 'veth', 'bridge'…; '' for what has no kind: a card, the loopback. */
  kind: string;
  up: boolean;
  xdp: { mode: XdpMode; progId: number }[];
  /** bpf filters on clsact, ingress before egress, in the order they are asked. */
  tc: TcFilter[];
}

export interface TcFilter {
  ifindex: number;
  direction: TcDirection;
  priority: number;
  handle: number;
  name: string;
  progId: number;
  /** The program's answer is the verdict itself. */
  directAction: boolean;
}

/** Sockets that programs attach to. Any descriptor of this process will do: one of Node's, too. */
export interface Sockets {
  /** A packet socket that sees every packet of an interface, or of all (0). Closed with `closeFd`. */
  openPacket(ifindex?: number): Promise<Fd>;
  /** The packets waiting in a socket of `openPacket`, each as far as the filter lets it; none where none wait. */
  receive(socketFd: Fd): Promise<Uint8Array[]>;
  /** SO_ATTACH_BPF: a socket filter decides how much of each packet the socket gets. */
  attachFilter(socketFd: Fd, progFd: Fd): Promise<void>;
  /** SO_DETACH_BPF; ENOENT where there is no filter. */
  detachFilter(socketFd: Fd): Promise<void>;
  /** SO_ATTACH_REUSEPORT_EBPF: a program chooses among the sockets that share a port. */
  attachReuseport(socketFd: Fd, progFd: Fd): Promise<void>;
  /** SO_DETACH_REUSEPORT_BPF; ENOENT where there is none. */
  detachReuseport(socketFd: Fd): Promise<void>;
}

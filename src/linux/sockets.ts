/** Sockets that programs attach to: socket(7) SO_ATTACH_BPF and its like, and packet(7) sockets to look through. */
import { view } from '../base/bytes.ts';
import { EAGAIN, EPERM } from '../base/errno.ts';
import { BpfError } from '../base/errors.ts';
import type { System } from '../native/index.ts';
import type { Fd, Sockets } from '../sys/index.ts';

const AF_PACKET = 17;
/** SOCK_RAW, with SOCK_NONBLOCK and SOCK_CLOEXEC: the same numbers on x86-64 and arm64. */
const RAW = 3 | 0o4000 | 0o2000000;
const ETH_P_ALL_BE = 0x0300;
const SOL_SOCKET = 1;
const SO_DETACH_FILTER = 27;
const SO_ATTACH_BPF = 50;
const SO_ATTACH_REUSEPORT_EBPF = 52;
const SO_DETACH_REUSEPORT_BPF = 68;
/** The largest packet, with what segmentation offload leaves together. */
const LARGEST_PACKET = 1 << 16;
/** Packets that one call answers at most. */
const BATCH = 256;

/** `opened` is told of every new descriptor. */
export function linuxSockets(system: System, opened: (fd: Fd) => void): Sockets {
  function set(what: string, fd: Fd, option: number, value: number): void {
    const bytes = new Uint8Array(4);
    view(bytes).setInt32(0, value, true);
    const r = system.call('setsockopt', fd, SOL_SOCKET, option, system.addressOf(bytes), bytes.length);
    if (r < 0) throw new BpfError(what, r, -r === EPERM ? 'the socket keeps its filter (SO_LOCK_FILTER)' : undefined);
  }
  return {
    async openPacket(ifindex = 0) {
      const fd = system.call('socket', AF_PACKET, RAW, ETH_P_ALL_BE);
      if (fd < 0) throw new BpfError('socket', fd, -fd === EPERM ? 'a packet socket takes CAP_NET_RAW' : undefined);
      // struct sockaddr_ll: family:16 protocol:16 ifindex:32, the rest is for sending.
      const address = new Uint8Array(20);
      const dv = view(address);
      dv.setUint16(0, AF_PACKET, true);
      dv.setUint16(2, ETH_P_ALL_BE, true);
      dv.setInt32(4, ifindex, true);
      const bound = system.call('bind', fd, system.addressOf(address), address.length);
      if (bound < 0) {
        system.call('close', fd);
        throw new BpfError('bind', bound, `interface ${ifindex}`);
      }
      opened(fd);
      return fd;
    },
    async receive(fd) {
      const packets: Uint8Array[] = [];
      const buffer = new Uint8Array(LARGEST_PACKET);
      const at = system.addressOf(buffer);
      while (packets.length < BATCH) {
        const size = system.call('recvfrom', fd, at, buffer.length, 0, 0, 0);
        if (size === -EAGAIN) break;
        if (size < 0) throw new BpfError('recvfrom', size);
        packets.push(buffer.slice(0, size));
      }
      return packets;
    },
    attachFilter: async (fd, progFd) => set('SO_ATTACH_BPF', fd, SO_ATTACH_BPF, progFd),
    detachFilter: async (fd) => set('SO_DETACH_BPF', fd, SO_DETACH_FILTER, 0),
    attachReuseport: async (fd, progFd) => set('SO_ATTACH_REUSEPORT_EBPF', fd, SO_ATTACH_REUSEPORT_EBPF, progFd),
    detachReuseport: async (fd) => set('SO_DETACH_REUSEPORT_BPF', fd, SO_DETACH_REUSEPORT_BPF, 0),
  };
}

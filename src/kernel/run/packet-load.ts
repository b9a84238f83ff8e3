/**
 * BPF_LD_ABS and BPF_LD_IND: loads from the packet that classic BPF had and socket filters still use.
 *
 * Offsets count from the packet as the program sees it; negative ones from its network header or its link-layer header.
 * Values come in host order. Past the end the program ends with 0: the engine does that when the high half is not 0.
 */
import type { Addr, Memory } from '../../base/memory.ts';
import type { Packet } from '../../helpers/index.ts';
import type { Callable } from '../../vm/index.ts';
import type { Execution } from './execution.ts';

/** SKF_NET_OFF and SKF_LL_OFF of <linux/filter.h>. */
const NETWORK_HEADER = -0x100000;
const LINK_HEADER = -0x200000;
const MAC_HEADER_SIZE = 14;

export function packetLoad(execution: Execution): Callable {
  const { mem } = execution;
  return {
    name: 'packet load',
    args: 'iii',
    ret: 'u64',
    call: (_ctx, offset, size) => {
      const { packet } = execution.run;
      const at = packet === null ? 0 : addressOf(packet, offset!);
      if (packet === null || at < packet.start || at + size! > packet.dataEnd) {
        execution.retHi = 1;
        return 0;
      }
      execution.retHi = 0;
      return bigEndian(mem, at, size!);
    },
  };
}

function addressOf(packet: Packet, offset: number): Addr {
  const link = packet.macHeader ?? packet.data;
  if (offset >= 0) return packet.data + offset;
  if (offset >= NETWORK_HEADER) return (packet.networkHeader ?? link + MAC_HEADER_SIZE) + (offset - NETWORK_HEADER);
  return offset >= LINK_HEADER ? link + (offset - LINK_HEADER) : 0;
}

function bigEndian(mem: Memory, at: Addr, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = (value << 8) | mem.u8(at + i);
  return value;
}

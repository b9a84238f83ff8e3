/**
 * Helpers that send records through a BPF_MAP_TYPE_PERF_EVENT_ARRAY.
 *
 * The low 32 bits of flags are the slot, BPF_F_CURRENT_CPU the one of this CPU. Programs that have a packet may ask in
 * bits 32 to 51 for that many bytes of it after their data.
 */
import { concat } from '../base/bytes.ts';
import { EFAULT, EINVAL } from '../base/errno.ts';
import type { Helper } from './helper.ts';

/** BPF_F_CURRENT_CPU: BTF has it as a 64-bit enumerator, of which the low half counts. */
const CURRENT_CPU = 0xffff_ffff;
/** The high half of BPF_F_CTXLEN_MASK. */
const PACKET_LENGTH_MASK = 0xfffff;

const output: Helper = {
  args: 'iiLiL',
  ret: 'int',
  bind: (env) => (_ctx, mapAddr, slot, packetLength, data, size, sizeHi) => {
    const { packet } = env.run;
    const wanted = packetLength! >>> 0;
    if (sizeHi !== 0 || (packet === null ? wanted !== 0 : (wanted & ~PACKET_LENGTH_MASK) !== 0)) return -EINVAL;
    const record = [env.mem.read(data! >>> 0, size! >>> 0)];
    if (packet !== null && wanted > 0) {
      if (wanted > packet.dataEnd - packet.data) return -EFAULT;
      record.push(env.mem.read(packet.data, wanted));
    }
    const index = slot! >>> 0 === CURRENT_CPU ? env.currentCpu() : slot! >>> 0;
    return env.perfOutput(env.mapAt(mapAddr! >>> 0), index, concat(record));
  },
};

export const perf_event_output: Helper = output;
/** For programs whose first argument is a kernel structure rather than their context: what is sent is the same. */
export const skb_output: Helper = output;
export const xdp_output: Helper = output;

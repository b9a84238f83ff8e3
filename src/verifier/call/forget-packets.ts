import type { Env } from '../env.ts';
import { eachReg } from '../state/each.ts';
import { isPacket, PKT_END, PKT_SLICE } from '../state/types.ts';

/** Packet data may have moved. */
export function forgetPackets(env: Env): void {
  eachReg(env.cur, (reg) => {
    if (isPacket(reg.type) || reg.type === PKT_END || reg.type & PKT_SLICE) env.invalidate(reg);
  });
}

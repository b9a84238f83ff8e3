/**
 * A packet pointer was compared with the end of the packet (or metadata with its data): in one branch so many bytes
 * are proven to be there. Linux: try_match_pkt_pointers(), find_good_pkt_pointers().
 */
import { BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT } from '../../isa/index.ts';
import { flipped } from '../domain/compare.ts';
import { eachReg } from '../state/each.ts';
import { Reg } from '../state/reg.ts';
import type { StateBase } from '../state/state.ts';
import { PKT, PKT_END, PKT_META } from '../state/types.ts';

const MAX_PACKET_OFF = 0xffff;
const AT_END = -1;
const BEYOND_END = -2;

export const isPacketAny = (type: number): boolean => type === PKT || type === PKT_META || type === PKT_END;

/** Whether the comparison of `a` and `b` is settled by an earlier one: 1, 0 or -1. */
export function isPacketTaken(op: number, a: Reg, b: Reg): -1 | 0 | 1 {
  let pkt = a;
  if (b.type !== PKT_END) {
    if (a.type !== PKT_END) return -1;
    pkt = b;
    op = flipped(op);
  }
  const { range } = pkt;
  if (range >= 0) return -1;
  if (op === BPF_JLE || op === BPF_JGT) {
    if (range === BEYOND_END) return op === BPF_JGT ? 1 : 0;
  } else if (op === BPF_JLT || op === BPF_JGE) {
    return op === BPF_JGE ? 1 : 0;
  }
  return -1;
}

/** `taken` and `other` are the states where the jump is and is not taken. False where the comparison is of another kind. */
export function learnPacketRange(op: number, dst: number, src: number, other: StateBase, taken: StateBase): boolean {
  const a = new Reg(other.frame.lanes, dst);
  const b = new Reg(other.frame.lanes, src);
  // Reading `a op b` as a comparison of a pointer with an end.
  if (isPair(a, b)) return learn(op, a, dst, other, taken);
  if (isPair(b, a)) return learn(flipped(op), b, src, other, taken);
  return false;
}

function isPair(pkt: Reg, end: Reg): boolean {
  if (pkt.type === PKT && end.type === PKT_END) return true;
  return pkt.type === PKT_META && end.type === PKT && end.isVarZero && end.off === 0 && end.id === 0;
}

function learn(op: number, pkt: Reg, r: number, other: StateBase, taken: StateBase): boolean {
  const wanted = { type: pkt.type, id: pkt.id, off: pkt.off, umax: pkt.umax };
  switch (op) {
    case BPF_JGT:
      extend(other, wanted, false);
      markEnd(taken, r, BEYOND_END);
      return true;
    case BPF_JLT:
      extend(taken, wanted, true);
      markEnd(other, r, AT_END);
      return true;
    case BPF_JGE:
      extend(other, wanted, true);
      markEnd(taken, r, AT_END);
      return true;
    case BPF_JLE:
      extend(taken, wanted, false);
      markEnd(other, r, BEYOND_END);
      return true;
    default:
      return false;
  }
}

/** Every pointer with the same variable part reaches as far; `open`: one byte more, the pointer is below the end. */
function extend(state: StateBase, pkt: { type: number; id: number; off: number; umax: bigint }, open: boolean): void {
  if (pkt.off < 0 || (pkt.off === 0 && open)) return;
  if (pkt.umax > MAX_PACKET_OFF || pkt.umax + BigInt(pkt.off) > MAX_PACKET_OFF) return;
  const range = pkt.off + (open ? 1 : 0);
  eachReg(state, (reg) => {
    if (reg.type === pkt.type && reg.id === pkt.id && range > reg.range) reg.range = range;
  });
}

function markEnd(state: StateBase, r: number, range: number): void {
  const reg = new Reg(state.frame.lanes, r);
  if (reg.type === PKT) reg.range = range;
}

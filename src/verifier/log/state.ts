/**
 * A state as Linux prints it: ` R1=ctx() R10=fp0 fp-8=mmmmmmmm refs=2 cb`.
 */
import type { VerifierMap } from '../program.ts';
import type { Frame } from '../state/frame.ts';
import { KIND_LANES, REGS } from '../state/layout.ts';
import { Reg } from '../state/reg.ts';
import { REF_PTR, type StateBase } from '../state/state.ts';
import {
  ARENA,
  BTF_PTR,
  DYNPTR,
  isPacket,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MEM,
  NON_OWN_REF,
  NOT_INIT,
  PTR_STACK,
  SCALAR,
  SLOT_DYNPTR,
  SLOT_INVALID,
  SLOT_ITER,
  SLOT_SPILL,
  typeName,
} from '../state/types.ts';

/** Marks in `id` of a scalar that is another linked one plus a constant, added in 32 or in 64 bits. */
export const ADD_CONST32 = 1 << 30;
export const ADD_CONST64 = 1 << 29;
export const ADD_CONST = ADD_CONST32 | ADD_CONST64;

/** What printing needs to know about objects behind numbers. */
export interface PrintContext {
  readonly maps: readonly VerifierMap[];
  /** Those that the program refers to. */
  readonly usedMaps: readonly VerifierMap[];
  btfTypeName(btf: number, id: number): string;
  iterName(btf: number, id: number): string;
}

const KIND_CHARS = ['?', 'r', 'm', '0', 'd', 'i', 'f'];
const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U64_MAX = (1n << 64n) - 1n;

const hex = (x: bigint) => `0x${BigInt.asUintN(64, x).toString(16)}`;
/** Numbers of 16 bits are decimal, larger ones hexadecimal. */
const unum = (x: bigint): string => (x <= 0xffffn ? x.toString() : hex(x));
const snum = (x: bigint): string => (x >= -0x8000n && x <= 0x7fffn ? x.toString() : hex(x));

export const tnumText = (value: bigint, mask: bigint): string =>
  mask === 0n ? unum(value) : `(${hex(value)}; ${hex(mask)})`;

const DYNPTR_NAMES: Record<number, string> = {
  0: '?',
  1: 'local',
  2: 'ringbuf',
  3: 'skb',
  4: 'xdp',
  5: 'skb_meta',
  6: 'file',
};
const dynptrName = (kind: number): string => DYNPTR_NAMES[kind] ?? '?';

const ITER_STATES = ['?', 'active', 'drained'];

/** One register of a frame whose number is `frameno`. */
function regText(ctx: PrintContext, frameno: number, r: Reg): string {
  const t = r.type;
  let out = '';
  if (t === SCALAR) {
    if (r.precise) out += 'P';
    if (r.isConst) return out + snum(BigInt.asIntN(64, r.value));
  }
  out += t === SCALAR ? 'scalar' : typeName(t);
  if (t === ARENA) return out;
  if (t === PTR_STACK) {
    if (r.frameno !== frameno) out += `[${r.frameno}]`;
    if (r.isConst) return out + snum(BigInt.asIntN(64, r.value + BigInt(r.off)));
  }
  if (r.base === BTF_PTR) out += ctx.btfTypeName(r.aux2, r.aux);
  const parts: string[] = [];
  if (r.id) parts.push(`id=${r.id & ~ADD_CONST}${r.id & ADD_CONST ? (r.off < 0 ? `${r.off}` : `+${r.off}`) : ''}`);
  if (r.refId) parts.push(`ref_obj_id=${r.refId}`);
  if (t & NON_OWN_REF) parts.push('non_own_ref');
  const b = r.base;
  if (b === MAP_PTR || b === MAP_VALUE || b === MAP_KEY) {
    const map = ctx.maps[r.aux]!;
    // Of what maps of maps hold only the measures are known.
    if (map.name && ctx.usedMaps[r.aux] === map) parts.push(`map=${map.name}`);
    parts.push(`ks=${map.keySize},vs=${map.valueSize}`);
  }
  if (t !== SCALAR && r.off) parts.push(`off=${snum(BigInt(r.off))}`);
  if (isPacket(t)) parts.push(`r=${unum(BigInt.asUintN(64, BigInt(r.range)))}`);
  if (b === MEM) parts.push(`sz=${unum(BigInt(r.aux >>> 0))}`);
  if (b === DYNPTR) parts.push(`type=${dynptrName(r.aux)}`);
  if (r.isConst) {
    if (r.value !== 0n) parts.push(`imm=${snum(BigInt.asIntN(64, r.value))}`);
  } else {
    scalarRanges(r, parts);
    if (r.mask !== U64_MAX) parts.push(`var_off=${tnumText(r.value, r.mask)}`);
  }
  return `${out}(${parts.join(',')})`;
}

/** Small ones are read as decimals, with their sign; others are hexadecimal, where a sign would only mislead. */
const signed32 = (x: number): bigint => BigInt(x >= -0x8000 && x <= 0x7fff ? x : x >>> 0);

/** Ranges that say something; equal ones share a number: `smin=smin32=0`. */
function scalarRanges(r: Reg, parts: string[]): void {
  const names = ['smin', 'smax', 'umin', 'umax', 'smin32', 'smax32', 'umin32', 'umax32'];
  const values = [
    r.smin,
    r.smax,
    r.umin,
    r.umax,
    signed32(r.s32min),
    signed32(r.s32max),
    BigInt(r.u32min),
    BigInt(r.u32max),
  ];
  const said = [
    values[0] === S64_MIN,
    values[1] === S64_MAX,
    values[2] === 0n,
    values[3] === U64_MAX,
    r.s32min === -0x8000_0000,
    r.s32max === 0x7fff_ffff,
    values[6] === 0n,
    values[7] === 0xffff_ffffn,
  ];
  for (let k = 0; k < 8; k++) {
    if (said[k]) continue;
    let label = `${names[k]}=`;
    const value = values[k]!;
    for (let j = k + 2; j < 8; j += 2) {
      if (said[j] || values[j] !== value) continue;
      said[j] = true;
      label += `${names[j]}=`;
    }
    parts.push(label + (names[k]![0] === 's' ? snum(value) : unum(value)));
  }
}

/** The registers and slots of one frame. `regs` and `slots` say which to print; null: all. */
export function stateText(
  ctx: PrintContext,
  state: StateBase,
  frameno: number,
  regs: number | null,
  slots: { lo: number; hi: number } | null,
): string {
  const frame = state.frames[frameno]!;
  let out = frameno > 0 ? ` frame${frameno}:` : '';
  const reg = new Reg(frame.lanes, 0);
  for (let r = 0; r < REGS; r++) {
    reg.point(frame.lanes, r);
    if (reg.type === NOT_INIT) continue;
    if (regs !== null && !(regs & (1 << r))) continue;
    out += ` R${r}=${regText(ctx, frame.frameno, reg)}`;
  }
  for (let n = 0; n < frame.slots; n++) out += slotText(ctx, frame, n, slots, reg);
  if (state.refs.length > 0 && state.refs[0]!.id !== 0) {
    out += ` refs=${state.refs
      .filter((ref) => ref.id !== 0 && (ref.kind & REF_PTR || ref.kind !== 0))
      .map((ref) => ref.id)
      .join(',')}`;
  }
  if (frame.inCallback) out += ' cb';
  if (frame.inAsyncCallback) out += ' async_cb';
  return `${out}\n`;
}

function slotText(
  ctx: PrintContext,
  frame: Frame,
  n: number,
  slots: { lo: number; hi: number } | null,
  reg: Reg,
): string {
  const at = frame.kindsAt + n * KIND_LANES;
  if (frame.lanes.i[at] === SLOT_INVALID && frame.lanes.i[at + 1] === SLOT_INVALID) return '';
  const wanted = slots === null || ((n < 32 ? slots.lo >>> n : slots.hi >>> (n - 32)) & 1) !== 0;
  if (!wanted) return '';
  const where = `fp${-(n + 1) * 8}`;
  reg.point(frame.lanes, REGS + n);
  switch (frame.kind(n, 7)) {
    case SLOT_SPILL: {
      let chars = '';
      for (let b = 0; b < 8 && frame.kind(n, b) !== SLOT_SPILL; b++) chars += KIND_CHARS[frame.kind(n, b)];
      return ` ${where}=${chars}${regText(ctx, frame.frameno, reg)}`;
    }
    case SLOT_DYNPTR: {
      // Two slots; the one at the lower address is the first.
      if (!reg.aux2) return '';
      const parts: string[] = [];
      if (reg.id) parts.push(`id=${reg.id}`);
      if (reg.refId) parts.push(`ref_id=${reg.refId}`);
      // The mark of a first slot, under the name of what else lies there.
      parts.push(`dynptr_id=${reg.aux2}`);
      return ` ${where}=dynptr_${dynptrName(reg.aux)}(${parts.join(',')})`;
    }
    case SLOT_ITER: {
      if (!reg.refId) return '';
      const name = ctx.iterName(reg.aux2, reg.aux);
      return ` ${where}=iter_${name}(ref_id=${reg.refId},state=${ITER_STATES[reg.aux3 & 3]},depth=${reg.aux3 >> 2})`;
    }
    default: {
      let chars = '';
      for (let b = 0; b < 8; b++) chars += KIND_CHARS[frame.kind(n, b)];
      return ` ${where}=${chars}`;
    }
  }
}

/**
 * Helpers for internet checksums: the ones' complement sum of 16-bit words (RFC 1071), and replacing words under one.
 *
 * A sum does not care about byte order as long as words are read as they stand, so everything is little-endian here.
 */
import { EACCES, EFAULT, EINVAL, ENOTSUPP } from '../base/errno.ts';
import type { Addr, Memory } from '../base/memory.ts';
import {
  BPF_CSUM_LEVEL_QUERY,
  BPF_CSUM_LEVEL_RESET,
  BPF_F_HDR_FIELD_MASK,
  BPF_F_IPV6,
  BPF_F_MARK_ENFORCE,
  BPF_F_MARK_MANGLED_0,
  BPF_F_PSEUDO_HDR,
} from '../uapi/generated/constants.ts';
import type { Helper, HelperEnv } from './helper.ts';

/** Adds carries back until 16 bits are left. */
function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return folded;
}

function sumOf(mem: Memory, addr: Addr, size: number): number {
  let sum = 0;
  for (let at = 0; at + 1 < size; at += 2) sum += mem.u16(addr + at);
  if (size % 2 !== 0) sum += mem.u8(addr + size - 1);
  return fold(sum);
}

/** The two words of 32 bits. */
function sumOf32(value: number): number {
  return (value & 0xffff) + (value >>> 16);
}

function negate(sum: number): number {
  return ~sum & 0xffff;
}

/** seed + sum of `to` - sum of `from`, folded. */
export const csum_diff: Helper = {
  args: 'iiiii',
  ret: 'int',
  bind: (env) => (from, fromSize, to, toSize, seed) => {
    const removed = sumOf(env.mem, from! >>> 0, fromSize! >>> 0);
    // Two zeros, 0 and 0xffff: which of them comes out depends on what is negated.
    if (toSize === 0 && fromSize !== 0) return negate(fold(removed + sumOf32(~seed!)));
    const added = fold(sumOf(env.mem, to! >>> 0, toSize! >>> 0) + sumOf32(seed!));
    return fromSize === 0 ? added : fold(added + negate(removed));
  },
};

/** Only packets whose whole checksum a device computed have one to update, and none does here. */
export const csum_update: Helper = { args: 'ii', ret: 'int', bind: () => () => -ENOTSUPP };

/** No packet has been checked by a device: there is no level to tell or to change. */
export const csum_level: Helper = {
  args: 'iL',
  ret: 'int',
  bind: () => (_ctx, level, levelHi) => {
    if (levelHi !== 0 || level! < BPF_CSUM_LEVEL_QUERY || level! > BPF_CSUM_LEVEL_RESET) return -EINVAL;
    return level === BPF_CSUM_LEVEL_QUERY ? -EACCES : 0;
  },
};

/** The address of the checksum at `offset` in the packet, or -EFAULT. */
function checksumAt(env: HelperEnv, offset: number): Addr | number {
  const { packet } = env.run;
  const at = offset >>> 0;
  if (packet === null || at > 0xffff || (at & 1) !== 0 || packet.data + at + 2 > packet.dataEnd) return -EFAULT;
  return packet.data + at;
}

/** `sum` (a stored checksum) with `from` replaced by `to`, words of `size` bytes; size 0: `to` is a difference. */
function replace(sum: number, from: number, to: number, size: number): number | null {
  switch (size) {
    case 0:
      return from === 0 ? negate(fold(negate(sum) + sumOf32(to))) : null;
    case 2:
      return negate(fold(negate(sum) + negate(from & 0xffff) + (to & 0xffff)));
    case 4:
      return negate(fold(negate(sum) + negate(fold(sumOf32(from))) + sumOf32(to)));
    default:
      return null;
  }
}

export const l3_csum_replace: Helper = {
  args: 'iiLLL',
  ret: 'int',
  bind: (env) => (_ctx, offset, from, _fromHi, to, _toHi, flags, flagsHi) => {
    if (flagsHi !== 0 || (flags! & ~BPF_F_HDR_FIELD_MASK) !== 0) return -EINVAL;
    const at = checksumAt(env, offset!);
    if (at < 0) return at;
    const sum = replace(env.mem.u16(at), from!, to!, flags! & BPF_F_HDR_FIELD_MASK);
    if (sum === null) return -EINVAL;
    env.mem.setU16(at, sum);
    return 0;
  },
};

const L4_FLAGS = BPF_F_MARK_MANGLED_0 | BPF_F_MARK_ENFORCE | BPF_F_PSEUDO_HDR | BPF_F_HDR_FIELD_MASK | BPF_F_IPV6;

/** As above for TCP and UDP, where a checksum of 0 may mean that there is none. */
export const l4_csum_replace: Helper = {
  args: 'iiLLL',
  ret: 'int',
  bind: (env) => (_ctx, offset, from, _fromHi, to, _toHi, flags, flagsHi) => {
    if (flagsHi !== 0 || (flags! & ~L4_FLAGS) !== 0) return -EINVAL;
    const at = checksumAt(env, offset!);
    if (at < 0) return at;
    const zeroMeansNone = (flags! & BPF_F_MARK_MANGLED_0) !== 0;
    const old = env.mem.u16(at);
    if (zeroMeansNone && old === 0 && (flags! & BPF_F_MARK_ENFORCE) === 0) return 0;
    const sum = replace(old, from!, to!, flags! & BPF_F_HDR_FIELD_MASK);
    if (sum === null) return -EINVAL;
    env.mem.setU16(at, zeroMeansNone && sum === 0 ? 0xffff : sum);
    return 0;
  },
};

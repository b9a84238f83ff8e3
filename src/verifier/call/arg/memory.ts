/**
 * Memory that a helper reads or writes. Linux: check_helper_mem_access(), check_mem_size_reg().
 */

import * as c from '../../../uapi/generated/constants.ts';
import type { Env } from '../../env.ts';
import { accessMemory } from '../../pointer/index.ts';
import { checkMapFlags, checkMapValue } from '../../pointer/map-value.ts';
import { checkPacket } from '../../pointer/packet.ts';
import { checkBuffer, checkRegion } from '../../pointer/region.ts';
import { checkStackInitialized } from '../../pointer/stack.ts';
import {
  BTF_PTR,
  BUF,
  MAP_KEY,
  MAP_VALUE,
  MEM,
  PKT,
  PKT_META,
  PTR_CTX,
  PTR_STACK,
  RDONLY,
  typeName,
} from '../../state/types.ts';
import type { CallMeta } from '../meta.ts';

const MAX_SIZE = 1n << 29n;

/** Contexts that are what they look like, not translated: their last byte is read, or written, as the program would. */
const PLAIN_CONTEXTS = new Set<number>([
  c.BPF_PROG_TYPE_SYSCALL,
  c.BPF_PROG_TYPE_KPROBE,
  c.BPF_PROG_TYPE_TRACEPOINT,
  c.BPF_PROG_TYPE_RAW_TRACEPOINT,
  c.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  c.BPF_PROG_TYPE_TRACING,
  c.BPF_PROG_TYPE_LSM,
  c.BPF_PROG_TYPE_STRUCT_OPS,
  c.BPF_PROG_TYPE_CGROUP_DEVICE,
  c.BPF_PROG_TYPE_NETFILTER,
  c.BPF_PROG_TYPE_LIRC_MODE2,
]);

/** `size` bytes behind r(regno). `meta.raw` memory is left to be marked written after all arguments are checked. */
export function checkHelperMemory(
  env: Env,
  regno: number,
  size: number,
  write: boolean,
  zeroAllowed: boolean,
  meta: CallMeta | null,
): void {
  const reg = env.reg(regno);
  const { off } = reg;
  switch (reg.base) {
    case PKT:
    case PKT_META:
      checkPacket(env, reg, regno, off, size, zeroAllowed);
      return;
    case MAP_KEY:
      if (write) env.reject('EACCES', `R${regno} cannot write into ${typeName(reg.type)}`);
      checkRegion(env, reg, regno, off, size, env.maps[reg.aux]!.keySize, false);
      return;
    case MAP_VALUE:
      checkMapFlags(env, reg, off, size, write);
      checkMapValue(env, reg, regno, off, size, zeroAllowed, false);
      return;
    case MEM:
      if (write && reg.type & RDONLY) env.reject('EACCES', `R${regno} cannot write into ${typeName(reg.type)}`);
      checkRegion(env, reg, regno, off, size, reg.aux >>> 0, zeroAllowed);
      return;
    case BUF:
      if (write && reg.type & RDONLY) env.reject('EACCES', `R${regno} cannot write into ${typeName(reg.type)}`);
      checkBuffer(env, reg, regno, reg.type & RDONLY ? 'rdonly' : 'rdwr', off, size);
      return;
    case PTR_STACK: {
      const raw = meta?.raw === true;
      if (checkStackInitialized(env, reg, regno, off, size, zeroAllowed, write, raw)) {
        meta!.rawRegno = regno;
        meta!.rawSize = size;
      }
      return;
    }
    case BTF_PTR:
      accessMemory(env, regno, 0, size, false, -1);
      return;
    case PTR_CTX:
      if (PLAIN_CONTEXTS.has(env.input.progType)) {
        if (size === 0) {
          if (!zeroAllowed) env.reject('EACCES', '');
          return;
        }
        accessMemory(env, regno, size - 1, 1, write, -1);
        return;
      }
      break;
    default:
      break;
  }
  if (zeroAllowed && size === 0 && reg.isNull) return;
  env.reject('EACCES', `R${regno} type=${typeName(reg.type)} expected=fp`);
}

/** r(regno) is the size of the memory behind the register before it. */
export function checkSize(env: Env, regno: number, write: boolean, zeroAllowed: boolean, meta: CallMeta): void {
  const reg = env.reg(regno);
  meta.maxSize = reg.umax;
  if (reg.smin < 0n) {
    env.reject('EACCES', `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  }
  if (reg.umin === 0n && !zeroAllowed) {
    env.reject('EACCES', `R${regno} invalid zero-sized read: u64=[${reg.umin},${reg.umax}]`);
  }
  if (reg.umax >= MAX_SIZE) {
    env.reject('EACCES', `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
  // Of a size that varies, some bytes may stay unwritten: they must be there before.
  checkHelperMemory(env, regno - 1, Number(reg.umax), write, zeroAllowed, reg.isConst ? meta : null);
  env.walk.precision.markReg(regno);
}

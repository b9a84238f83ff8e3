/**
 * Every load and store through a register: alignment, then the rule of the pointer's type. Linux: check_mem_access().
 */
import { signExtend64, truncate } from '../domain/bounds.ts';
import type { Env } from '../env.ts';
import { tnumText } from '../log/state.ts';
import type { Reg } from '../state/reg.ts';
import {
  ARENA,
  type BaseType,
  BTF_PTR,
  BUF,
  DYNPTR,
  FLOW_KEYS,
  FUNC,
  MAP_KEY,
  MAP_PTR,
  MAP_VALUE,
  MAYBE_NULL,
  MEM,
  NOT_INIT,
  PKT,
  PKT_END,
  PKT_META,
  PTR_CTX,
  PTR_STACK,
  SCALAR,
  SOCK_COMMON,
  SOCKET,
  TCP_SOCK,
  TP_BUFFER,
  typeName,
  XDP_SOCK,
} from '../state/types.ts';
import { btfPointer } from './btf-id.ts';
import { ctx } from './ctx.ts';
import { mapPointer } from './map-ptr.ts';
import { mapKey, mapValue } from './map-value.ts';
import { arena, buffer, flowKeys, mem, tracepointBuffer } from './mem.ts';
import { packet } from './packet.ts';
import type { PointerRule } from './rule.ts';
import { sock } from './sock.ts';
import { stack } from './stack.ts';

/** What cannot be dereferenced. */
const nothing: PointerRule = {
  access(env, ptr, a) {
    env.reject('EACCES', `R${a.regno} invalid mem access '${typeName(ptr.type)}'`);
  },
};

const RULES: Record<BaseType, PointerRule> = {
  [NOT_INIT]: nothing,
  [SCALAR]: nothing,
  [PTR_CTX]: ctx,
  [MAP_PTR]: mapPointer,
  [MAP_VALUE]: mapValue,
  [MAP_KEY]: mapKey,
  [PTR_STACK]: stack,
  [PKT_META]: packet,
  [PKT]: packet,
  [PKT_END]: nothing,
  [FLOW_KEYS]: flowKeys,
  [SOCKET]: { ...sock, word: 'sock ' },
  [SOCK_COMMON]: { ...sock, word: 'sock_common ' },
  [TCP_SOCK]: { ...sock, word: 'tcp_sock ' },
  [TP_BUFFER]: tracepointBuffer,
  [XDP_SOCK]: { ...sock, word: 'xdp_sock ' },
  [BTF_PTR]: btfPointer,
  [MEM]: mem,
  [ARENA]: arena,
  [BUF]: buffer,
  [FUNC]: nothing,
  [DYNPTR]: nothing,
};

/** Types whose rule speaks for pointers that may be NULL, too. */
const NULL_OK = (t: BaseType): boolean => t === MEM || t === BUF;

/** `off` is the instruction's own offset. `strict`: alignment matters whatever the program's flags say. */
export function accessMemory(
  env: Env,
  regno: number,
  off: number,
  size: number,
  write: boolean,
  valueRegno: number,
  strict = false,
  signExtend = false,
): void {
  const ptr = env.reg(regno);
  checkAlignment(env, ptr, off, size, strict);
  const b = ptr.base;
  const rule = ptr.type & MAYBE_NULL && !NULL_OK(b) ? nothing : RULES[b];
  const { access } = env;
  access.regno = regno;
  access.off = off + ptr.off;
  access.size = size;
  access.write = write;
  access.valueRegno = valueRegno;
  access.signExtend = signExtend;
  rule.access(env, ptr, access);
  if (write || valueRegno < 0 || size === 8) return;
  const to = env.reg(valueRegno);
  if (!to.isScalar) return;
  if (signExtend) signExtend64(to, size);
  else truncate(to, size);
}

/** Packets start so that the IP header after an Ethernet header is aligned. */
const IP_ALIGN = 2;

/** Whether `size` bytes at `off` of the pointer lie at a multiple of their size, where that matters. */
export function checkAlignment(env: Env, ptr: Reg, off: number, size: number, strict: boolean): void {
  const { type } = ptr;
  if (type === ARENA) return;
  if (type === PTR_STACK || env.strictAlignment) strict = true;
  if (!strict || size === 1) return;
  const isPkt = type === PKT || type === PKT_META;
  // Of the sum's low bits none may be set or unknown.
  const low = ptr.i[ptr.at + 2]! | (ptr.low + ptr.off + off + (isPkt ? IP_ALIGN : 0));
  if ((low & (size - 1)) === 0) return;
  const { varOff } = ptr;
  if (isPkt) {
    env.reject(
      'EACCES',
      `misaligned packet access off ${IP_ALIGN}+${tnumText(varOff.value, varOff.mask)}+${ptr.off}+${off} size ${size}`,
    );
  }
  const word = type & MAYBE_NULL ? '' : (RULES[ptr.base].word ?? '');
  env.reject(
    'EACCES',
    `misaligned ${word}access off ${tnumText(varOff.value, varOff.mask)}+${ptr.off}+${off} size ${size}`,
  );
}

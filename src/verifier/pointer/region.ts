/**
 * Access to a region of known size through a pointer with a variable offset: both ends must fit.
 */
import type { Env } from '../env.ts';
import { tnumText } from '../log/state.ts';
import type { Reg } from '../state/reg.ts';
import { MAP_KEY, MAP_VALUE, PKT, PKT_END, PKT_META, typeName } from '../state/types.ts';

const MAX_VAR_OFF = 1n << 29n;
const S64_MIN = -(1n << 63n);

/** `regionSize` bytes are there. Rejects with EACCES. */
export function checkRegion(
  env: Env,
  ptr: Reg,
  regno: number,
  off: number,
  size: number,
  regionSize: number,
  zeroAllowed: boolean,
): void {
  // The common case without a bigint: small offsets, and the access fits at both ends.
  if (ptr.isSmallOffset && off >= 0 && (size > 0 || (size === 0 && zeroAllowed))) {
    if (ptr.i[ptr.at + 4]! + off + size <= regionSize && ptr.i[ptr.at + 10]! + off + size <= regionSize) return;
  }
  const { smin } = ptr;
  const lowest = smin + BigInt(off);
  if (smin < 0n && (smin === S64_MIN || lowest !== BigInt.asIntN(32, lowest) || lowest < 0n)) {
    env.reject('EACCES', `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`);
  }
  if (!fits(env, ptr, regno, Number(BigInt.asIntN(32, lowest)), size, regionSize, zeroAllowed)) {
    env.reject('EACCES', `R${regno} min value is outside of the allowed memory range`);
  }
  if (ptr.umax >= MAX_VAR_OFF) {
    env.reject('EACCES', `R${regno} unbounded memory access, make sure to bounds check any such access`);
  }
  if (!fits(env, ptr, regno, Number(ptr.umax) + off, size, regionSize, zeroAllowed)) {
    env.reject('EACCES', `R${regno} max value is outside of the allowed memory range`);
  }
}

/** Whether `size` bytes at `off` are inside; where not, says so. */
export function fits(
  env: Env,
  ptr: Reg,
  regno: number,
  off: number,
  size: number,
  regionSize: number,
  zeroAllowed: boolean,
): boolean {
  const sizeOk = size > 0 || (size === 0 && zeroAllowed);
  if (off >= 0 && sizeOk && off + size <= regionSize) return true;
  switch (ptr.type) {
    case MAP_KEY:
      env.write(`invalid access to map key, key_size=${regionSize} off=${off} size=${size}\n`);
      break;
    case MAP_VALUE:
      env.write(`invalid access to map value, value_size=${regionSize} off=${off} size=${size}\n`);
      break;
    case PKT:
    case PKT_META:
    case PKT_END:
      env.write(
        `invalid access to packet, off=${off} size=${size}, R${regno}(id=${ptr.id},off=${off},r=${regionSize})\n`,
      );
      break;
    default:
      env.write(`invalid access to memory, mem_size=${regionSize} off=${off} size=${size}\n`);
  }
  return false;
}

/** Pointers that may only be used as they were given: no offset added, except a fixed one where `fixedOk`. */
export function checkUnmodified(env: Env, ptr: Reg, regno: number, fixedOk = false): void {
  if (ptr.off === 0 && ptr.isVarZero) return;
  const name = typeName(ptr.type);
  if (ptr.off < 0) env.reject('EACCES', `negative offset ${name} ptr R${regno} off=${ptr.off} disallowed`);
  if (!fixedOk && ptr.off !== 0) {
    env.reject('EACCES', `dereference of modified ${name} ptr R${regno} off=${ptr.off} disallowed`);
  }
  if (!ptr.isVarZero) {
    env.reject('EACCES', `variable ${name} access var_off=${tnumText(ptr.value, ptr.mask)} disallowed`);
  }
}

/** A buffer whose size is checked when it is attached: only constant offsets from its start. */
export function checkBuffer(
  env: Env,
  ptr: Reg,
  regno: number,
  name: keyof Env['bufferAccess'],
  off: number,
  size: number,
): void {
  if (off < 0) env.reject('EACCES', `R${regno} invalid ${name} buffer access: off=${off}, size=${size}`);
  if (!ptr.isVarZero) {
    env.reject(
      'EACCES',
      `R${regno} invalid variable buffer offset: off=${off}, var_off=${tnumText(ptr.value, ptr.mask)}`,
    );
  }
  const end = off + Number(ptr.value) + size;
  if (end > env.bufferAccess[name]) env.bufferAccess[name] = end;
}

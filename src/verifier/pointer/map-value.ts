/**
 * PTR_TO_MAP_VALUE and PTR_TO_MAP_KEY: into a map's value or key. Fields that the kernel keeps (locks, timers,
 * kernel pointers) are out of reach of plain loads and stores; a frozen read-only array reads as constants.
 */
import { view } from '../../base/bytes.ts';
import { BPF_F_RDONLY_PROG, BPF_F_WRONLY_PROG } from '../../uapi/generated/constants.ts';
import type { Env } from '../env.ts';
import type { Reg } from '../state/reg.ts';
import { checkFields, fieldAt } from '../structure/map-record.ts';
import { kptrAccess } from './kptr.ts';
import { checkRegion } from './region.ts';
import { answerUnknown, checkNoLeak, type PointerRule } from './rule.ts';

export const mapValue: PointerRule = {
  word: 'value ',
  access(env, ptr, a) {
    checkNoLeak(env, a, 'map');
    checkMapFlags(env, ptr, a.off, a.size, a.write);
    checkMapValue(env, ptr, a.regno, a.off, a.size, false, true);
    const map = env.maps[ptr.aux]!;
    const at = ptr.isConst ? a.off + Number(BigInt.asIntN(32, ptr.value)) : -1;
    const field = at >= 0 ? fieldAt(env, ptr.aux, at) : undefined;
    if (field?.isKptr) {
      kptrAccess(env, ptr, a, field);
      return;
    }
    if (a.write || a.valueRegno < 0) return;
    const contents = at >= 0 && map.frozen && map.flags & BPF_F_RDONLY_PROG ? env.mapConstants(ptr.aux) : undefined;
    if (!contents) {
      answerUnknown(env, a);
      return;
    }
    env.reg(a.valueRegno).markKnown(readConstant(contents, at, a.size, a.signExtend));
  },
};

export const mapKey: PointerRule = {
  word: 'key ',
  access(env, ptr, a) {
    if (a.write) env.reject('EACCES', `write to change key R${a.regno} not allowed`);
    checkRegion(env, ptr, a.regno, a.off, a.size, env.maps[ptr.aux]!.keySize, false);
    answerUnknown(env, a);
  },
};

/** What the map's flags let programs do. */
export function checkMapFlags(env: Env, ptr: Reg, off: number, size: number, write: boolean): void {
  const map = env.maps[ptr.aux]!;
  const access = write ? 'write into' : 'read from';
  const refused = write ? map.flags & BPF_F_RDONLY_PROG : map.flags & BPF_F_WRONLY_PROG;
  if (refused) {
    env.reject('EACCES', `${access} map forbidden, value_size=${map.valueSize} off=${off} size=${size}`);
  }
}

/** `direct`: by a load or store; else by a helper. */
export function checkMapValue(
  env: Env,
  ptr: Reg,
  regno: number,
  off: number,
  size: number,
  zeroAllowed: boolean,
  direct: boolean,
): void {
  checkRegion(env, ptr, regno, off, size, env.maps[ptr.aux]!.valueSize, zeroAllowed);
  checkFields(env, ptr, off, size, direct);
}

function readConstant(contents: Uint8Array, at: number, size: number, signExtend: boolean): bigint {
  const dv = view(contents);
  const raw =
    size === 8
      ? dv.getBigUint64(at, true)
      : BigInt(size === 4 ? dv.getUint32(at, true) : size === 2 ? dv.getUint16(at, true) : dv.getUint8(at));
  return signExtend ? BigInt.asUintN(64, BigInt.asIntN(size * 8, raw)) : raw;
}

/**
 * Before the walk: reserved fields of loads, unknown opcodes, and 64-bit immediates that stand for maps and variables.
 * Linux: resolve_pseudo_ldimm64().
 */
import {
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  classOf,
  isKnownOpcode,
  LD_IMM64,
  modeOf,
} from '../../isa/index.ts';
import * as c from '../../uapi/generated/constants.ts';
import { checkMapForProgram } from '../call/map-compat.ts';
import type { Env } from '../env.ts';
import type { VerifierMap } from '../program.ts';
import { checkKernelVariable } from './kernel-variable.ts';

const MAX_USED_MAPS = 64;
const MAX_VAR_OFF = 1 << 29;

export function resolveImmediates(env: Env): void {
  const { insns } = env;
  for (let pc = 0; pc < insns.length; pc++) {
    const code = insns.code[pc]!;
    if (classOf(code) === BPF_LDX) {
      const mode = modeOf(code);
      if ((mode !== BPF_MEM && mode !== BPF_MEMSX) || insns.imm[pc] !== 0) {
        env.reject('EINVAL', 'BPF_LDX uses reserved fields');
      }
    }
    if (code === LD_IMM64) {
      resolve(env, pc);
      pc++;
    } else if (!isKnownOpcode(code)) {
      env.reject('EINVAL', `unknown opcode ${code.toString(16).padStart(2, '0')}`);
    }
  }
}

function resolve(env: Env, pc: number): void {
  const { insns, aux } = env;
  const next = pc + 1;
  if (next >= insns.length || insns.code[next] || insns.dst[next] || insns.src[next] || insns.off[next]) {
    env.reject('EINVAL', 'invalid bpf_ld_imm64 insn');
  }
  const src = insns.src[pc]!;
  if (src === 0 || src === BPF_PSEUDO_FUNC) return;
  if (src === BPF_PSEUDO_BTF_ID) {
    checkKernelVariable(env, pc);
    return;
  }
  const isValue = src === BPF_PSEUDO_MAP_VALUE || src === BPF_PSEUDO_MAP_IDX_VALUE;
  const isIndex = src === BPF_PSEUDO_MAP_IDX || src === BPF_PSEUDO_MAP_IDX_VALUE;
  if (!isValue && !((src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_IDX) && insns.imm[next] === 0)) {
    env.reject('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  }
  let fd = insns.imm[pc]!;
  if (isIndex) {
    const { fdArray } = env.input;
    if (!fdArray) env.reject('EPROTO', 'fd_idx without fd_array is invalid');
    if (fdArray[fd] === undefined) env.reject('EFAULT', '');
    fd = fdArray[fd]!;
  }
  const index = useMap(env, fd);
  aux.mapIndex[pc] = index + 1;
  if (!isValue) return;
  const map = env.usedMaps[index]!;
  const off = insns.imm[next]! >>> 0;
  if (off >= MAX_VAR_OFF) env.reject('EINVAL', `direct value offset of ${off} is not allowed`);
  checkDirectValue(env, map, off);
  aux.mapOff[pc] = off;
}

function checkDirectValue(env: Env, map: VerifierMap, off: number): void {
  const invalid = `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`;
  switch (map.type) {
    case c.BPF_MAP_TYPE_ARRAY:
      if (map.maxEntries !== 1) env.reject('ENOTSUPP', invalid);
      if (off >= map.valueSize) env.reject('EINVAL', invalid);
      return;
    case c.BPF_MAP_TYPE_ARENA:
      if (off >= map.maxEntries * 4096) env.reject('EINVAL', invalid);
      return;
    default:
      env.reject('EINVAL', 'no direct value access support for this map type');
  }
}

/** Index of the map behind a descriptor among those that the program uses. */
function useMap(env: Env, fd: number): number {
  const map = env.input.mapByFd(fd);
  if (!map) env.reject(env.fdError(fd), `fd ${fd} is not pointing to valid bpf_map`);
  const known = env.usedMaps.findIndex((m) => m.id === map.id);
  if (known >= 0) return known;
  checkMapForProgram(env, map);
  if (env.usedMaps.length >= MAX_USED_MAPS) {
    env.reject('E2BIG', `The total number of maps per program has reached the limit of ${MAX_USED_MAPS}`);
  }
  if (map.type === c.BPF_MAP_TYPE_ARENA) {
    if (env.arena) env.reject('EBUSY', 'Only one arena per program');
    if (map.userAddress === 0n) {
      env.reject('EINVAL', "arena's user address must be set via map_extra or mmap()");
    }
    env.arena = map;
  }
  env.usedMaps.push(map);
  env.maps.push(map);
  return env.usedMaps.length - 1;
}

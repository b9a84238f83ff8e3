/**
 * The verifier leaves map references as indexes into the program's maps. To run they become addresses, to show ids.
 */
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, type Insns } from '../../isa/index.ts';
import { ArenaMap } from '../../maps/index.ts';
import type { LiveMap } from '../objects/map.ts';

/** BPF_LD | BPF_IMM | BPF_DW */
export const LD_IMM64 = 0x18;

/** Puts addresses in place of indexes: plain 64-bit constants for the engine. */
export function resolveToAddresses(insns: Insns, maps: readonly LiveMap[]): void {
  eachReference(insns, (pc) => {
    const { map } = maps[insns.imm[pc]!]!;
    const isValue = insns.src[pc] === BPF_PSEUDO_MAP_VALUE;
    const address = !isValue ? map.addr : map instanceof ArenaMap ? map.userAddress : map.valueBase;
    const at = BigInt(address) + BigInt(isValue ? insns.imm[pc + 1]! >>> 0 : 0);
    insns.imm[pc] = Number(BigInt.asIntN(32, at));
    insns.imm[pc + 1] = Number(BigInt.asIntN(32, at >> 32n));
    insns.src[pc] = 0;
  });
}

/** Puts ids in place of indexes: what `dump xlated` shows. */
export function resolveToIds(insns: Insns, maps: readonly LiveMap[]): void {
  eachReference(insns, (pc) => {
    insns.imm[pc] = maps[insns.imm[pc]!]!.id;
    if (insns.src[pc] === BPF_PSEUDO_MAP_FD) insns.imm[pc + 1] = 0;
  });
}

function eachReference(insns: Insns, visit: (pc: number) => void): void {
  for (let pc = 0; pc + 1 < insns.length; pc++) {
    if (insns.code[pc] !== LD_IMM64) continue;
    const src = insns.src[pc];
    if (src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_VALUE) visit(pc);
    pc++;
  }
}

/**
 * A program's tag: what it is called by, wherever it is loaded. The first 8 bytes of the SHA-256 of its instructions,
 * with map references taken out, since descriptors differ from load to load. (Until 6.17 Linux took SHA-1.)
 */
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, decode, encode } from '../../isa/index.ts';
import { BPF_TAG_SIZE } from '../../uapi/flags.ts';
import { LD_IMM64 } from './map-references.ts';
import { sha256 } from './sha256.ts';

export function programTag(bytecode: Uint8Array): Uint8Array {
  const insns = decode(bytecode);
  for (let pc = 0; pc + 1 < insns.length; pc++) {
    if (insns.code[pc] !== LD_IMM64) continue;
    const src = insns.src[pc];
    if (src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_VALUE) {
      insns.imm[pc] = 0;
      insns.imm[pc + 1] = 0;
    }
    pc++;
  }
  return sha256(encode(insns)).slice(0, BPF_TAG_SIZE);
}

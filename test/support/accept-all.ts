/**
 * A verifier that believes everything, for tests of what stands around the real one: it only does what the kernel needs
 * to run a program, which is to find its maps and its functions.
 */
import { BPF_PSEUDO_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, decode, encode } from '../../src/isa/index.ts';
import type { VerifierInput, VerifierMap, VerifierResult } from '../../src/verifier/index.ts';

const LD_IMM64 = 0x18;
const CALL = 0x85;

export function acceptAll(input: VerifierInput): VerifierResult {
  const insns = decode(input.insns);
  const usedMaps: VerifierMap[] = [];
  const starts = new Set([0]);
  for (let pc = 0; pc < insns.length; pc++) {
    const src = insns.src[pc];
    if (insns.code[pc] === CALL && src === BPF_PSEUDO_CALL) starts.add(pc + 1 + insns.imm[pc]!);
    if (insns.code[pc] !== LD_IMM64) continue;
    if (src === BPF_PSEUDO_MAP_FD || src === BPF_PSEUDO_MAP_VALUE) {
      const map = input.mapByFd(insns.imm[pc]!);
      if (map === undefined) return refused('fd is not pointing to valid bpf_map');
      let index = usedMaps.findIndex((used) => used.id === map.id);
      if (index < 0) index = usedMaps.push(map) - 1;
      insns.imm[pc] = index;
    }
    pc++;
  }
  const { length } = insns;
  return {
    ok: true,
    log: input.logLevel === 0 ? '' : `processed ${length} insns\n`,
    stats: { processed: length, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, stackDepth: [0] },
    program: {
      insns: encode(insns),
      usedMaps,
      subprogs: [...starts].sort((a, b) => a - b).map((start, i) => ({ start, name: `sub${i}` })),
      funcInfo: input.funcInfo ?? new Uint8Array(0),
      lineInfo: input.lineInfo ?? new Uint8Array(0),
      faultable: new Set(),
      callMaps: new Map(),
      arenaAccesses: new Set(),
      bufferAccess: { readOnly: 0, writable: 0 },
      exceptionCallback: 0,
      kfuncs: new Map(),
      attachType: input.attachType,
    },
  };
}

function refused(log: string): VerifierResult {
  const stats = { processed: 0, maxStatesPerInsn: 0, totalStates: 0, peakStates: 0, stackDepth: [] };
  return { ok: false, errno: 22, log, stats, pc: 0 };
}

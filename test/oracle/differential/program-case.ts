/** A generated program as a case: what kernels are asked, and what is kept of it. */

import { toHex } from '../../../src/base/bytes.ts';
import type { CaseMap, CaseReloc, ProgramCase } from '../../../src/bin/cases/case.ts';
import type { ProgramAnswer } from '../../../src/bin/cases/program.ts';
import { BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, CALL, decode, LD_IMM64, toAssembly } from '../../../src/isa/index.ts';
import { KERNEL_FUNCTIONS } from '../../support/generator/kernel-names.ts';
import type { GeneratedProgram } from '../../support/generator/program.ts';
import { FIRST_FUNCTION, GENERATED_BTF, generatedTypes, MAX_FUNCTIONS } from '../../support/generator/types.ts';
import { bytesOf, functionStarts } from './edit.ts';

/** The types of all generated programs. */
export const GENERATED_TYPES = generatedTypes();

export function caseOf(program: GeneratedProgram): ProgramCase {
  const { progType, attachType, attachBtf, flags, data, leaky } = program;
  return {
    id: `generated-${program.seed}`,
    prog_type: progType,
    ...(attachType === 0 ? {} : { attach_type: attachType }),
    ...(attachBtf === undefined ? {} : { attach_btf: attachBtf }),
    ...(flags === undefined ? {} : { flags }),
    insns: toHex(program.insns),
    relocs: relocsOf(program.insns),
    maps: program.maps.map(mapOf),
    ...typesOf(program),
    ...UNKNOWN,
    ...(data === undefined
      ? {}
      : { run: { ret: 0, errno: 0, retval: 0, data_in: toHex(data), data_out: '' }, maps_after: [] }),
    deterministic: !leaky,
  };
}

/** The case with more runs: the packet, the same with every bit turned, and a short one of zeros. */
export function withMorePackets(c: ProgramCase): ProgramCase {
  const { run, ...rest } = c;
  if (run === undefined) return c;
  const data = run.data_in ?? '';
  const turned = data.replace(/./g, (digit) => (15 - Number.parseInt(digit, 16)).toString(16));
  return { ...rest, runs: [data, turned, '00'.repeat(20)].map((data_in) => ({ ...run, data_in })) };
}

const UNKNOWN = { accept: false, errno: 0, msg: '' };

/** Types of a program with several functions: callbacks must have them. */
function typesOf({ insns, functions }: GeneratedProgram): Pick<ProgramCase, 'prog_btf' | 'func_info'> {
  const starts = functionStarts(decode(insns));
  if (starts.length > MAX_FUNCTIONS) return {};
  const types = starts.map((start, i) => functions.find((f) => f.start === start)?.type ?? FIRST_FUNCTION + i);
  const records = new Uint32Array(starts.flatMap((start, i) => [start, types[i]!]));
  return { prog_btf: GENERATED_BTF, func_info: toHex(new Uint8Array(records.buffer)) };
}

/** References to maps and kernel functions, which have an index in imm. */
function relocsOf(bytes: Uint8Array): CaseReloc[] {
  const insns = decode(bytes);
  const relocs: CaseReloc[] = [];
  for (let pc = 0; pc < insns.length; pc++) {
    if (insns.code[pc] === CALL && insns.src[pc] === BPF_PSEUDO_KFUNC_CALL) {
      const name = KERNEL_FUNCTIONS[insns.imm[pc]!];
      if (name !== undefined) relocs.push({ insn: pc, kind: 'kfunc', name });
    }
    if (insns.code[pc] !== LD_IMM64) continue;
    const src = insns.src[pc];
    if (src === 1) relocs.push({ insn: pc, kind: 'map', map: insns.imm[pc]! });
    if (src === 2) relocs.push({ insn: pc, kind: 'map_value', map: insns.imm[pc]!, off: insns.imm[pc + 1] ?? 0 });
    pc++;
  }
  return relocs;
}

function mapOf(map: GeneratedProgram['maps'][number]): CaseMap {
  const key = (n: number) => toHex(Uint8Array.from([n & 255, n >> 8, 0, 0]));
  return {
    type: map.type,
    key_size: map.keySize,
    value_size: map.valueSize,
    max_entries: map.maxEntries,
    flags: map.flags ?? 0,
    ...(map.extra ? { extra: map.extra } : {}),
    ...(map.frozen ? { frozen: true } : {}),
    ...(map.inner ? { inner: mapOf(map.inner) } : {}),
    ...(map.valueType ? { btf: GENERATED_BTF, btf_key: GENERATED_TYPES.key, btf_value: map.valueType } : {}),
    ...(map.values ? { init: map.values.map((value, n) => [key(n), toHex(value)] as [string, string]) } : {}),
  };
}

/** The case with Linux's answer in it, as the files of program cases have it. */
export function withAnswer(c: ProgramCase, linux: ProgramAnswer): ProgramCase {
  const { accept, errno, msg, processed } = linux;
  const { run, runs = run ? [run] : [], maps_after: _, ...rest } = c;
  const ran = (linux.runs ?? []).map((answer, i) => ({ ...answer, data_in: runs[i]?.data_in ?? '' }));
  const results = ran[0]
    ? { ...(ran.length > 1 ? { runs: ran } : { run: ran[0] }), maps_after: linux.maps_after ?? [] }
    : {};
  return { ...rest, accept, errno, msg, processed, ...results };
}

/** Whether the program takes the address of a function, as callbacks need it. */
export function takesFunctions(c: ProgramCase): boolean {
  const { code, src } = decode(bytesOf(c));
  return code.some((op, pc) => op === LD_IMM64 && src[pc] === BPF_PSEUDO_FUNC);
}

export function assemblyOf(c: ProgramCase): string {
  return toAssembly(decode(bytesOf(c)));
}

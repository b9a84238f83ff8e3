/**
 * Names of the kernel functions that a loaded program calls. Linux puts the distance from __bpf_call_base where a helper's
 * number was; /proc/kallsyms says who lives there, for those who may read addresses.
 */
import { cString } from '../../base/bytes.ts';
import { BPF_PSEUDO_CALL, CALL, type Insns } from '../../isa/index.ts';
import { HELPER_IDS } from '../../uapi/generated/helper-ids.ts';
import type { Context } from '../context.ts';
import { reason } from '../failure.ts';

const KALLSYMS = '/proc/kallsyms';
const BASE = '__bpf_call_base';
const LAST_HELPER = Object.keys(HELPER_IDS).length;

/** By what the call carries in `imm`. Empty where no call needs one, or the names cannot be had. */
export async function callNames(context: Context, insns: Insns): Promise<ReadonlyMap<number, string>> {
  const distances = new Set<number>();
  for (let pc = 0; pc < insns.length; pc++) {
    const imm = insns.imm[pc]!;
    if (insns.code[pc] !== CALL || insns.src[pc] === BPF_PSEUDO_CALL) continue;
    if (imm < 0 || imm > LAST_HELPER) distances.add(imm);
  }
  const { kind } = await context.kernel();
  if (distances.size === 0 || kind !== 'linux') return new Map();
  try {
    return namesAt(cString(await context.io.readFile(KALLSYMS)), distances);
  } catch (error) {
    reason(error); // Rethrows our own mistakes; without the file calls show their numbers.
    return new Map();
  }
}

/** Names of what lies at these distances from __bpf_call_base. Empty where addresses are hidden (all zero). */
export function namesAt(kallsyms: string, distances: ReadonlySet<number>): Map<number, string> {
  const names = new Map<number, string>();
  const line = new RegExp(`^([0-9a-f]+) \\S ${BASE}$`, 'm').exec(kallsyms);
  const base = BigInt(`0x${line?.[1] ?? '0'}`);
  if (base === 0n) return names; // addresses are hidden
  const wanted = new Map([...distances].map((imm) => [(base + BigInt(imm)).toString(16).padStart(16, '0'), imm]));
  for (const [, address, name] of kallsyms.matchAll(/^([0-9a-f]+) \S (\S+)/gm)) {
    const imm = wanted.get(address!);
    if (imm !== undefined && !names.has(imm)) names.set(imm, name!);
  }
  return names;
}

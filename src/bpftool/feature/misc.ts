/** The last section: properties of the verifier, and versions of the instruction set. */
import type { Features } from '../../client/index.ts';
import { BPF_MAXINSNS } from '../../uapi/flags.ts';
import type { Report } from './report.ts';

type Slot = readonly [code: number, regs: number, off: number, imm: number];

const MOV_R0: Slot = [0xb7, 0, 0, 0];
const EXIT: Slot = [0x95, 0, 0, 0];

interface Probe {
  readonly key: string;
  readonly name: string;
  readonly macro: string;
  readonly slots: readonly Slot[];
}

const PROBES: readonly Probe[] = [
  {
    key: 'have_large_insn_limit',
    name: 'Large program size limit',
    macro: 'LARGE_INSN_LIMIT',
    slots: [...Array.from({ length: BPF_MAXINSNS }, () => MOV_R0), EXIT],
  },
  {
    key: 'have_bounded_loops',
    name: 'Bounded loop support',
    macro: 'BOUNDED_LOOPS',
    // r0 = 10; do r0 -= 1 while (r0 != 0)
    slots: [[0xb7, 0, 0, 10], [0x17, 0, 0, 1], [0x55, 0, -2, 0], EXIT],
  },
  {
    key: 'have_v2_isa_extension',
    name: 'ISA extension v2',
    macro: 'V2_ISA_EXTENSION',
    // if r0 < 0
    slots: [MOV_R0, [0xa5, 0, 1, 0], MOV_R0, EXIT],
  },
  {
    key: 'have_v3_isa_extension',
    name: 'ISA extension v3',
    macro: 'V3_ISA_EXTENSION',
    // if w0 < 0
    slots: [MOV_R0, [0xa6, 0, 1, 0], MOV_R0, EXIT],
  },
  {
    key: 'have_v4_isa_extension',
    name: 'ISA extension v4',
    macro: 'V4_ISA_EXTENSION',
    // if w0 == 1; gotol +1
    slots: [MOV_R0, [0x16, 0, 1, 1], [0x06, 0, 0, 1], MOV_R0, EXIT],
  },
];

export async function probeMisc(report: Report, features: Features): Promise<void> {
  report.section('misc', 'Scanning miscellaneous eBPF features...', '/*** eBPF misc features ***/');
  for (const { key, name, macro, slots } of PROBES) {
    report.feature(key, name, macro, await features.program(assemble(slots)));
  }
  report.endSection();
}

function assemble(slots: readonly Slot[]): Uint8Array {
  const bytes = new Uint8Array(slots.length * 8);
  const dv = new DataView(bytes.buffer);
  for (const [i, [code, regs, off, imm]] of slots.entries()) {
    dv.setUint8(i * 8, code);
    dv.setUint8(i * 8 + 1, regs);
    dv.setInt16(i * 8 + 2, off, true);
    dv.setInt32(i * 8 + 4, imm, true);
  }
  return bytes;
}

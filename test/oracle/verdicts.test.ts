/**
 * Minimal programs, one rule each, with the words that Linux 6.18 said to them: the embedded kernel says the same, and
 * where bpf(2) works the machine's kernel is asked again.
 */
import { release } from 'node:os';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import type { CaseMap, CaseReloc, ProgramCase } from '../../src/bin/cases/case.ts';
import { type CaseHost, openCaseHost } from '../../src/bin/cases/host.ts';
import { BtfObjects } from '../../src/bin/cases/objects.ts';
import { answerProgram, level2Log } from '../../src/bin/cases/program.ts';
import { assemble, encode } from '../../src/isa/index.ts';
import { BPF_F_SLEEPABLE } from '../../src/uapi/flags.ts';
import * as c from '../../src/uapi/generated/constants.ts';
import { describeKernel } from '../support/real-kernel.ts';

interface Minimal {
  /** A sentence about what is accepted or refused. */
  readonly what: string;
  readonly type: number;
  readonly attach?: number;
  /** The kernel's function or typedef that it attaches to. */
  readonly to?: string;
  readonly flags?: number;
  readonly maps?: readonly CaseMap[];
  readonly code: string;
  /** The last message, or that there is none. */
  readonly says: string;
  /** Lines that the level-2 log has, too. */
  readonly logs?: readonly string[];
  /** Instructions looked at. */
  readonly processed?: number;
}

const ARRAY: CaseMap = { type: c.BPF_MAP_TYPE_ARRAY, key_size: 4, value_size: 64, max_entries: 1, flags: 0 };
const RINGBUF: CaseMap = { type: c.BPF_MAP_TYPE_RINGBUF, key_size: 0, value_size: 0, max_entries: 4096, flags: 0 };
const SOCKET_FILTER = c.BPF_PROG_TYPE_SOCKET_FILTER;
const SCHED_CLS = c.BPF_PROG_TYPE_SCHED_CLS;
const TRACING = c.BPF_PROG_TYPE_TRACING;
const TP_BTF = { type: TRACING, attach: c.BPF_TRACE_RAW_TP };
const ITER = { type: TRACING, attach: c.BPF_TRACE_ITER };
const ACCEPTED = 'accepted';

const DYNPTR_FROM_MEM = `
  r2 = 4
  r3 = 0
  r4 = r10
  r4 += -16
  call ${c.BPF_FUNC_dynptr_from_mem}
  r0 = 0
  exit`;
const ENDS = `
  r0 = 0
  exit`;

/** Two ways to the same place, where the exact value of r7 matters. */
const joined = (one: string, other: string): string => `
  call ${c.BPF_FUNC_get_prandom_u32}
  r6 = r0
  call ${c.BPF_FUNC_get_prandom_u32}
  r8 = r0
  r1 = 0
  r2 = 0
  if r6 s> 0 goto +${one.split('\n').length + 1}
  ${one}
  goto +${other.split('\n').length}
  ${other}
  r1 = r10
  r1 += -16
  r1 += r7 ${ENDS}`;

/** r7 is a copy of r8 with a constant added, and only goes on where it is known. */
const JUMPS_WHERE_R7_IS = (value: number): string => `r7 = r8
  r7 += 1
  if r7 == ${value} goto +2
  r0 = 0
  exit`;

const MINIMAL: readonly Minimal[] = [
  {
    what: 'a dynptr may be made of a map value',
    type: SOCKET_FILTER,
    maps: [ARRAY],
    code: `r1 = map[fd:0][0]+0 ${DYNPTR_FROM_MEM}`,
    says: ACCEPTED,
  },
  {
    what: 'no dynptr is made of stack',
    type: SOCKET_FILTER,
    code: `r1 = r10
      r1 += -24
      *(u64 *)(r10 - 24) = 0 ${DYNPTR_FROM_MEM}`,
    says: 'Unsupported reg type fp for bpf_dynptr_from_mem data',
  },
  {
    what: 'no dynptr is made of a ring buffer record',
    type: SOCKET_FILTER,
    maps: [RINGBUF],
    code: `r1 = map[fd:0]
      r2 = 8
      r3 = 0
      call ${c.BPF_FUNC_ringbuf_reserve}
      if r0 == 0 goto +6
      r1 = r0 ${DYNPTR_FROM_MEM}`,
    says: 'Unsupported reg type ringbuf_mem for bpf_dynptr_from_mem data',
  },
  {
    what: 'a number that a helper writes lies at a multiple of its size in a map value',
    type: SOCKET_FILTER,
    maps: [ARRAY],
    code: `r1 = map[fd:0][0]+0
      r2 = 4
      r3 = 0
      r4 = map[fd:0][0]+4
      call ${c.BPF_FUNC_strtol} ${ENDS}`,
    says: 'misaligned value access off 0+4+0 size 8',
  },
  {
    what: 'a number that a helper writes lies at a multiple of its size on the stack',
    type: SCHED_CLS,
    code: `r2 = 0
      r3 = r10
      r3 += -6
      *(u64 *)(r10 - 8) = 0
      r4 = 0
      r5 = 0
      call ${c.BPF_FUNC_check_mtu} ${ENDS}`,
    says: 'misaligned stack access off 0+-6+0 size 4',
  },
  {
    what: 'half of the socket pointer in __sk_buff is nothing',
    type: SOCKET_FILTER,
    code: `r1 = *(u32 *)(r1 + 172) ${ENDS}`,
    says: 'invalid bpf_context access off=172 size=4',
  },
  {
    what: 'of the protocol of a bpf_sock the first byte may be read',
    type: c.BPF_PROG_TYPE_CGROUP_SOCK,
    attach: c.BPF_CGROUP_INET_SOCK_CREATE,
    code: `r1 = *(u8 *)(r1 + 12)
      r0 = 1
      exit`,
    says: ACCEPTED,
  },
  {
    what: 'of the protocol of a bpf_sock the second byte may not be read',
    type: c.BPF_PROG_TYPE_CGROUP_SOCK,
    attach: c.BPF_CGROUP_INET_SOCK_CREATE,
    code: `r1 = *(u8 *)(r1 + 13)
      r0 = 1
      exit`,
    says: 'invalid bpf_context access off=13 size=1',
  },
  {
    what: 'what a device hook answers may be asked for',
    type: c.BPF_PROG_TYPE_CGROUP_DEVICE,
    attach: c.BPF_CGROUP_DEVICE,
    code: `call ${c.BPF_FUNC_get_retval}
      r0 = 1
      exit`,
    says: ACCEPTED,
  },
  {
    what: 'what a socket operation answers may not be asked for',
    type: c.BPF_PROG_TYPE_SOCK_OPS,
    attach: c.BPF_CGROUP_SOCK_OPS,
    code: `call ${c.BPF_FUNC_get_retval}
      r0 = 1
      exit`,
    says: 'program of this type cannot use helper bpf_get_retval#186',
  },
  {
    what: 'a tracepoint has no function address',
    type: c.BPF_PROG_TYPE_TRACEPOINT,
    code: `call ${c.BPF_FUNC_get_func_ip} ${ENDS}`,
    says: 'func bpf_get_func_ip#173 not supported for program type 5',
  },
  {
    what: 'a tracepoint with types has no function address either',
    ...TP_BTF,
    to: 'btf_trace_sched_switch',
    code: `call ${c.BPF_FUNC_get_func_ip} ${ENDS}`,
    says: 'func bpf_get_func_ip#173 supported only for fentry/fexit/fmod_ret programs',
  },
  {
    what: 'a union that is passed by value is a number',
    ...TP_BTF,
    to: 'btf_trace_tmigr_group_set_cpu_inactive',
    code: `r2 = *(u64 *)(r1 + 8) ${ENDS}`,
    says: ACCEPTED,
  },
  {
    what: 'the file that an iterator writes to stays valid, also where the program may sleep',
    ...ITER,
    to: 'bpf_iter_task',
    flags: BPF_F_SLEEPABLE,
    code: `r2 = *(u64 *)(r1 + 0)
      r3 = *(u64 *)(r2 + 0) ${ENDS}`,
    says: ACCEPTED,
    logs: ['1: (79) r3 = *(u64 *)(r2 +0)          ; R2=trusted_ptr_bpf_iter_meta() R3=trusted_ptr_seq_file()'],
  },
  {
    what: 'a pointer to no structure leads to memory of which nothing is known',
    ...TP_BTF,
    to: 'btf_trace_sched_process_exec',
    // task_struct.stack
    code: `r2 = *(u64 *)(r1 + 0)
      r3 = *(u64 *)(r2 + 32)
      r4 = *(u8 *)(r3 + 1000)
      *(u8 *)(r3 + 0) = 1 ${ENDS}`,
    says: 'R3 cannot write into rdonly_untrusted_mem',
  },
  {
    what: 'a union is of any of its members, so what is there may be read in any size',
    ...TP_BTF,
    to: 'btf_trace_signal_generate',
    code: `r2 = *(u64 *)(r1 + 8)
      r3 = *(u64 *)(r2 + 16) ${ENDS}`,
    says: ACCEPTED,
  },
  {
    what: 'outside of unions a read ends with its member',
    ...TP_BTF,
    to: 'btf_trace_signal_generate',
    code: `r2 = *(u64 *)(r1 + 8)
      r3 = *(u64 *)(r2 + 0) ${ENDS}`,
    says: 'access beyond the end of member si_signo (mend:4) in struct (anon) with off 0 size 8',
  },
  {
    what: 'a packet load is not allowed in a function that BTF does not describe',
    type: SCHED_CLS,
    code: `call pc+2 ${ENDS}
      r6 = r1
      r0 = *(u8 *)skb[0] ${ENDS}`,
    says: 'LD_ABS is not allowed in subprogs without BTF',
  },
  {
    what: 'a tail call is not allowed in a function that BTF does not describe',
    type: SCHED_CLS,
    maps: [{ ...ARRAY, type: c.BPF_MAP_TYPE_PROG_ARRAY, value_size: 4 }],
    code: `call pc+2 ${ENDS}
      r2 = map[fd:0]
      r3 = 0
      call ${c.BPF_FUNC_tail_call} ${ENDS}`,
    says: 'tail_call is not allowed in subprogs without BTF',
  },
  {
    what: 'a shift left by 32 keeps the sign of the low half',
    type: SOCKET_FILTER,
    code: `call ${c.BPF_FUNC_get_prandom_u32}
      if r0 s> 100 goto +4
      if r0 s< -5 goto +3
      r0 <<= 32
      r0 s>>= 32
      exit ${ENDS}`,
    says: ACCEPTED,
    logs: ['4: (c7) r0 s>>= 32                    ; R0=scalar(smin=smin32=-5,smax=smax32=100)'],
  },
  {
    what: 'a loop is walked again with what its first round had not got yet',
    type: SOCKET_FILTER,
    code: `goto +2
      r3 = r6
      r3 = 0
      r7 = 0
      may_goto +3
      call ${c.BPF_FUNC_get_prandom_u32}
      r6 = r0
      r7 = 1
      r7 &= 1
      if r7 != 0 goto -9 ${ENDS}`,
    says: ACCEPTED,
    processed: 29,
  },
  {
    what: 'a number that is linked to none stands for one that is linked by a constant',
    type: SOCKET_FILTER,
    code: joined('r7 = 1', JUMPS_WHERE_R7_IS(1)),
    says: ACCEPTED,
    processed: 20,
  },
  {
    what: 'a number that is linked by a constant stands for none that is not',
    type: SOCKET_FILTER,
    code: joined(JUMPS_WHERE_R7_IS(1), 'r7 = 1'),
    says: ACCEPTED,
    processed: 24,
  },
];

function caseOf(minimal: Minimal): ProgramCase {
  const insns = encode(assemble(minimal.code));
  const dv = new DataView(insns.buffer, insns.byteOffset);
  const relocs: CaseReloc[] = [];
  for (let at = 0; at < insns.length; at += 8) {
    if (insns[at] !== 0x18) continue;
    const pseudo = insns[at + 1]! >> 4;
    const reference = { insn: at / 8, map: dv.getInt32(at + 4, true), off: dv.getInt32(at + 12, true) };
    if (pseudo !== 0) relocs.push({ ...reference, kind: pseudo === 1 ? 'map' : 'map_value' });
    at += 8;
  }
  return {
    id: minimal.what,
    prog_type: minimal.type,
    attach_type: minimal.attach ?? 0,
    ...(minimal.to === undefined ? {} : { attach_btf: minimal.to }),
    flags: minimal.flags ?? 0,
    insns: toHex(insns),
    relocs,
    maps: [...(minimal.maps ?? [])],
    accept: false,
    errno: 0,
    msg: '',
  };
}

async function check(host: CaseHost, minimal: Minimal): Promise<void> {
  const btfs = new BtfObjects(host.kernel);
  try {
    const asked = caseOf(minimal);
    const { accept, msg, processed } = await answerProgram(host, btfs, '', asked);
    expect(accept ? ACCEPTED : msg).toBe(minimal.says);
    if (minimal.processed !== undefined) expect(processed[0]).toBe(minimal.processed);
    if (!minimal.logs) return;
    const { log } = await level2Log(host, btfs, '', asked);
    expect(log.split('\n')).toEqual(expect.arrayContaining([...minimal.logs]));
  } finally {
    await btfs.close();
  }
}

/** Other versions have words of their own. */
const isReference = release().startsWith('6.18.');

for (const kind of ['embedded', 'linux'] as const) {
  const group = kind === 'embedded' ? describe : isReference ? describeKernel : describe.skip;
  group(`minimal programs, ${kind}`, () => {
    it.each(MINIMAL)('$what', async (minimal) => {
      const host = await openCaseHost(kind);
      try {
        await check(host, minimal);
      } finally {
        await host.kernel.close();
      }
    });
  });
}
